import Bytes
import HTTP
import JSON
import Locks
import Serving
import Tensors

/// An inference whose answer goes to the client piece by piece, as Server-Sent Events.
///
/// The model's thread puts pieces into a queue that holds a few, and waits while it is full; the loop takes them out
/// as the client takes its events. So a client that reads too slowly holds its model up, until the server closes its
/// connection for it. The first piece decides the status: what fails before it is an error like any other, what
/// fails after it is an event `{"error": "…"}`.
///
/// Unchecked: `queue` has a lock; the rest is the loop's.
final class StreamedCall: InferenceReceiver, @unchecked Sendable {
  private enum Item {
    case piece([Tensor])
    case end(Result<[Tensor], ServingError>, InferenceTiming)
  }

  private struct Queue {
    var items: [Item] = []
    /// Whether the loop has been asked to take them out, or waits for the client.
    var isBeingTaken = false
    /// Nobody reads any more.
    var isClosed = false
  }

  /// Pieces that wait for the loop at most.
  static let capacity = 8

  private let exchange: Exchange
  private let answer: GenerateAnswer
  private let context: CallContext
  private let queue = Lock(Queue())
  private let room = Semaphore(StreamedCall.capacity)
  private var events: ServerSentEvents?
  private var isTaking = false
  private var isAnswered = false

  init(exchange: Exchange, answer: GenerateAnswer, context: CallContext) {
    self.exchange = exchange
    self.answer = answer
    self.context = context
  }

  /// Keeps `inference` to be called off if the client leaves. On the loop, after submission.
  func follow(_ inference: (any CancellableInference)?) {
    guard let inference, !isAnswered else { return }
    exchange.onAbandon = { [self] in
      inference.cancel()
      close()
    }
  }

  // MARK: - The model's side

  func receive(chunk: [Tensor]) -> Bool {
    room.wait()
    if put(.piece(chunk)) { return true }
    room.signal()
    return false
  }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    _ = put(.end(result, timing))
  }

  /// False if nobody reads any more.
  private func put(_ item: Item) -> Bool {
    let (isOpen, wakes) = queue.withLock { queue in
      // The end is always told: the exchange is to be answered.
      if queue.isClosed, case .piece = item { return (false, false) }
      queue.items.append(item)
      defer { queue.isBeingTaken = true }
      return (true, !queue.isBeingTaken)
    }
    if wakes { exchange.loop.run { self.takeAll() } }
    return isOpen
  }

  // MARK: - The loop's side

  /// Sends what waits, until the client has enough for now.
  private func takeAll() {
    // Sending may tell that there is room again before it returns.
    guard !isTaking else { return }
    isTaking = true
    defer { isTaking = false }
    while let item = queue.withLock({ $0.items.first }) {
      guard take(item) else { return }
      let hasMore = queue.withLock { queue in
        queue.items.removeFirst()
        queue.isBeingTaken = !queue.items.isEmpty
        return queue.isBeingTaken
      }
      if case .piece = item { room.signal() }
      guard hasMore else { return }
    }
  }

  /// False, and to be tried again, while the client reads too slowly.
  private func take(_ item: Item) -> Bool {
    switch item {
    case .piece(let tensors): send { answer.write(tensors, to: $0.buffer) }
    case .end(let result, let timing): end(result, timing)
    }
  }

  private func send(_ write: (JSONWriter) -> Void) -> Bool {
    let events = events ?? ServerSentEvents(answering: exchange)
    self.events = events
    if exchange.isAbandoned || events.send({ write(JSONWriter($0)) }) { return true }
    if exchange.isAbandoned { return true }
    exchange.onDrained = { [self] in takeAll() }
    return false
  }

  /// False, and to be tried again, while the client reads too slowly.
  private func end(_ result: Result<[Tensor], ServingError>, _ timing: InferenceTiming) -> Bool {
    let start = context.now()
    if exchange.isAbandoned {
      finishAbandoned()
      return true
    }
    switch result {
    case .success(let outputs):
      // A model that does not stream has its answer here.
      if !outputs.isEmpty, !send({ answer.write(outputs, to: $0.buffer) }) { return false }
      finishStream()
      context.recordSuccess(serializeStart: start)
      context.trace(id: answer.id, timing, since: start)
    case .failure(let error):
      let failure = answer.failure(for: error)
      guard events != nil else {
        isAnswered = true
        context.fail(exchange, failure)
        return true
      }
      guard send({ StreamedCall.write(failure, $0) }) else { return false }
      finishStream()
      context.recordFailure(status: failure.status)
      context.trace(id: answer.id, timing, since: start)
    }
    return true
  }

  private static func write(_ failure: APIFailure, _ json: JSONWriter) {
    json.buffer.append("{\"error\":")
    json.write(failure.message)
    json.buffer.append("}")
  }

  private func finishStream() {
    isAnswered = true
    (events ?? ServerSentEvents(answering: exchange)).end()
  }

  /// The client has gone. What it has not begun to get is answered all the same, which gives its memory back.
  private func finishAbandoned() {
    isAnswered = true
    guard let events else { return context.recordAbandoned(exchange) }
    events.end()
    context.recordFailure(status: 499)
  }

  /// Lets the model go on, to learn that nobody reads.
  private func close() {
    queue.withLock { $0.isClosed = true }
    room.signal()
    // What waits for the client to take its events is dropped.
    exchange.loop.run { self.takeAll() }
  }
}
