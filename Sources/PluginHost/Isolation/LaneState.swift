internal import Tensors

/// What the server keeps of a lane from one job to the next, so that a job need not ask for it again.
///
/// Unchecked: used by whoever has the lane, one at a time.
final class LaneState: @unchecked Sendable {
  private static let leastMessage = 1024
  /// Bytes of what is kept at most; what is larger is asked for each time.
  private static let mostMessage = 1 << 16
  private static let mostAnswer = 1 << 20

  let spin: SpinBudget
  /// For the message that tells a job.
  private var order: ArenaBlock?
  /// For what the worker answers, unless an answer is still looked at.
  var answers: ArenaBlock?
  private var copy: TensorMemory?

  init(spin: SpinBudget) { self.spin = spin }

  /// Memory that the worker reads, for a message; nil: there is none. It is written over with the next.
  func order(_ byteCount: Int, in arena: SharedArena) -> ArenaBlock? {
    if let order, order.byteCount >= byteCount, order.byteCount <= Self.mostMessage { return order }
    order = arena.allocate(max(byteCount, Self.leastMessage))
    return order
  }

  /// Lets go of what is too large to be kept; the job is done.
  func trim() {
    if order?.byteCount ?? 0 > Self.mostMessage { order = nil }
    if copy?.byteCount ?? 0 > Self.mostMessage { copy = nil }
  }

  /// Memory of the server's own for a message of the worker's, which must not change while it is read; nil: there is
  /// none. It is written over with the next.
  func copy(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    if let copy, copy.byteCount >= byteCount { return copy.base }
    copy = TensorMemory(byteCount: max(byteCount, Self.leastMessage))
    return copy?.base
  }

  /// Keeps `block` for the next job if nobody else has it.
  func keep(_ block: consuming ArenaBlock) {
    if block.byteCount <= Self.mostAnswer, isKnownUniquelyReferenced(&block) { answers = block }
  }
}
