public import PluginHost

/// Finds the library that serves a version of a model.
///
/// In order: the plugin that the configuration names; a `plugin.so` in the version folder; a file,
/// or a folder of files, `model.X` in the version folder, which the plugin `X` serves. The server knows no kind of model:
/// what `model.onnx` is, the plugin `onnx` knows.
public struct PluginLocator: Sendable {
  /// Where plugins lie, searched in order.
  public let directories: [String]

  public init(directories: [String]) { self.directories = directories }

  /// The path of the library for `source`, or why there is none.
  public func locate(_ source: ModelSource) throws(PluginError) -> String {
    if let name = source.configuration.plugin {
      return try find(name, wantedBy: "model.json of '\(source.name)' names it")
    }
    let own = source.path + "/plugin.so"
    if FileSystem.isFile(own) { return own }
    let entries = FileSystem.entries(of: source.path) ?? []
    let kinds = entries.filter { $0.name.hasPrefix("model.") }.map { $0.name.dropFirst(6) }
    if let kind = kinds.first {
      return try find(String(kind), wantedBy: "\(source.path)/model.\(kind) is served by it")
    }
    throw PluginError(
      status: .notFound,
      message: "\(source.path) holds neither plugin.so nor model.onnx, and model.json names no plugin: "
        + "put a model file there, or name the plugin as {\"plugin\": \"NAME\"}")
  }

  /// The path of the library of the plugin `name`, or why there is none; `reason` says who asks.
  public func find(_ name: String, wantedBy reason: String) throws(PluginError) -> String {
    guard PluginLocator.isPlainName(name) else {
      throw PluginError(
        status: .invalidArgument,
        message: "plugin name '\(name)' is not one: letters, digits, '_', '-' and '.' only, and no path")
    }
    for directory in directories {
      for file in ["\(name).so", "lib\(name).so"] where FileSystem.isFile(directory + "/" + file) {
        return directory + "/" + file
      }
    }
    throw PluginError(
      status: .notFound,
      message: "plugin '\(name)' was not found (\(reason)): looked for \(name).so and lib\(name).so in "
        + (directories.isEmpty ? "no folder: none is configured" : directories.joined(separator: ", ")))
  }

  static func isPlainName(_ name: String) -> Bool {
    guard let first = name.utf8.first, first != UInt8(ascii: "."), name.utf8.count <= 128 else {
      return false
    }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
  }
}
