public import Tensors

/// Codes of the plugin ABI (`SWERVE_OK` …), with its raw values.
public enum PluginStatus: Int32, Sendable {
  case ok = 0, pending, invalidArgument, notFound, unsupported, outOfMemory, cancelled, unavailable, internalFault
}

/// Why a plugin or a model of it was refused, or a call failed.
public struct PluginError: Error, Sendable, CustomStringConvertible {
  public var status: PluginStatus
  public var message: String
  public init(status: PluginStatus, message: String) {
    self.status = status
    self.message = message
  }
  public var description: String { message }
}

/// What a model says of one input or output. Dimensions may be -1.
public struct TensorSpec: Sendable, Equatable {
  public var name: String
  public var datatype: Datatype
  public var shape: Shape
  /// Names of the elements of the last dimension (class labels); empty if none.
  public var labels: [String]
  public var isOptional: Bool
  public init(name: String, datatype: Datatype, shape: Shape, labels: [String] = [], isOptional: Bool = false) {
    self.name = name
    self.datatype = datatype
    self.shape = shape
    self.labels = labels
    self.isOptional = isOptional
  }
}

/// What a loaded model says of itself.
public struct ModelDescription: Sendable {
  public enum Concurrency: Sendable { case serial, concurrent }
  public var inputs: [TensorSpec]
  public var outputs: [TensorSpec]
  /// Rows of dimension 0 that one execute may hold; 1 when the model's rows must not be stacked.
  public var maximumBatch: Int
  public var concurrency: Concurrency
  public var isSafeToRetry: Bool
  /// Bytes the model thinks it needs; 0 if it does not say.
  public var memoryEstimate: Int
  public init(
    inputs: [TensorSpec], outputs: [TensorSpec], maximumBatch: Int, concurrency: Concurrency,
    isSafeToRetry: Bool = false, memoryEstimate: Int = 0
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.maximumBatch = maximumBatch
    self.concurrency = concurrency
    self.isSafeToRetry = isSafeToRetry
    self.memoryEstimate = memoryEstimate
  }
}

/// Whoever waits for a request's answer. Called from any thread, one call at a time per request.
public protocol PluginRequestReceiver: AnyObject, Sendable {
  /// A streamed chunk; its memory is the receiver's. False: the client has gone, stop.
  func receive(chunk: [Tensor]) -> Bool
  /// The end, exactly once. `outputs` holds the request's own rows of what `execute` added.
  func finish(status: PluginStatus, message: String, outputs: [Tensor])
}

/// One client's request as a plugin sees it.
public final class PluginRequest: Sendable {
  public let id: String
  /// A JSON object.
  public let parameters: String
  /// Nanoseconds of CLOCK_MONOTONIC; 0 for none.
  public let deadline: Int64
  public let receiver: any PluginRequestReceiver
  /// Rows of dimension 0 that are this request's.
  public let rows: Int
  public init(id: String, parameters: String, deadline: Int64, rows: Int, receiver: any PluginRequestReceiver) {
    self.id = id
    self.parameters = parameters
    self.deadline = deadline
    self.rows = rows
    self.receiver = receiver
  }
  /// Says that the client has gone. From any thread.
  public func cancel() { fatalError() }
  public var isCancelled: Bool { fatalError() }
}

/// What the host offers to every plugin: kernels, threads, memory, metrics, log.
public final class HostServices: Sendable {
  public init() { fatalError() }
}

/// A plugin library that was loaded and agreed on a version. It is never unloaded.
public final class Plugin: Sendable {
  public let name: String
  public let version: String
  public let path: String
  /// Loads the library at `path`, or says in the error what is wrong with which file.
  public init(path: String, services: HostServices) throws(PluginError) { fatalError() }
  /// Loads a model. `configuration` is a JSON object. Blocks; one call at a time per plugin.
  public func makeModel(path: String, configuration: String) throws(PluginError) -> PluginModel { fatalError() }
}

/// A loaded model. Destroyed when the last reference goes; the holder keeps it while requests run.
public final class PluginModel: Sendable {
  public let description: ModelDescription
  init(description: ModelDescription) { self.description = description }
  /// Runs one batch: `inputs` hold the rows of all `requests`, in order. Every request's receiver
  /// is finished exactly once, possibly after this returns. The caller keeps within the declared
  /// concurrency. Blocks while the plugin computes.
  public func execute(inputs: [Tensor], requests: [PluginRequest]) { fatalError() }
}
