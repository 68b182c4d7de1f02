import Bytes
import HTTP
import Serving
import Tensors

/// Answers an inference request of the Open Inference Protocol.
struct InferAnswer: InferenceAnswer {
  private let request: InferRequest
  private let resolved: ResolvedModel

  init(request: InferRequest, resolved: ResolvedModel) {
    self.request = request
    self.resolved = resolved
  }

  var id: String? { request.id }

  func respond(
    with outputs: [Tensor], headers: [(StaticString, String)], to exchange: Exchange
  ) throws(APIFailure) {
    let writer = InferResponseWriter(
      id: request.id, opening: resolved.opening, outputs: try select(outputs))
    guard writer.hasBinaryPart else {
      return exchange.respond(status: 200, headers: headers) { writer.writeJSON(to: $0) }
    }
    let pieces = writer.binaryPieces
    // The header before the body says how long the JSON is.
    let json = ByteBuffer(capacity: 512)
    writer.writeJSON(to: json)
    exchange.respond(
      status: 200, contentType: "application/octet-stream",
      headers: [("Inference-Header-Content-Length", String(json.count))] + headers, pieces: pieces ?? []
    ) { buffer in
      buffer.append(json.bytes)
      if pieces == nil { writer.writeBinaryPart(to: buffer) }
    }
  }

  /// The outputs that were asked for, in the order of the request.
  private func select(_ outputs: [Tensor]) throws(APIFailure) -> [PlacedOutput] {
    let prefersBinary = request.prefersBinaryOutputs
    guard !request.outputs.isEmpty else {
      return outputs.map { PlacedOutput(tensor: $0, isBinary: prefersBinary) }
    }
    var selected: [PlacedOutput] = []
    for output in request.outputs {
      guard let tensor = outputs.first(where: { $0.name == output.name }) else {
        throw APIFailure(500, "model '\(resolved.reference.name)' gave no output '\(output.name)'")
      }
      var placed = PlacedOutput(tensor: tensor, isBinary: output.isBinary ?? prefersBinary)
      if let classification = output.classification { placed.tensor = try classification.classes(of: tensor) }
      if let slice = output.sharedMemory {
        placed.isBinary = false
        placed.sharedMemory = slice
        try placed.share()
      }
      selected.append(placed)
    }
    return selected
  }

  func failure(for error: ServingError) -> APIFailure {
    var failure = APIFailure(error, dialect: .openInference, model: resolved.reference)
    if let tensor = error.tensor, let index = request.inputs.lastIndex(where: { $0.name == tensor }) {
      failure.message += " (inputs[\(index)])"
    }
    failure.message = "[request id: \(request.id ?? "<id_unknown>")] " + failure.message
    return failure
  }
}
