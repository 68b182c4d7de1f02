internal import CIsolation
internal import Locks
internal import Tensors

/// A thread of a worker that executes one batch after the other.
///
/// Unchecked: the batch is behind its lock, the rest is constant.
final class WorkerLane: @unchecked Sendable {
  private let memory: LaneMemory
  private unowned let worker: Worker
  private let batch = Lock<WorkerBatch?>(nil)

  init(_ lane: Lane, heard: UInt32, worker: Worker) {
    memory = LaneMemory(lane, inputs: worker.inputs, answers: worker.answers, heard: heard)
    self.worker = worker
  }

  func serve() -> Never {
    isolation_use_signal_stack()
    memory.lane[.thread] = Int(isolation_thread())
    let spin = SpinBudget(most: worker.spinNanoseconds)
    while true {
      memory.waitForMessage(spin)
      run()
    }
  }

  private func run() {
    let bytes = UnsafeRawBufferPointer(
      start: worker.inputs.base + memory.lane[.messageOffset], count: memory.lane[.messageCount])
    var reader = MessageReader(bytes)
    guard let job = try? JobMessage(&reader) else {
      preconditionFailure("the server's message makes no sense")
    }
    let batch = WorkerBatch(job, memory: memory, description: worker.model.description)
    self.batch.withLock { $0 = batch }
    let inputs = inputs(job)
    let open: [Int]
    if job.isRetried {
      open = worker.model.executeToRetry(inputs: inputs, requests: batch.requests, memory: memory)
    } else {
      open = []
      worker.model.execute(inputs: inputs, requests: batch.requests, memory: memory)
    }
    batch.returned(leaving: open)
    self.batch.withLock { $0 = nil }
    batch.close()
  }

  private func inputs(_ job: JobMessage) -> [Tensor] {
    let memory = TensorMemory(
      viewing: worker.inputs.base, byteCount: worker.inputs.byteCount, owner: worker.inputs)
    return job.inputs.compactMap {
      $0.tensor(name: worker.model.description.inputs[$0.position].name, memory: memory, start: 0)
    }
  }

  func cancel(job: Int, index: Int) {
    let request: PluginRequest? = batch.withLock { batch in
      guard let batch, batch.number == job, batch.requests.indices.contains(index) else { return nil }
      return batch.requests[index]
    }
    request?.cancel()
  }
}

/// A batch in a worker: gathers how its requests end, and tells the server.
///
/// Unchecked: the requests are made in `init`, before anybody else has the batch; the rest is in the monitor.
final class WorkerBatch: @unchecked Sendable {
  private struct State {
    /// Ends that the server has not been told of, while the plugin is called.
    var ends: [EndMessage] = []
    var hasReturned = false
    /// Requests whose end is not told or kept.
    var open: Int
  }

  let number: Int
  private(set) var requests: [PluginRequest] = []
  private let memory: LaneMemory
  private let description: ModelDescription
  private let monitor: Monitor<State>

  init(_ job: JobMessage, memory: LaneMemory, description: ModelDescription) {
    number = job.number
    self.memory = memory
    self.description = description
    monitor = Monitor(State(open: job.requests.count))
    requests = job.requests.enumerated().map { index, request in
      PluginRequest(
        id: request.id, parameters: request.parameters, deadline: request.deadline, rows: request.rows,
        receiver: Receiver(batch: self, index: index))
    }
  }

  private final class Receiver: PluginRequestReceiver {
    private let batch: WorkerBatch
    private let index: Int

    init(batch: WorkerBatch, index: Int) {
      self.batch = batch
      self.index = index
    }

    func receive(chunk: [Tensor]) -> Bool { batch.send(chunk, of: index) }

    func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
      batch.end(index, status, message, outputs)
    }
  }

  /// Lets go of the requests, which know the batch.
  func close() { requests = [] }

  /// Tells the server what has ended, and waits for what the plugin finishes later.
  func returned(leaving open: [Int]) {
    let (ends, isDone) = monitor.change { state in
      state.ends += open.map { EndMessage(index: $0, status: EndMessage.leftOpen, message: "", outputs: []) }
      state.open -= open.count
      state.hasReturned = true
      defer { state.ends = [] }
      return (state.ends, state.open == 0)
    }
    var writer = MessageWriter()
    writer.put(ends) { $1.write(to: &$0) }
    guard !isDone else { return memory.post(.done, writer) }
    _ = memory.ask(.pending, writer)
    _ = monitor.wait { $0.open == 0 ? () : nil }
    var none = MessageWriter()
    none.put([EndMessage]()) { $1.write(to: &$0) }
    memory.post(.done, none)
  }

  private func end(_ index: Int, _ status: PluginStatus, _ message: String, _ outputs: [Tensor]) {
    var end = EndMessage(index: index, status: Int(status.rawValue), message: message, outputs: [])
    if let placed = place(outputs) {
      end.outputs = placed
    } else {
      end.status = Int(PluginStatus.outOfMemory.rawValue)
      end.message = "no memory to hand the outputs to the server"
    }
    let isKept = monitor.change { state in
      guard !state.hasReturned else { return false }
      state.ends.append(end)
      state.open -= 1
      return true
    }
    guard !isKept else { return }
    var writer = MessageWriter()
    writer.put([end]) { $1.write(to: &$0) }
    _ = memory.ask(.finished, writer)
    monitor.change { $0.open -= 1 }
  }

  private func send(_ chunk: [Tensor], of index: Int) -> Bool {
    guard let placed = place(chunk) else { return false }
    var writer = MessageWriter()
    ChunkMessage(index: index, tensors: placed).write(to: &writer)
    return memory.ask(.chunk, writer)
  }

  private func place(_ tensors: [Tensor]) -> [TensorMessage]? {
    var messages: [TensorMessage] = []
    for tensor in tensors {
      guard let position = description.outputs.firstIndex(where: { $0.name == tensor.name }),
        let message = memory.place(tensor, position: position)
      else { return nil }
      messages.append(message)
    }
    return messages
  }
}
