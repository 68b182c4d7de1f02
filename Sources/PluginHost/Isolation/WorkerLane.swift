internal import CIsolation
internal import Locks
internal import Tensors

/// A thread of a worker that executes one job after the other.
///
/// Unchecked: the job is behind its lock, the rest is constant.
final class WorkerLane: @unchecked Sendable {
  private let memory: LaneMemory
  /// All inputs of all lanes.
  private let inputMemory: TensorMemory
  private unowned let worker: Worker
  private let job = Lock<WorkerJob?>(nil)
  private let monitor = Monitor(WorkerJob.State())

  init(_ lane: Lane, heard: UInt32, worker: Worker) {
    inputMemory = TensorMemory(
      viewing: worker.inputs.base, byteCount: worker.inputs.byteCount, owner: worker.inputs)
    memory = LaneMemory(lane, inputs: worker.inputs, answers: worker.answers, heard: heard)
    self.worker = worker
  }

  func serve() -> Never {
    isolation_use_signal_stack()
    memory.lane[.thread] = Int(isolation_thread())
    let spin = SpinBudget(limit: worker.spinNanoseconds)
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
    let running = WorkerJob(
      job, memory: memory, description: worker.model.description, monitor: monitor)
    self.job.withLock { $0 = running }
    var open: [Int] = []
    for (position, batch) in job.batches.enumerated() {
      if position > 0 {
        running.awaitEnd(ofFirst: position)
        running.tellEnds()
      }
      open = execute(batch, of: running, at: job.batches.count > 1 ? position : nil, isRetried: job.isRetried)
    }
    running.returned(leaving: open)
    self.job.withLock { $0 = nil }
    running.close()
  }

  /// - Parameter position: that of the batch's only request; nil: the batch has all of the job's.
  private func execute(
    _ batch: JobMessage.Batch, of job: WorkerJob, at position: Int?, isRetried: Bool
  ) -> [Int] {
    let requests = position.map { [job.requests[$0]] } ?? job.requests
    memory.beginBatch(at: position)
    if let position { memory.lane[.position] = position }
    guard isRetried else {
      worker.model.execute(inputs: inputs(batch), requests: requests, memory: memory)
      return []
    }
    return worker.model.executeToRetry(inputs: inputs(batch), requests: requests, memory: memory)
  }

  private func inputs(_ batch: JobMessage.Batch) -> [Tensor] {
    batch.inputs.compactMap {
      $0.tensor(name: worker.model.description.inputs[$0.position].name, memory: inputMemory, start: 0)
    }
  }

  func cancel(job number: Int, index: Int) {
    let request: PluginRequest? = job.withLock { job in
      guard let job, job.number == number, job.requests.indices.contains(index) else { return nil }
      return job.requests[index]
    }
    request?.cancel()
  }
}

/// A job in a worker: gathers how its requests end, and tells the server.
///
/// Unchecked: the requests are made in `init`, before anybody else has the job; the rest is in the monitor.
final class WorkerJob: @unchecked Sendable {
  struct State {
    /// Ends that the server has not been told of, while the plugin is called.
    var ends: [EndMessage] = []
    var hasReturned = false
    /// Requests whose end is not told or kept.
    var open = 0
  }

  private static let silence: Int64 = 1_000_000

  let number: Int
  /// When the server last heard of the job. The lane's thread's.
  private var lastWord = monotonicNow()
  private(set) var requests: [PluginRequest] = []
  private let memory: LaneMemory
  private let description: ModelDescription
  private let monitor: Monitor<State>

  /// - Parameter monitor: the lane's, which one job after the other uses.
  init(
    _ job: JobMessage, memory: LaneMemory, description: ModelDescription, monitor: Monitor<State>
  ) {
    number = job.number
    self.memory = memory
    self.description = description
    let count = job.batches.reduce(0) { $0 + $1.requests.count }
    self.monitor = monitor
    monitor.withLock { $0 = State(open: count) }
    requests.reserveCapacity(count)
    for request in job.batches.lazy.flatMap(\.requests) {
      requests.append(
        PluginRequest(
          id: request.id, parameters: request.parameters, deadline: request.deadline, rows: request.rows,
          receiver: Receiver(job: self, index: requests.count)))
    }
  }

  private final class Receiver: PluginRequestReceiver {
    private let job: WorkerJob
    private let index: Int

    init(job: WorkerJob, index: Int) {
      self.job = job
      self.index = index
    }

    func receive(chunk: [Tensor]) -> Bool { job.send(chunk, of: index) }

    func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
      job.end(index, status, message, outputs)
    }
  }

  /// Lets go of the requests, which know the job.
  func close() { requests = [] }

  /// Waits until so many requests, of batches for which the plugin was called, have ended.
  func awaitEnd(ofFirst count: Int) {
    let open = requests.count - count
    let ends: [EndMessage]? = monitor.change { state in
      guard state.open > open else { return nil }
      state.hasReturned = true
      defer { state.ends = [] }
      return state.ends
    }
    guard let ends else { return }
    var writer = MessageWriter()
    writer.put(ends) { $1.write(to: &$0) }
    _ = memory.ask(.later, writer)
    _ = monitor.wait { $0.open == open ? () : nil }
    monitor.change { $0.hasReturned = false }
    lastWord = monotonicNow()
  }

  /// Between two batches of a train: tells what has ended if the server has heard nothing for a moment, so that it waits
  /// for no more than a batch in vain, and knows what need not be done again.
  func tellEnds() {
    let now = monotonicNow()
    guard now - lastWord > Self.silence else { return }
    lastWord = now
    let ends = monitor.change { state in
      defer { state.ends = [] }
      return state.ends
    }
    guard !ends.isEmpty else { return }
    var writer = MessageWriter()
    writer.put(ends) { $1.write(to: &$0) }
    _ = memory.ask(.finished, writer)
  }

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
