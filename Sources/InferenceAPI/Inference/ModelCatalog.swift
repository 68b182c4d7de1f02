public import PluginHost
public import Scheduling
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
  /// What its operator says of it.
  var configuration: ModelConfiguration { get }
  /// What became of its requests.
  var statistics: ModelStatistics { get }
  /// Requests that wait for it.
  var queueDepth: Int { get }
  /// How it puts batches together; nil until it is ready.
  var batching: BatchingState? { get }
  /// Whether it would be loaded if somebody asked for it.
  var isAsleep: Bool { get }
  /// Whether the model runs in a process of its own, which gets inputs without another copy where they lie in memory that
  /// both share. It stays so while the model is ready.
  var sharesMemory: Bool { get }
  /// Such memory; nil: there is none, or the model gets inputs so wherever they lie.
  func sharedMemory(byteCount: Int) -> TensorMemory?
  /// Checks the inputs against the model and executes or queues them; the receiver is then finished exactly
  /// once, before this returns if the model is quick. Throws, and never calls the receiver, if they are refused.
  ///
  /// Called on an event loop. Nil: the receiver is finished.
  func infer(
    _ arguments: InferenceArguments, receiver: any InferenceReceiver
  ) throws(ServingError) -> (any CancellableInference)?
}

extension InferenceModel {
  public var isAsleep: Bool { false }
  public var sharesMemory: Bool { false }
  public func sharedMemory(byteCount: Int) -> TensorMemory? { nil }
}

/// What a model is given.
public struct InferenceArguments: Sendable {
  public var id: String
  public var inputs: [Tensor]
  /// A JSON object.
  public var parameters: String
  /// Nanoseconds of the monotonic clock; 0 for none.
  public var deadline: Int64
  /// 1 is the most important, 0 stands for the model's default.
  public var priority: Int
  /// Whose it is, as a number that stands for an address; 0 for nobody's in particular.
  public var client: UInt64
  /// Its place in a sequence, for models that take them.
  public var sequence: SequenceUse?
  /// Whether the receiver may hold the model up, as one does that passes a stream on to a client. Such a request
  /// is not executed on the caller's thread.
  public var holdsModelUp: Bool

  public init(
    id: String = "", inputs: [Tensor], parameters: String = "{}", deadline: Int64 = 0, priority: Int = 0,
    client: UInt64 = 0, sequence: SequenceUse? = nil, holdsModelUp: Bool = false
  ) {
    self.id = id
    self.inputs = inputs
    self.parameters = parameters
    self.deadline = deadline
    self.priority = priority
    self.client = client
    self.sequence = sequence
    self.holdsModelUp = holdsModelUp
  }
}

/// What the routes ask of the models; `ModelManager` is the one that serves.
public protocol ModelCatalog: Sendable {
  /// A number that changes whenever `model` may have another answer than before. Read without a lock.
  var generation: UInt64 { get }
  /// The model, whatever its state. `version` nil or 0: the newest that is ready, else the newest.
  func model(_ name: String, version: Int?) throws(ServingError) -> any InferenceModel
  /// The version of `name` that has this label; nil if none has.
  func version(of name: String, label: String) -> Int?
  /// Whether some models are loaded only when somebody asks for them.
  var letsModelsSleep: Bool { get }
  /// Has a model loaded that sleeps; `done` is called with why that failed, or nil, once and from any thread.
  func awaken(_ name: String, version: Int, done: @escaping @Sendable (ServingError?) -> Void)
  /// Every version known of `name`, newest first; empty if unknown.
  func modelVersions(of name: String) -> [any InferenceModel]
  /// Every version of every model, by name, newest first.
  var allModels: [any InferenceModel] { get }
  /// Empty when ready to serve; else a sentence for each model that is not.
  var unreadyReasons: [String] { get }
}

extension InferenceModel {
  public var configuration: ModelConfiguration { ModelConfiguration() }
  public var statistics: ModelStatistics { ModelStatistics() }
  public var batching: BatchingState? { nil }
  public var queueDepth: Int { 0 }
}

extension ModelCatalog {
  public func version(of name: String, label: String) -> Int? { nil }
  public var letsModelsSleep: Bool { false }
  public func awaken(_ name: String, version: Int, done: @escaping @Sendable (ServingError?) -> Void) {
    done(nil)
  }
}

extension InferenceRequest: CancellableInference {}

extension ServedModel: InferenceModel {
  public var configuration: ModelConfiguration { source.configuration }

  public func infer(
    _ arguments: InferenceArguments, receiver: any InferenceReceiver
  ) throws(ServingError) -> (any CancellableInference)? {
    let request = InferenceRequest(
      id: arguments.id, inputs: arguments.inputs, parameters: arguments.parameters,
      deadline: arguments.deadline, priority: arguments.priority, client: arguments.client,
      sequence: arguments.sequence, receiver: receiver)
    return try submit(request, mayRunHere: !arguments.holdsModelUp) ? nil : request
  }
}

extension ModelManager: ModelCatalog {
  public func model(_ name: String, version: Int?) throws(ServingError) -> any InferenceModel {
    try find(name, version: version)
  }

  public func modelVersions(of name: String) -> [any InferenceModel] { versions(of: name) }

  public var allModels: [any InferenceModel] { models }
}
