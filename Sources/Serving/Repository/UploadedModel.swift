import Glibc

/// The files of a model that a client sent, in a folder of their own that goes with this object.
final class UploadedModel: Sendable, Equatable {
  /// The model's folder; the version folders lie in it.
  let path: String

  static let maximumFiles = 1024
  private static let maximumPathLength = 512

  /// - Parameter files: paths below the model's folder, `1/model.onnx` for example, and their bytes.
  /// - Parameter parent: the folder that the model's folder is made in.
  init(files: [ModelFile], in parent: String) throws(ServingError) {
    guard files.count <= UploadedModel.maximumFiles else {
      throw ServingError(
        .invalidArgument, "\(files.count) files were sent; the limit is \(UploadedModel.maximumFiles)")
    }
    for file in files { try UploadedModel.check(file.path) }
    var template = Array("\(parent)/swerve-upload-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw ServingError(
        .outOfMemory, "no folder for the files in \(parent): \(String(cString: strerror(errno)))")
    }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    do throws(ServingError) {
      for file in files { try write(file) }
    } catch {
      UploadedModel.remove(path)
      throw error
    }
  }

  deinit { UploadedModel.remove(path) }

  static func == (a: UploadedModel, b: UploadedModel) -> Bool { a === b }

  /// Libraries are refused: whoever may send one may run anything in the server.
  private static func check(_ path: String) throws(ServingError) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = parts.allSatisfy { part in
      !part.isEmpty && part.first != "." && !part.utf8.contains { $0 < 0x20 || $0 == 0x5c || $0 == 0x7f }
    }
    guard isPlain, parts.count >= 2, parts.count <= ModelRepository.maximumFolderDepth,
      path.utf8.count <= maximumPathLength, Int(parts[0]).map({ $0 > 0 && String($0) == parts[0] }) == true
    else {
      throw ServingError(
        .invalidArgument,
        "file path '\(path.prefix(200))': expected VERSION/FILE, without '..', such as 1/model.onnx")
    }
    guard !path.hasSuffix(".so"), !path.contains(".so.") else {
      throw ServingError(
        .invalidArgument,
        "file '\(path)' is a library, which is not taken from clients: put it into the model repository")
    }
  }

  private func write(_ file: ModelFile) throws(ServingError) {
    let parts = file.path.split(separator: "/")
    var folder = path
    for part in parts.dropLast() {
      folder += "/" + part
      mkdir(folder, 0o700)
    }
    let target = path + "/" + file.path
    let descriptor = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw UploadedModel.refusal(file.path) }
    defer { close(descriptor) }
    var written = 0
    while written < file.bytes.count {
      let count = file.bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw UploadedModel.refusal(file.path) }
      written += count
    }
  }

  private static func refusal(_ path: String) -> ServingError {
    ServingError(.outOfMemory, "file '\(path)' cannot be written: \(String(cString: strerror(errno)))")
  }

  /// As deep as `check` lets paths be.
  private static func remove(_ path: String) {
    for entry in FileSystem.entries(of: path) ?? [] {
      let below = path + "/" + entry.name
      if entry.isDirectory { remove(below) } else { unlink(below) }
    }
    rmdir(path)
  }
}

/// A file that a client sends along with a model.
public struct ModelFile: Sendable, Equatable {
  /// Below the model's folder: `1/model.onnx`.
  public var path: String
  public var bytes: [UInt8]

  public init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }
}
