import Bytes
import HTTP
import JSON
import PluginHost
import Serving
import Tensors

/// Answers a request of `generate`, which has one answer, and writes the events of `generate_stream`.
struct GenerateAnswer: InferenceAnswer {
  static let takesOnePiece = true

  let id: String?
  let reference: ModelReference
  let version: Int

  func respond(
    with outputs: [Tensor], headers: [(StaticString, String)], to exchange: Exchange
  ) throws(APIFailure) {
    exchange.respond(status: 200, headers: headers) { write(outputs, to: $0) }
  }

  /// One flat object: an output of one element as a bare value, others as flat lists.
  func write(_ outputs: [Tensor], to buffer: ByteBuffer) {
    let json = JSONWriter(buffer)
    buffer.append("{")
    if let id {
      buffer.append("\"id\":")
      json.write(id)
      buffer.append(",")
    }
    buffer.append("\"model_name\":")
    json.write(reference.name)
    buffer.append(",\"model_version\":\"")
    buffer.append(decimal: version)
    buffer.append("\"")
    for output in outputs {
      buffer.append(",")
      json.write(output.name)
      buffer.append(":")
      if output.elementCount == 1 {
        json.writeNested(output.reshaped(to: []))
      } else {
        json.writeFlat(output)
      }
    }
    buffer.append("}")
  }

  func failure(for error: ServingError) -> APIFailure {
    APIFailure(error, dialect: .openInference, model: reference)
  }

  func tooManyPieces() -> APIFailure {
    .badRequest(
      "generate expects model to produce exactly 1 response, use generate stream for model that generates various "
        + "number of responses")
  }
}
