/// The requests that wait for one model, in order of arrival.
///
/// A value that decides and does nothing: time is an argument, and whoever holds it acts on what it
/// returns.
struct RequestQueue {
  /// What may wait at most.
  struct Limits: Sendable {
    var requests = 4096
    var bytes = 1 << 30
  }

  /// What a free worker is to do next.
  struct Turn {
    /// To be executed as one batch; empty when nothing waits.
    var batch: [InferenceRequest] = []
    /// To be refused: their client has gone, or their deadline has passed.
    var dropped: [(request: InferenceRequest, error: ServingError)] = []
  }

  /// Requests without rows fill no batch, so their number is bounded too.
  static let maximumRequestsPerBatch = 1024

  private let limits: Limits
  private var waiting: [InferenceRequest] = []
  private var head = 0
  private var bytes = 0

  init(limits: Limits) { self.limits = limits }

  var count: Int { waiting.count - head }
  var isEmpty: Bool { count == 0 }

  /// Takes all of `requests`, the parts of one, in, or none and says why not. Where nothing waits, one
  /// request always fits, whatever its size: it was bounded when it came in.
  mutating func admit(_ requests: [InferenceRequest]) throws(ServingError) {
    if count + requests.count > limits.requests && !isEmpty {
      throw ServingError(
        .queueFull,
        "\(count) requests wait for the model already, the limit is \(limits.requests): try again later")
    }
    let more = requests.reduce(0) { $0 + $1.byteCount }
    if bytes + more > limits.bytes && !isEmpty {
      throw ServingError(
        .queueFull,
        "the requests that wait for the model hold \(bytes) bytes, the limit is \(limits.bytes): try again later"
      )
    }
    waiting.append(contentsOf: requests)
    bytes += more
  }

  /// The next batch of at most `maximumRows` rows: the oldest request, and those right behind it that may
  /// share a batch with it and fit. A free worker never waits for more. Without a maximum, requests are not
  /// stacked: one a turn.
  mutating func next(maximumRows: Int?, at now: Int64) -> Turn {
    var turn = Turn()
    var rows = 0
    while let request = first {
      if let error = fault(of: request, at: now) {
        turn.dropped.append((request, error))
      } else if let leader = turn.batch.first {
        guard let maximumRows, rows <= maximumRows, request.rows <= maximumRows - rows,
          turn.batch.count < RequestQueue.maximumRequestsPerBatch, leader.canShareBatch(with: request)
        else { break }
        turn.batch.append(request)
        rows += request.rows
      } else {
        turn.batch.append(request)
        rows = request.rows
      }
      removeFirst()
    }
    return turn
  }

  /// Takes all that waits out.
  mutating func drain() -> [InferenceRequest] {
    defer {
      waiting.removeAll()
      head = 0
      bytes = 0
    }
    return Array(waiting[head...])
  }

  private var first: InferenceRequest? { head < waiting.count ? waiting[head] : nil }

  private mutating func removeFirst() {
    bytes -= waiting[head].byteCount
    head += 1
    if head == waiting.count {
      waiting.removeAll(keepingCapacity: waiting.capacity <= 1024)
      head = 0
    } else if head >= 256 && head * 2 >= waiting.count {
      waiting.removeFirst(head)
      head = 0
    }
  }

  private func fault(of request: InferenceRequest, at now: Int64) -> ServingError? {
    if request.isCancelled { return ServingError(.cancelled, "the client left while the request waited") }
    if request.deadline != 0 && now >= request.deadline {
      return ServingError(.deadlineExceeded, "Request timeout expired while it waited for the model")
    }
    return nil
  }
}
