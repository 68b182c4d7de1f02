import HTTP
import PluginHost
import Serving
import Tensors

/// The routes below `/v1/models`.
extension InferenceService {
  func answerModelStatus(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    // As TensorFlow Serving has it, a label does not choose here.
    let reference =
      parameters["label"] == nil
      ? try reference(exchange, parameters, .tensorFlowServing)
      : ModelReference(name: parameters["model"] ?? "")
    let versions = catalog.modelVersions(of: reference.name)
    guard !versions.isEmpty else {
      throw APIFailure(404, "Could not find any versions of model \(excerpt(reference.name))")
    }
    guard let version = reference.version, version != 0 else {
      return exchange.respond(ModelStatus.status(versions, name: reference.name, identity))
    }
    let chosen = versions.filter { $0.version == version }
    guard !chosen.isEmpty else {
      throw APIFailure(404, "Could not find version \(version) of model \(excerpt(reference.name))")
    }
    exchange.respond(ModelStatus.status(chosen, name: reference.name, identity))
  }

  func answerServableMetadata(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let reference = try reference(exchange, parameters, .tensorFlowServing)
    let ready = try readyModel(reference, .tensorFlowServing)
    let (model, description) = (ready.model, ready.description)
    exchange.respond(ServableMetadata.document(name: model.name, version: model.version, description))
  }

  func predict(_ exchange: Exchange, _ resolved: ResolvedModel) {
    var context = CallContext(exchange, self, metrics: resolved.metrics)
    do throws(APIFailure) {
      var reader = PredictRequestReader(
        text: JSONText.body(of: exchange), description: resolved.description, limits: limits)
      let request = try reader.read()
      context.finishedReading()
      try submit(
        exchange, PredictAnswer(format: request.format, reference: resolved.reference), context, to: resolved,
        .tensorFlowServing,
        InferenceArguments(
          id: "", inputs: request.inputs, parameters: "{}",
          deadline: try deadline(of: exchange, timeout: 0), client: exchange.clientKey))
    } catch {
      context.fail(exchange, error)
    }
  }
}

/// Answers a `:predict` request.
struct PredictAnswer: InferenceAnswer {
  let format: PredictRequest.Format
  let reference: ModelReference

  func respond(
    with outputs: [Tensor], headers: [(StaticString, String)], to exchange: Exchange
  ) throws(APIFailure) {
    let writer = try PredictResponseWriter(format: format, outputs: outputs)
    exchange.respond(status: 200, headers: headers) { writer.write(to: $0) }
  }

  func failure(for error: ServingError) -> APIFailure {
    var failure = APIFailure(error, dialect: .tensorFlowServing, model: reference)
    if let tensor = error.tensor { failure.message += " (input '\(tensor)')" }
    return failure
  }
}
