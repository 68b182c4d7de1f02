import Bytes
import HTTP
import JSON
import Serving
import Tensors

/// Answers `:classify` with labels and scores, `:regress` with numbers, one for each example.
///
/// Both are read off the model's first output of numbers: its rows are the examples, and what a row holds are the
/// scores of the classes, whose labels the model tells. An output of texts of the same shape names them instead.
struct ExamplesAnswer: InferenceAnswer {
  enum Method: String { case classify, regress }

  let method: Method
  let rowCount: Int
  /// Labels of the classes, by the output's name.
  let labels: [String: [String]]
  let reference: ModelReference

  func respond(
    with outputs: [Tensor], headers: [(StaticString, String)], to exchange: Exchange
  ) throws(APIFailure) {
    guard let scores = outputs.first(where: { $0.datatype != .bytes }) else {
      throw .badRequest(
        "model '\(excerpt(reference.name))' has no output of numbers, so that it cannot \(method.rawValue)")
    }
    guard scores.shape.rank > 0, scores.shape[0] == rowCount else {
      throw .badRequest(
        "Expected output Tensor shape to be [batch_size, ...] with \(rowCount) rows, but output '\(scores.name)' has "
          + "shape \(scores.shape)")
    }
    let width = rowCount == 0 ? 0 : scores.elementCount / rowCount
    guard method == .classify || width == 1 else {
      throw .badRequest(
        "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got \(scores.shape) of output "
          + "'\(scores.name)'")
    }
    let names = outputs.first { $0.datatype == .bytes && $0.shape == scores.shape }
    let values = scores.reshaped(to: [rowCount * width])
    exchange.respond(status: 200, headers: headers) { buffer in
      buffer.append("{\"results\":")
      switch method {
      case .regress: JSONWriter(buffer).writeFlat(values)
      case .classify: write(values, names, width, labels[scores.name] ?? [], to: buffer)
      }
      buffer.append("}")
    }
  }

  private func write(
    _ scores: Tensor, _ names: Tensor?, _ width: Int, _ labels: [String], to buffer: ByteBuffer
  ) {
    let json = JSONWriter(buffer)
    buffer.append("[")
    for row in 0..<rowCount {
      buffer.append(row == 0 ? "[" : ",[")
      for column in 0..<width {
        let index = row * width + column
        buffer.append(column == 0 ? "[" : ",[")
        if let names {
          json.write(stringBytes: names.elements(as: BytesElement.self)[index].bytes)
        } else {
          json.write(label(of: column, in: scores.shape, labels))
        }
        buffer.append(",")
        json.writeNested(scores.rows(index..<index + 1).reshaped(to: []))
        buffer.append("]")
      }
      buffer.append("]")
    }
    buffer.append("]")
  }

  /// The name of a class; empty where there are fewer labels than classes.
  private func label(of column: Int, in shape: Shape, _ labels: [String]) -> String {
    let place = shape.rank > 1 ? column % max(shape.last ?? 1, 1) : column
    return place < labels.count ? labels[place] : ""
  }

  func failure(for error: ServingError) -> APIFailure {
    APIFailure(error, dialect: .tensorFlowServing, model: reference)
  }
}
