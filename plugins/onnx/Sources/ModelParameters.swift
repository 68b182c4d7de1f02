import ONNX
import PluginKit

/// The settings of a model of this plugin: `"parameters"` of its model.json.
struct ModelParameters {
  private(set) var precision = Precision.fp32
  /// The name of the model file; nil: the plugin looks for it.
  private(set) var file: String?

  /// - Parameter configuration: a JSON object of strings, as the server gives it.
  init(_ configuration: String) throws(ModelError) {
    for (name, value) in ModelParameters.members(configuration) {
      if name == "default_model_filename" { file = value }
      guard name == "precision" else { continue }
      guard let precision = Precision(rawValue: value) else {
        let names = Precision.allCases.map(\.rawValue).joined(separator: ", ")
        throw ModelError(.invalidArgument, "parameter precision is \"\(value)\"; expected \(names)")
      }
      self.precision = precision
    }
  }

  /// The strings of an object, names and values in turn. Text with escapes is none of ours: it stays as it is.
  private static func members(_ text: String) -> [(String, String)] {
    var strings: [String] = []
    var current: [UInt8]?
    var isEscaped = false
    for byte in text.utf8 {
      if current == nil {
        if byte == UInt8(ascii: "\"") { current = [] }
      } else if isEscaped {
        isEscaped = false
        current?.append(byte)
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        strings.append(String(decoding: current ?? [], as: UTF8.self))
        current = nil
      } else {
        current?.append(byte)
      }
    }
    return stride(from: 0, to: strings.count - 1, by: 2).map { (strings[$0], strings[$0 + 1]) }
  }
}
