import Glibc
import PluginKit

/// A version folder: which file in it is the model, and what lies beside it.
struct ModelFolder {
  let modelPath: String
  private let folder: String

  /// - Parameters:
  ///   - path: the version folder, or a model file.
  ///   - file: the name of the model file in the folder; nil: model.onnx, or the only one.
  init(_ path: String, file: String? = nil) throws(ModelError) {
    if path.hasSuffix(".onnx"), ModelFolder.names(in: path) == nil {
      modelPath = path
      folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
      return
    }
    guard let names = ModelFolder.names(in: path) else {
      throw ModelError(.notFound, "\(path): \(String(cString: strerror(errno)))")
    }
    folder = path
    modelPath = ModelFolder.modelFile(at: path + "/" + (try ModelFolder.model(among: names, in: path, file)))
  }

  /// The name of the model among those in a folder.
  private static func model(
    among names: [String], in path: String, _ file: String?
  ) throws(ModelError) -> String {
    if let file {
      guard !file.contains("/"), names.contains(file) else {
        throw ModelError(
          .notFound,
          "\(path): holds no '\(file)', which default_model_filename in the model's configuration names")
      }
      return file
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
    return name
  }

  /// A model whose weights lie in files of their own may be a folder, as Triton has it: model.onnx/model.onnx.
  private static func modelFile(at path: String) -> String {
    names(in: path) == nil ? path : path + "/model.onnx"
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
