public import PluginHost
public import Tensors

/// Why a request or a lifecycle command was not done. Turned into a status by each dialect.
public struct ServingError: Error, Sendable {
  public enum Code: Sendable, Equatable {
    case unknownModel, unknownVersion
    /// Known, but loading, unloading or failed to load.
    case notReady
    case invalidArgument, queueFull, deadlineExceeded, cancelled, unsupported, outOfMemory
    /// The plugin failed.
    case pluginFault
    case shuttingDown
  }
  public var code: Code
  public var message: String
  /// The input or output at fault, if one is.
  public var tensor: String?
  public init(_ code: Code, _ message: String, tensor: String? = nil) {
    self.code = code
    self.message = message
    self.tensor = tensor
  }
}

/// `loading → ready → unloading → unloaded`, or `loading → failed`.
public enum ModelState: Sendable, Equatable {
  case loading, ready, unloading, unloaded
  case failed(reason: String)
}

/// Whoever waits for an inference. Called from a worker thread or, when the model is inline, from
/// the thread that submitted.
public protocol InferenceReceiver: AnyObject, Sendable {
  func receive(chunk: [Tensor]) -> Bool
  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming)
}

/// Nanoseconds of each phase.
public struct InferenceTiming: Sendable {
  public var queue: Int64 = 0
  public var execute: Int64 = 0
  public var batchSize: Int = 1
  public init() {}
}

/// One request for one model.
public final class InferenceRequest: Sendable {
  public init(
    id: String, inputs: [Tensor], parameters: String = "{}", deadline: Int64 = 0,
    receiver: any InferenceReceiver
  ) { fatalError() }
  /// The client has gone: queued work is dropped, running work is told.
  public func cancel() { fatalError() }
}

/// One version of a model, as it stands now.
public final class ServedModel: Sendable {
  public let name: String
  public let version: Int
  /// `onnx_onnxv1`, `swerve_plugin` …
  public var platform: String { fatalError() }
  public var state: ModelState { fatalError() }
  /// Nil until it is ready.
  public var description: ModelDescription? { fatalError() }
  init(name: String, version: Int) {
    self.name = name
    self.version = version
  }
  /// Checks names, datatypes, shapes and batch size of `request` and queues it; its receiver is
  /// then called exactly once. Throws, and never calls the receiver, if the request is refused.
  public func submit(_ request: InferenceRequest) throws(ServingError) { fatalError() }
}

/// All models: what is on disk, what is loaded, what failed and why.
public final class ModelManager: Sendable {
  /// The model, whatever its state. `version` nil or 0: the newest that is ready, else the newest.
  public func find(_ name: String, version: Int? = nil) throws(ServingError) -> ServedModel { fatalError() }
  /// Every version known of `name`, newest first; empty if unknown.
  public func versions(of name: String) -> [ServedModel] { fatalError() }
  /// Every version of every model, by name, newest first.
  public var models: [ServedModel] { fatalError() }
  /// Empty when ready to serve; else a sentence for each model that is not, and why.
  public var unreadyReasons: [String] { fatalError() }
}
