public import Scheduling
import TestSupport

#if canImport(Glibc)
  import Glibc
#endif

/// A model whose batches take a fixed time and some more for each row, and requests that come at random at some
/// multiple of what it can do, each with a deadline. In virtual time: what is measured is the scheduler alone.
public struct Overload {
  /// Nanoseconds of a batch, and of each row of it.
  public var fixed: Int64 = 10_000_000
  public var perRow: Int64 = 500_000
  public var maximumRows = 32
  /// Batches that may run at once.
  public var turns = 1
  /// Arrivals, in rows that the model can serve.
  public var load = 2.0
  /// Deadlines, in times of the largest batch: each is drawn from this range.
  public var patience = 5.0...5.0
  /// By what part a batch may take longer than it should.
  public var noise = 0.02
  /// Nanoseconds from the end of a batch to the next, and of the way of a request and of its answer.
  public var overhead: Int64 = 100_000
  public var duration: Int64 = 20_000_000_000

  public init() {}

  /// What came of it.
  public struct Outcome: Sendable {
    /// Rows answered within their deadline, of what the model can do.
    public var goodput = 0.0
    public var arrived = 0
    public var inTime = 0
    public var late = 0
    public var refused = 0
    /// Given up after they had been let in.
    public var dropped = 0
    public var batches = 0
    public var rows = 0
    public var reasons: [ReleaseReason: Int] = [:]
  }

  struct Running {
    var ticket: Int
    var end: Int64
    var jobs: [SimulatedJob]
  }

  /// Rows a second of one worker after the other at the best batch.
  public var capacity: Double { Double(turns * maximumRows) / Double(cost(maximumRows)) }

  private func cost(_ rows: Int) -> Int64 { fixed + perRow * Int64(rows) }

  /// Plays it from a seed. The first fifth is not counted.
  public func run(seed: UInt64) -> Outcome {
    var play = Play(self, seed: seed)
    while play.now < duration { play.step() }
    play.outcome.goodput = Double(play.outcome.inTime) / (capacity * Double(duration) * 0.8)
    return play.outcome
  }

  private struct Play {
    let setting: Overload
    var random: SeededGenerator
    var scheduler: Scheduler<SimulatedJob>
    var now: Int64 = 0
    var nextArrival: Int64 = 0
    /// When turns that were asked for are given.
    var asked: [Int64] = []
    var running: [Running] = []
    var serial = 0
    var outcome = Outcome()

    init(_ setting: Overload, seed: UInt64) {
      self.setting = setting
      random = SeededGenerator(seed: seed)
      var policy = SchedulingPolicy()
      policy.maximumRows = setting.maximumRows
      policy.turnLimit = setting.turns
      scheduler = Scheduler(policy: policy)
    }

    var isCounted: Bool { now >= setting.duration / 5 }

    mutating func step() {
      let turn = asked.min() ?? .max
      let end = running.map(\.end).min() ?? .max
      now = min(nextArrival, turn, end)
      if end == now {
        finish()
      } else if turn == now {
        giveTurn()
      } else {
        arrive()
      }
    }

    mutating func ask(_ count: Int, after delay: Int64) {
      for _ in 0..<count { asked.append(now + delay) }
    }

    mutating func arrive() {
      let patience = Double.random(in: setting.patience, using: &random)
      var shape = RequestShape(maximumRows: 1, inSequences: false, using: &random)
      shape.rows = 1
      shape.timeout = Int64(patience * Double(setting.cost(setting.maximumRows)))
      shape.priority = 0
      shape.client = 0
      shape.shape = 0
      shape.isBad = false
      let job = SimulatedJob(serial: serial, now: now, like: shape)
      serial += 1
      outcome.arrived += isCounted ? 1 : 0
      do throws(Refusal) {
        ask(try scheduler.arrive([job], at: now), after: setting.overhead / 4)
      } catch {
        outcome.refused += isCounted ? 1 : 0
      }
      let gap = -log(1 - Double.random(in: 0..<1, using: &random)) / (setting.load * setting.capacity)
      nextArrival = now + Int64(gap)
    }

    mutating func giveTurn() {
      asked.remove(at: asked.firstIndex(of: now)!)
      let turn = scheduler.turn(at: now)
      outcome.dropped += isCounted ? turn.dropped.count : 0
      guard case .execute(let ticket, let reason) = turn.action else { return }
      let noise = 1 + Double.random(in: 0...max(setting.noise, 1e-9), using: &random)
      let cost = Double(setting.cost(turn.batch.count)) * noise
      running.append(Running(ticket: ticket, end: now + Int64(cost), jobs: turn.batch))
      guard isCounted else { return }
      outcome.batches += 1
      outcome.rows += turn.batch.count
      outcome.reasons[reason, default: 0] += 1
    }

    mutating func finish() {
      let index = running.firstIndex { $0.end == now }!
      let batch = running.remove(at: index)
      let answered = now + setting.overhead / 2
      if isCounted {
        let inTime = batch.jobs.count { answered <= $0.deadline }
        outcome.inTime += inTime
        outcome.late += batch.jobs.count - inTime
      }
      if scheduler.finished(batch.ticket, at: now) { ask(1, after: setting.overhead / 4) }
    }
  }
}
