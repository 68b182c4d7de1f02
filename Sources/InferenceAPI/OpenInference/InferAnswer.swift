import Bytes
import HTTP
import Serving
import Tensors

/// Answers an inference request of the Open Inference Protocol.
struct InferAnswer: InferenceAnswer {
  let id: String?
  private let inputs: [Tensor]
  private let requested: [RequestedOutput]
  private let prefersBinary: Bool
  private let reference: ModelReference
  private let version: Int

  init(request: InferRequest, reference: ModelReference, version: Int) {
    id = request.id
    inputs = request.inputs
    requested = request.outputs
    prefersBinary = request.prefersBinaryOutputs
    self.reference = reference
    self.version = version
  }

  func respond(
    with outputs: [Tensor], headers: [(StaticString, String)], to exchange: Exchange
  ) throws(APIFailure) {
    let writer = InferResponseWriter(
      id: id, model: reference.name, version: version, outputs: try select(outputs))
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
    guard !requested.isEmpty else {
      return outputs.map { PlacedOutput(tensor: $0, isBinary: prefersBinary) }
    }
    var selected: [PlacedOutput] = []
    for output in requested {
      guard let tensor = outputs.first(where: { $0.name == output.name }) else {
        throw APIFailure(500, "model '\(reference.name)' gave no output '\(output.name)'")
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
    var failure = APIFailure(error, dialect: .openInference, model: reference)
    if let tensor = error.tensor, let index = inputs.lastIndex(where: { $0.name == tensor }) {
      failure.message += " (inputs[\(index)])"
    }
    failure.message = "[request id: \(id ?? "<id_unknown>")] " + failure.message
    return failure
  }
}
