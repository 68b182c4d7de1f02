import Scheduling

/// A request that computes nothing, and remembers what became of it.
final class SimulatedJob: Schedulable {
  let serial: Int
  let rows: Int
  let byteCount: Int
  let deadline: Int64
  let priority: Int
  let client: UInt64
  let shape: Int
  let sequence: SequenceUse?
  let arrival: Int64
  /// Whether every batch that holds it fails as a whole.
  let isBad: Bool
  var isCancelled = false
  /// Whether others of its sequence were not answered when it came.
  var wasHeld = false

  /// How many waited when it came, those that came with it before it included.
  var older = 0
  /// How many batches had been released when it came.
  var releasesBefore: UInt64 = 0
  var isAdmitted = false
  /// It has left the queue, into a batch or for good.
  var hasLeft = false
  var answers = 0

  init(serial: Int, now: Int64, like request: RequestShape) {
    self.serial = serial
    rows = request.rows
    byteCount = request.rows * 8
    deadline = request.timeout == 0 ? 0 : now + request.timeout
    priority = request.priority
    client = request.client
    shape = request.shape
    isBad = request.isBad
    sequence = request.sequence
    arrival = now
  }

  /// Some shapes share a hash, as it may happen.
  var shapeHash: Int { shape % 2 }

  func hasShape(of other: SimulatedJob) -> Bool { shape == other.shape }
}

/// What is drawn for a request.
struct RequestShape {
  var rows: Int
  var timeout: Int64
  var priority: Int
  var client: UInt64
  var shape: Int
  var isBad: Bool
  var sequence: SequenceUse?

  init(maximumRows: Int, inSequences: Bool, using random: inout some RandomNumberGenerator) {
    rows = .random(in: 0...min(maximumRows, 5), using: &random)
    timeout = Int.random(in: 0..<5, using: &random) < 3 ? 0 : .random(in: 1...300, using: &random)
    priority = .random(in: 0...4, using: &random)
    client = .random(in: 0...4, using: &random)
    shape = .random(in: 0...2, using: &random)
    isBad = Int.random(in: 0..<20, using: &random) == 0
    guard inSequences, Int.random(in: 0..<30, using: &random) > 0 else { return }
    sequence = SequenceUse(
      id: .number(.random(in: 1...5, using: &random)), isStart: Int.random(in: 0..<3, using: &random) == 0,
      isEnd: Int.random(in: 0..<8, using: &random) == 0)
  }
}

extension SchedulingPolicy {
  /// Any policy, within small bounds that a short schedule reaches.
  static func random(using random: inout some RandomNumberGenerator) -> SchedulingPolicy {
    var policy = SchedulingPolicy()
    policy.maximumRows =
      Int.random(in: 0..<6, using: &random) == 0 ? nil : .random(in: 1...12, using: &random)
    policy.turnLimit = .random(in: 1...3, using: &random)
    policy.requests = .random(in: 1...30, using: &random)
    policy.bytes = .random(in: 20...1000, using: &random)
    policy.wait = Bool.random(using: &random) ? 0 : .random(in: 10...500, using: &random)
    policy.linger = Bool.random(using: &random) ? 0 : .random(in: 1...60, using: &random)
    policy.levels = (0..<Int.random(in: 1...3, using: &random)).map { _ in
      var level = LevelPolicy()
      level.requests = Bool.random(using: &random) ? 0 : .random(in: 1...6, using: &random)
      level.timeout = Bool.random(using: &random) ? 0 : .random(in: 20...200, using: &random)
      level.timeoutAction = Bool.random(using: &random) ? .reject : .delay
      return level
    }
    policy.defaultLevel = .random(in: 1...policy.levels.count, using: &random)
    if policy.maximumRows == nil, Bool.random(using: &random) {
      policy.trainLimit = .random(in: 2...6, using: &random)
      policy.trainTime = .random(in: 10...300, using: &random)
    }
    guard Int.random(in: 0..<3, using: &random) == 0 else { return policy }
    policy.linger = 0
    policy.trainLimit = 1
    policy.sequences = SequencePolicy(
      limit: .random(in: 1...4, using: &random), idle: .random(in: 10...200, using: &random))
    return policy
  }
}
