internal import CSwervePlugin
internal import Locks
internal import Synchronization
public import Tensors

/// A loaded model. Destroyed when the last reference goes; the holder keeps it while requests run, and
/// does not let go of it inside a receiver's `finish`, which may run on a thread of the plugin's.
///
/// Unchecked: the model's handle and its tables are constant; the plugin promises that their functions
/// may be called as the ABI's thread tags say.
public final class PluginModel: @unchecked Sendable {
  public let description: ModelDescription
  let services: HostServices
  /// Name and datatype of each input, as C has them.
  let inputSpecs: [(name: UnsafePointer<CChar>?, dtype: Int32)]
  let outputNames: CNames
  private let inputNames: CNames
  private let backend: Backend
  private let isDestroyed = Atomic<Bool>(false)
  private let idle = IdleExecutions()

  /// Where the plugin is executed.
  private enum Backend {
    case library(PluginLibrary, HostBinding, OpaquePointer)
    case worker(IsolatedModel)
  }

  convenience init(
    library: PluginLibrary, host: HostBinding, handle: OpaquePointer, description: ModelDescription
  ) {
    self.init(.library(library, host, handle), description, host.services)
  }

  /// Loads a model in a process of its own, which a fault of its plugin ends in place of this one. Blocks.
  ///
  /// - Parameters:
  ///   - plugin: the path of the plugin's library; this process does not run any of it.
  ///   - configuration: a JSON object.
  ///   - settings: complete, that is filled from the server's.
  public convenience init(
    isolated plugin: String, path: String, configuration: String, name: String, settings: IsolationSettings,
    command: WorkerCommand, services: HostServices
  ) throws(PluginError) {
    let worker: IsolatedModel
    do throws(PluginError) {
      worker = try IsolatedModel(
        plugin: plugin, path: path, configuration: configuration, name: name, settings: settings,
        command: command, services: services)
    } catch {
      throw PluginError(
        status: error.status, message: "\(plugin) cannot load \(path) in a worker: \(error.message)")
    }
    self.init(.worker(worker), worker.description, services)
  }

  private init(_ backend: Backend, _ description: ModelDescription, _ services: HostServices) {
    self.description = description
    self.backend = backend
    self.services = services
    let names = CNames(description.inputs.map(\.name))
    inputNames = names
    inputSpecs = description.inputs.enumerated().map { (names[$0.offset], $0.element.datatype.rawValue) }
    outputNames = CNames(description.outputs.map(\.name))
  }

  deinit { destroy() }

  /// Destroys the model before its last reference goes. Nothing of it runs, or will.
  func destroy() {
    guard !isDestroyed.exchange(true, ordering: .relaxed) else { return }
    switch backend {
    case .library(let library, let host, let handle):
      library.destroy(handle)
      let executions = idle.takeAll()
      services.spareExecutions.withLock { $0.append(contentsOf: executions) }
      host.retire()
    case .worker(let worker): worker.stop()
    }
  }

  /// Whether the plugin is executed in a process of its own.
  public var isIsolated: Bool { if case .worker = backend { true } else { false } }

  /// How the model's worker does; nil: the plugin is executed in this process.
  public var workerStatus: WorkerStatus? {
    if case .worker(let worker) = backend { worker.status } else { nil }
  }

  /// Memory for inputs, where the plugin gets them without another copy. Nil: out of memory.
  public func inputMemory(byteCount: Int) -> TensorMemory? {
    sharedMemory(byteCount: byteCount) ?? TensorMemory(byteCount: byteCount)
  }

  /// Memory that the model's worker reads too, for inputs; nil: it has none, or none is left.
  public func sharedMemory(byteCount: Int) -> TensorMemory? {
    guard case .worker(let worker) = backend else { return nil }
    return worker.inputMemory(byteCount)
  }

  /// Runs one batch: `inputs` hold the rows of all `requests`, in order. Every request's receiver
  /// is finished exactly once, possibly after this returns. The caller keeps within the declared
  /// concurrency. Blocks while the plugin computes.
  ///
  /// Inputs that the description does not have, or not so, are refused with `invalidArgument`.
  public func execute(inputs: [Tensor], requests: [PluginRequest]) {
    _ = execute(inputs: inputs, requests: requests, isRetried: false, memory: nil)
  }

