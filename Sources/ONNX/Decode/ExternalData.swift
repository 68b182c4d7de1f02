import Glibc
import Locks
import Tensors

/// The files beside a model that hold its large tensors. Only files inside the model's folder are
/// opened: an absolute location, one with `..`, or a link that leads out of the folder is refused.
final class ExternalData: Sendable {
  /// The folder of the model file.
  private let folder: String
  private let files = Lock<[String: MappedFile]>([:])

  init(modelPath: String) {
    if let slash = modelPath.lastIndex(of: "/") {
      folder = slash == modelPath.startIndex ? "/" : String(modelPath[..<slash])
    } else {
      folder = "."
    }
  }

  /// Throws if one of the files was written to since it was opened.
  func checkUnchanged() throws {
    for file in files.withLock({ Array($0.values) }) { try file.checkUnchanged() }
  }

  /// The tensor that the entries `location`, `offset` and `length` of `external_data` describe.
  func constant(
    _ entries: [String: String], _ datatype: Datatype, _ shape: Shape, byteCount: Int
  ) throws -> Constant {
    guard datatype != .bytes else { throw ONNXError(.malformed, "a STRING tensor with external data") }
    guard let location = entries["location"] else {
      throw ONNXError(.malformed, "external data without a location")
    }
    return try at("external data '\(location)'") {
      let offset = try number(entries, "offset") ?? 0
      let length = try number(entries, "length") ?? byteCount
      guard length == byteCount else {
        throw ONNXError(.malformed, "length \(length); \(datatype.name) of shape \(shape) takes \(byteCount)")
      }
      let file = try file(location)
      guard offset <= file.bytes.count, length <= file.bytes.count - offset else {
        throw ONNXError(
          .malformed, "bytes \(offset) to \(offset)+\(length) of a file that has \(file.bytes.count)")
      }
      return Constant(
        datatype: datatype, shape: shape,
        bytes: UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + length]), owner: file)
    }
  }

  private func number(_ entries: [String: String], _ key: String) throws -> Int? {
    guard let text = entries[key] else { return nil }
    guard let value = Int(text), value >= 0 else {
      throw ONNXError(.malformed, "\(key) '\(text)' is not a number of bytes")
    }
    return value
  }

  private func file(_ location: String) throws -> MappedFile {
    try files.withLock { files in
      if let file = files[location] { return file }
      let file = try MappedFile(path: try checkedPath(location))
      files[location] = file
      return file
    }
  }

  private func checkedPath(_ location: String) throws -> String {
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.utf8.contains(0), parts.allSatisfy({ !$0.isEmpty && $0 != ".." })
    else {
      throw ONNXError(.invalid, "must be a path inside the model's folder, without '..'")
    }
    let path = folder + "/" + location
    guard let home = ExternalData.resolved(folder), let real = ExternalData.resolved(path) else {
      throw ONNXError(.unreadable, "\(path): cannot be opened: \(String(cString: strerror(errno)))")
    }
    guard real.hasPrefix(home == "/" ? "/" : home + "/") else {
      throw ONNXError(.invalid, "leads out of the model's folder, to \(real)")
    }
    return real
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
