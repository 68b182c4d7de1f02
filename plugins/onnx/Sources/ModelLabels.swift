import ONNX
import Tensors

/// Names of the classes that a model tells apart.
struct ModelLabels {
  static let maximumBytes = 4 << 20

  private let labels: [String]

  init(_ labels: [String]?) { self.labels = labels ?? [] }

  /// The labels of an output: all of them, if its last dimension has as many places.
  func labels(for output: TensorDescription) -> [String] {
    guard !labels.isEmpty, output.shape.rank > 0, output.shape[output.shape.rank - 1] == labels.count else {
      return []
    }
    return labels
  }

  /// The labels that exporters write into a model's metadata, one a line or with commas between them.
  static func texts(of metadata: [String: String]) -> [String]? {
    for key in ["labels", "classes", "class_names"] {
      guard let text = metadata[key], !text.hasPrefix("{"), !text.hasPrefix("[") else { continue }
      let lines = lines(text)
      return lines.count > 1 ? lines : text.split(separator: ",").map { trimmed($0) }
    }
    return nil
  }

  /// The lines of a text, without the empty ones at its end.
  static func lines(_ text: String) -> [String] {
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { trimmed($0) }
    while lines.last?.isEmpty ?? false { lines.removeLast() }
    return lines
  }

  private static func trimmed(_ text: Substring) -> String {
    let start = text.drop(while: \.isWhitespace)
    return String(start.prefix(start.count - start.reversed().prefix(while: \.isWhitespace).count))
  }
}
