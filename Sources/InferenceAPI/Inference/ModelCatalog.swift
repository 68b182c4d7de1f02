public import PluginHost
public import Serving
public import Tensors

/// Work that was handed to a model and can be called off.
public protocol CancellableInference: AnyObject, Sendable {
  func cancel()
}

/// A version of a model, as the routes see it.
public protocol InferenceModel: Sendable {
  var name: String { get }
  var version: Int { get }
  /// What kind of model it is, as the Open Inference Protocol's `platform`.
  var platform: String { get }
  var state: ModelState { get }
  /// Nil until the model is ready.
  var description: ModelDescription? { get }
  /// Checks the inputs against the model and queues them; the receiver is then finished exactly
  /// once. Throws, and never calls the receiver, if they are refused.
  /// - Parameters:
  ///   - parameters: a JSON object.
  ///   - deadline: nanoseconds of the monotonic clock; 0 for none.
  func infer(
    id: String, inputs: [Tensor], parameters: String, deadline: Int64, receiver: any InferenceReceiver
  ) throws(ServingError) -> any CancellableInference
}

/// What the routes ask of the models; `ModelManager` is the one that serves.
public protocol ModelCatalog: Sendable {
  /// The model, whatever its state. `version` nil or 0: the newest that is ready, else the newest.
  func model(_ name: String, version: Int?) throws(ServingError) -> any InferenceModel
  /// Every version known of `name`, newest first; empty if unknown.
  func modelVersions(of name: String) -> [any InferenceModel]
  /// Every version of every model, by name, newest first.
  var allModels: [any InferenceModel] { get }
  /// Empty when ready to serve; else a sentence for each model that is not.
  var unreadyReasons: [String] { get }
}

extension InferenceRequest: CancellableInference {}

extension ServedModel: InferenceModel {
  public func infer(
    id: String, inputs: [Tensor], parameters: String, deadline: Int64, receiver: any InferenceReceiver
  ) throws(ServingError) -> any CancellableInference {
    let request = InferenceRequest(
      id: id, inputs: inputs, parameters: parameters, deadline: deadline, receiver: receiver)
    try submit(request)
    return request
  }
}

extension ModelManager: ModelCatalog {
  public func model(_ name: String, version: Int?) throws(ServingError) -> any InferenceModel {
    try find(name, version: version)
  }

  public func modelVersions(of name: String) -> [any InferenceModel] { versions(of: name) }

  public var allModels: [any InferenceModel] { models }
}
