import HTTP
import JSON
import PluginHost
import Tensors

/// The routes below `/v2/models`.
extension InferenceService {
  func answerModelMetadata(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let reference = try reference(exchange, parameters, .openInference)
    let ready = try readyModel(reference, .openInference)
    let (model, description) = (ready.model, ready.description)
    let served = catalog.modelVersions(of: model.name).filter(\.isReady)
    exchange.respond(
      .object([
        ("name", .string(model.name)),
        ("versions", .array(served.map { .string(String($0.version)) })),
        ("platform", .string(model.platform)),
        ("inputs", .array(description.inputs.map(ServerDocuments.tensor))),
        ("outputs", .array(description.outputs.map(ServerDocuments.tensor))),
      ]))
  }

  func answerModelReady(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let reference = try reference(exchange, parameters, .openInference)
    let isReady = (try? readyModel(reference, .openInference)) != nil
    let model = try modelOrBadRequestOfTriton(reference)
    guard !isReady && !model.isAsleep else {
      return exchange.respond(.object([("name", .string(model.name)), ("ready", .bool(true))]))
    }
    exchange.respond(
      status: 503,
      .object([
        ("name", .string(model.name)), ("ready", .bool(false)), ("error", .string(model.unreadySentence)),
      ]))
  }

  func answerModelConfiguration(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let reference = try reference(exchange, parameters, .openInference)
    let ready = try readyModel(reference, .openInference)
    let (model, description) = (ready.model, ready.description)
    exchange.respond(ModelConfigurationDocument(model: model, description: description).document)
  }

  func infer(_ exchange: Exchange, _ resolved: ResolvedModel) {
    var context = CallContext(exchange, self, metrics: resolved.metrics)
    do throws(APIFailure) {
      let request = try readInferRequest(exchange, resolved)
      if !request.outputs.isEmpty { try checkOutputs(&request.outputs, of: resolved) }
      context.finishedReading()
      let answer = InferAnswer(request: request, resolved: resolved)
      try submit(
        exchange, answer, context, to: resolved, .openInference,
        InferenceArguments(
          id: request.id ?? "", inputs: request.inputs, parameters: request.parameters,
          deadline: try deadline(of: exchange, timeout: request.timeout), priority: request.priority,
          client: exchange.clientKey, sequence: request.sequence))
    } catch {
      context.fail(exchange, error)
    }
  }

  /// The three forms of a body: JSON, JSON with bytes after it, bytes alone.
  private func readInferRequest(
    _ exchange: Exchange, _ resolved: ResolvedModel
  ) throws(APIFailure) -> InferRequest {
    let body = exchange.body
    let model = resolved.reference.name
    guard let header = exchange.header("Inference-Header-Content-Length") else {
      var reader = InferRequestReader(
        text: JSONText.body(of: exchange), blobs: .none, model: model, limits: limits,
        regions: sharedMemory, beginning: resolved.beginning, memory: resolved.inputMemory)
      return try reader.read()
    }
    guard !header.isEmpty, header.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(header),
      length <= body.count
    else {
      throw .badRequest(
        "inference header size should be in range (0, \(body.count)), got: \(excerpt(header)) "
          + "(Inference-Header-Content-Length; 0 means that the body is one raw tensor)")
    }
    if length == 0 {
      return try RawRequest.read(body, owner: exchange, model: model, description: resolved.description)
    }
    var reader = InferRequestReader(
      text: UnsafeRawBufferPointer(rebasing: body[..<length]),
      blobs: BinaryInputs(rest: UnsafeMutableRawBufferPointer(rebasing: body[length...]), owner: exchange),
      model: model, limits: limits, regions: sharedMemory, beginning: resolved.beginning)
    return try reader.read()
  }

  private func checkOutputs(
    _ outputs: inout [RequestedOutput], of resolved: ResolvedModel
  ) throws(APIFailure) {
    let description = resolved.description
    let model = resolved.reference.name
    for (index, output) in outputs.enumerated() {
      guard let spec = description.outputs.first(where: { $0.name == output.name }) else {
        let known = description.outputs.map { "'\($0.name)'" }.joined(separator: ", ")
        throw .badRequest(
          "unexpected inference output '\(excerpt(output.name))' for model '\(model)' (outputs[\(index)].name); "
            + "it has \(known)")
      }
      guard let classification = output.classification else { continue }
      outputs[index].classification = try classification.prepared(
        for: spec, hasRows: resolved.model.tellsBatch, path: "outputs[\(index)]")
    }
  }
}
