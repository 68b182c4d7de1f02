import Glibc
import PluginKit

/// A version folder: which file in it is the model, and what lies beside it.
struct ModelFolder {
  let modelPath: String
  private let folder: String

  /// - Parameter path: the version folder, or a model file.
  init(_ path: String) throws(ModelError) {
    if path.hasSuffix(".onnx"), ModelFolder.names(in: path) == nil {
      modelPath = path
      folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
      return
    }
    guard let names = ModelFolder.names(in: path) else {
      throw ModelError(.notFound, "\(path): \(String(cString: strerror(errno)))")
    }
    let models = names.filter { $0.hasSuffix(".onnx") }.sorted()
    guard let name = models.contains("model.onnx") ? "model.onnx" : models.first else {
      throw ModelError(.notFound, "\(path): holds no .onnx file; model.onnx is expected")
    }
    if name != "model.onnx", models.count > 1 {
      throw ModelError(
        .invalidArgument,
        "\(path): holds \(models.count) .onnx files (\(models.prefix(3).joined(separator: ", "))…) and none is named model.onnx"
      )
    }
    folder = path
    modelPath = path + "/" + name
  }

  /// The lines of `labels.txt`; nil when there is none.
  func labels() throws(ModelError) -> [String]? {
    let path = folder + "/labels.txt"
    guard let file = fopen(path, "re") else {
      if errno == ENOENT { return nil }
      throw ModelError(.notFound, "\(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= ModelLabels.maximumBytes else {
        throw ModelError(.invalidArgument, "\(path): more than \(ModelLabels.maximumBytes) bytes of labels")
      }
    }
    return ModelLabels.lines(String(decoding: bytes, as: UTF8.self))
  }

  /// The names in a folder; nil when it cannot be read.
  private static func names(in path: String) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      names.append(name)
    }
    return names
  }
}
