import HTTP
import PluginHost
import Serving
import Tensors

extension InferenceService {
  /// The model that a path names. Its version must be a number.
  func reference(
    _ exchange: Exchange, _ parameters: PathParameters, _ dialect: Dialect
  ) throws(APIFailure) -> ModelReference {
    let name = parameters["model"] ?? ""
    if let label = parameters["label"] { return try labelled(label, of: name, dialect) }
    guard let text = parameters["version"] else { return ModelReference(name: name) }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { throw notFound(exchange) }
    guard let version = Int(text) else {
      throw .badRequest(
        dialect == .tensorFlowServing
          ? "Failed to convert version: \(excerpt(text)) to numeric. The largest is \(Int.max)"
          : "failed to get model version from specified version string '\(excerpt(text))', version should be an integral "
            + "value > 0, at most \(Int.max)")
    }
    return ModelReference(name: name, version: version)
  }

  private func labelled(
    _ label: String, of name: String, _ dialect: Dialect
  ) throws(APIFailure) -> ModelReference {
    let newest = ModelReference(name: name)
    _ = try model(newest, dialect)
    guard let version = catalog.version(of: name, label: label) else {
      throw .badRequest(
        "Unrecognized servable version label: \(excerpt(label)); model '\(excerpt(name))' has no such label")
    }
    return ModelReference(name: name, version: version)
  }

  func model(_ reference: ModelReference, _ dialect: Dialect) throws(APIFailure) -> any InferenceModel {
    do throws(ServingError) {
      return try catalog.model(reference.name, version: reference.version)
    } catch {
      throw APIFailure(error, dialect: dialect, model: reference)
    }
  }

  /// The model, for the routes where Triton's status of an unknown one is 400.
  func modelOrBadRequestOfTriton(_ reference: ModelReference) throws(APIFailure) -> any InferenceModel {
    do throws(APIFailure) { return try model(reference, .openInference) } catch {
      throw error.withTritonStatus(400)
    }
  }

  /// The model and what it says of itself; 503 and the reason while it is not ready.
  func readyModel(_ reference: ModelReference, _ dialect: Dialect) throws(APIFailure) -> ReadyModel {
    while true {
      // Before the model is looked up: what changes after makes the result stale.
      let generation = catalog.generation
      let model = try model(reference, dialect)
      if model.state == .ready, let description = model.description {
        return ReadyModel(model: model, description: description, generation: generation)
      }
      // It may have been replaced since it was looked up; then another is ready.
      guard catalog.generation != generation else {
        throw APIFailure(ServingError(.notReady, model.unreadySentence), dialect: dialect, model: reference)
      }
    }
  }
}

/// A model that was ready when it was looked up.
struct ReadyModel {
  let model: any InferenceModel
  let description: ModelDescription
  /// What `ModelCatalog.generation` was before the model was found.
  let generation: UInt64
}

extension InferenceModel {
  var isReady: Bool { state == .ready }

  /// Whether clients are told that dimension 0 of every tensor counts rows: because rows may be stacked, or because its
  /// operator says so of a model that takes any number of them.
  var tellsBatch: Bool {
    guard let description else { return false }
    if description.maximumBatch > 1 { return true }
    guard let configured = configuration.maximumBatch, configured > 0 else { return false }
    return (description.inputs + description.outputs).allSatisfy { $0.shape.first == Shape.anySize }
  }

  /// Why the model takes no requests.
  var unreadySentence: String {
    let sentence =
      "Request for unknown model: '\(name)' version \(version) is not at ready state: it is \(state.name)"
    if case .failed(let reason) = state { return "\(sentence): \(reason)" }
    return sentence
  }
}
