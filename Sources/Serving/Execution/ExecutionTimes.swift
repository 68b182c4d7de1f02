import Synchronization

/// How long executions of one model take, learnt from those that were, by the size of what they are given.
///
/// It says whether the next is short enough to run on the event loop that has its request: handing it to a
/// worker and the answer back costs about as much as `limit`, and more if the worker's core has to fetch a large
/// input. The first ones of each size never are, and after one that took far too long as many have to prove
/// short again.
///
/// What is learnt of a size is the time that nine out of ten executions keep: a mean would follow the few that
/// waited for a core. Sizes are classed by their binary logarithm. A class is one atomic word, which threads
/// update without regard for each other: an update that is lost changes little.
///
/// Unchecked: the words are atomics, and the memory lives as long as the object.
final class ExecutionTimes: @unchecked Sendable {
  /// Executions that a class must have seen.
  static let evidence: UInt64 = 16
  private static let classCount = 64
  private static let countBits: UInt64 = 8
  /// A class that has seen so many takes in one in sixteen, since loops share it.
  private static let settled: UInt64 = 255

  /// Each so many bytes of input allow an execution the limit once more, up to `mostAllowances` times. The loop
  /// takes about half of that to receive them.
  private static let allowanceBytes = 65_536
  private static let mostAllowances = 16

  /// Nanoseconds that an execution over little input may take on an event loop; 0: none does.
  let limit: Int64
  /// The time in nanoseconds, and below it how many executions there were, up to `settled`.
  private let classes: UnsafeMutablePointer<Atomic<UInt64>>

  init(limit: Int64) {
    self.limit = limit
    classes = .allocate(capacity: Self.classCount)
    for index in 0..<Self.classCount { (classes + index).initialize(to: Atomic(0)) }
  }

  deinit { classes.deallocate() }

  /// Whether an execution over `byteCount` bytes of input is known to be short.
  func isShort(byteCount: Int) -> Bool {
    let own = Self.index(byteCount)
    let word = classes[own].load(ordering: .relaxed)
    return word & Self.settled >= Self.evidence && Int64(word >> Self.countBits) <= limit(ofClass: own)
  }

  /// Takes in that an execution over `byteCount` bytes took from `start` to `end`, in nanoseconds.
  func learn(byteCount: Int, from start: Int64, to end: Int64) {
    let own = Self.index(byteCount)
    let limit = limit(ofClass: own)
    let word = classes[own].load(ordering: .relaxed)
    let count = word & Self.settled
    let isFarTooLong = end - start > 50 * limit
    // By its start, so that which are taken in does not depend on how long they took.
    if count == Self.settled, start & 15 != 0, !isFarTooLong { return }
    let sample = min(max(end - start, 0), 4 * max(limit, 1))
    let next = count == 0 ? sample : Self.follow(Int64(word >> Self.countBits), sample)
    let seen = isFarTooLong ? 0 : min(count + 1, Self.settled)
    classes[own].store(UInt64(next) << Self.countBits | seen, ordering: .relaxed)
  }

  private func limit(ofClass index: Int) -> Int64 {
    limit * Int64(1 + min((1 << index) / Self.allowanceBytes, Self.mostAllowances))
  }

  /// Steps nine times as far up as down, so it rests where one sample in ten is above.
  private static func follow(_ time: Int64, _ sample: Int64) -> Int64 {
    sample > time ? min(sample, time + time * 9 / 32 + 1) : max(sample, time - time / 32 - 1)
  }

  private static func index(_ byteCount: Int) -> Int {
    Int.bitWidth - 1 - max(byteCount, 1).leadingZeroBitCount
  }
}