  /// As `execute`, with outputs that lie in `memory`.
  func execute(inputs: [Tensor], requests: [PluginRequest], memory: any OutputMemory) {
    _ = execute(inputs: inputs, requests: requests, isRetried: false, memory: memory)
  }

  /// As `execute`, for a batch that the caller executes again, in parts, if the plugin fails it as a whole: then the
  /// requests that the plugin left open, and that have streamed nothing, are not finished.
  ///
  /// - Returns: their positions among `requests`, ascending.
  public func executeToRetry(inputs: [Tensor], requests: [PluginRequest]) -> [Int] {
    execute(inputs: inputs, requests: requests, isRetried: true, memory: nil)
  }

  /// As `executeToRetry`, with outputs that lie in `memory`.
  func executeToRetry(inputs: [Tensor], requests: [PluginRequest], memory: any OutputMemory) -> [Int] {
    execute(inputs: inputs, requests: requests, isRetried: true, memory: memory)
  }

  /// Whether several requests may be handed to the model's worker at once: whoever is lost with another can be executed
  /// again, and none is known to be finished so late that those behind it would wait.
  public var takesTrains: Bool {
    guard case .worker(let worker) = backend else { return false }
    return description.isSafeToRetry && !worker.status.answersLate
  }

  /// Runs batches of one request each, one after the other. A worker is told of all of them at once.
  ///
  /// - Returns: whether the plugin was called for all of them, as far as is known.
  @discardableResult
  public func execute(train: [PluginBatch]) -> Bool {
    guard case .worker(let worker) = backend else {
      for batch in train { execute(inputs: batch.inputs, requests: batch.requests) }
      return true
    }
    var ready: [PluginBatch] = []
    ready.reserveCapacity(train.count)
    for batch in train {
      do throws(PluginError) {
        ready.append(PluginBatch(inputs: try arranged(batch.inputs), requests: batch.requests))
      } catch {
        refuse(batch.requests, error)
      }
    }
    return !ready.isEmpty && worker.execute(ready, isRetried: false).isServed
  }

  private func execute(
    inputs: [Tensor], requests: [PluginRequest], isRetried: Bool, memory: (any OutputMemory)?
  ) -> [Int] {
    guard !requests.isEmpty else { return [] }
    do throws(PluginError) {
      let inputs = try arranged(inputs)
      if case .worker(let worker) = backend {
        return worker.execute([PluginBatch(inputs: inputs, requests: requests)], isRetried: isRetried).open
      }
      guard let execution = takeExecution(), begin(execution, inputs, requests, memory) else {
        throw PluginError(status: .unavailable, message: "too many requests are open")
      }
      return run(execution, isRetried: isRetried)
    } catch {
      refuse(requests, error)
      return []
    }
  }

  private func refuse(_ requests: [PluginRequest], _ error: PluginError) {
    for request in requests {
      request.receiver.finish(status: error.status, message: error.message, outputs: [])
    }
  }

  private func begin(
    _ execution: BatchExecution, _ inputs: [Tensor], _ requests: [PluginRequest],
    _ memory: (any OutputMemory)?
  ) -> Bool {
    if execution.begin(self, inputs: inputs, requests: requests, memory: memory) { return true }
    recycle(execution)
    return false
  }

  private func run(_ execution: BatchExecution, isRetried: Bool) -> [Int] {
    var open: [Int] = []
    guard case .library(let library, _, let handle) = backend else { return [] }
    let code = library.table.execute(handle, execution.batch, execution.error)
    switch PluginStatus(rawValue: code) {
    case .ok: execution.finishOpen(.ok, "")
    case .pending: break
    default:
      let message = failureMessage(&execution.error.pointee, code, of: "execute")
      let status = PluginStatus(ending: code)
      // What the plugin cannot do now, or was told to stop, it will not do in parts either.
      if isRetried, status != .unavailable, status != .cancelled {
        open = execution.takeOpen(status, message)
      } else {
        execution.finishOpen(status, message)
      }
    }
    execution.leave()
    return open
  }

  /// Tells the plugin that nobody waits for the request any more.
  func cancel(_ request: UInt) {
    guard case .library(let library, _, let handle) = backend else { return }
    library.table.cancel?(handle, OpaquePointer(bitPattern: request))
  }

  /// Takes an execution back that is closed.
  func recycle(_ execution: BatchExecution) { idle.give(execution) }

  private func takeExecution() -> BatchExecution? {
    idle.take() ?? services.spareExecutions.withLock { $0.popLast() }
      ?? BatchExecution.make()
  }

  /// `inputs` in the order of the description, each as it was declared.
  private func arranged(_ inputs: [Tensor]) throws(PluginError) -> [Tensor] {
    var next = 0
    for position in description.inputs.indices {
      let name = description.inputs[position].name
      if next < inputs.count, inputs[next].name == name {
        // A tensor that is passed on is copied, with all that it refers to.
        if !isAsDeclared(inputs[next].datatype, inputs[next].shape, position) {
          try check(inputs[next], position)
        }
        next += 1
      } else if !description.inputs[position].isOptional || inputs.contains(where: { $0.name == name }) {
        return try reordered(inputs)
      }
    }
    return next == inputs.count ? inputs : try reordered(inputs)
  }

  private func reordered(_ inputs: [Tensor]) throws(PluginError) -> [Tensor] {
    for (position, input) in inputs.enumerated() {
      guard description.inputs.contains(where: { $0.name == input.name }) else {
        throw refusal("the model has no input \"\(input.name)\"")
      }
      guard !inputs[..<position].contains(where: { $0.name == input.name }) else {
        throw refusal("input \"\(input.name)\" was given twice")
      }
    }
    var result: [Tensor] = []
    for (position, spec) in description.inputs.enumerated() {
      if let input = inputs.first(where: { $0.name == spec.name }) {
        try check(input, position)
        result.append(input)
      } else if !spec.isOptional {
        throw refusal("input \"\(spec.name)\" is missing")
      }
    }
    return result
  }

  private func isAsDeclared(_ datatype: Datatype, _ shape: Shape, _ position: Int) -> Bool {
    datatype == description.inputs[position].datatype && description.inputs[position].shape.admits(shape)
  }

  private func check(_ input: Tensor, _ position: Int) throws(PluginError) {
    guard isAsDeclared(input.datatype, input.shape, position) else {
      let spec = description.inputs[position]
      throw refusal(
        "input \"\(spec.name)\" is \(spec.datatype.name) \(spec.shape); \(input.datatype.name) \(input.shape) came"
      )
    }
  }

  private func refusal(_ message: String) -> PluginError {
    PluginError(status: .invalidArgument, message: message)
  }

  /// The names of the outputs, for a message.
  var outputList: String { description.outputs.prefix(20).map { "\"\($0.name)\"" }.joined(separator: ", ") }

  /// What the client and the log are told when the plugin breaks its word.
  func fault(_ what: String) -> PluginError {
    guard case .library(let library, _, _) = backend else {
      return PluginError(status: .internalFault, message: what)
    }
    return PluginError(status: .internalFault, message: "plugin \(library.name) \(what)")
  }
}

/// The sentence in `error`, or one made of the code if there is none.
func failureMessage(_ error: inout swerve_error, _ code: Int32, of function: String) -> String {
  let message = withUnsafeBytes(of: &error.message) { bytes in
    text(bytes.baseAddress!.assumingMemoryBound(to: CChar.self), limit: bytes.count)
  }
  if !message.isEmpty { return message }
  guard let status = PluginStatus(rawValue: code), status != .pending else {
    return "\(function) returned \(code), which is no status of the plugin ABI"
  }
  return "\(function) failed: \(status.sentence)"
}

extension PluginStatus {
  /// What is said when a plugin fails without a message.
  var sentence: String {
    switch self {
    case .ok: "ok"
    case .pending: "pending"
    case .invalidArgument: "an argument is invalid"
    case .notFound: "something was not found"
    case .unsupported: "this is not supported"
    case .outOfMemory: "out of memory"
    case .cancelled: "cancelled"
    case .unavailable: "unavailable, try again later"
    case .internalFault: "internal fault"
    }
  }
}
