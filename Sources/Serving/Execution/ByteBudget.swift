import Synchronization

/// Bytes of inputs that the queued and running requests of all models may hold together.
///
/// A model may hold eight times what is left, as a client of a queue may: see `ClientShares`.
final class ByteBudget: Sendable {
  let limit: Int
  private let used = Atomic<Int>(0)

  /// - Parameter limit: `Int.max` for none.
  init(limit: Int) { self.limit = limit }

  var bytes: Int { used.load(ordering: .relaxed) }

  /// Takes `count` bytes for a model that holds `held`; false, and nothing taken, if they are not to be had. Where
  /// nothing is held, one request always fits.
  func take(_ count: Int, held: Int) -> Bool {
    let before = used.wrappingAdd(count, ordering: .relaxed).oldValue
    let left = limit - before
    if before == 0 || (count <= left && held / 8 <= left) { return true }
    give(back: count)
    return false
  }

  func give(back count: Int) { used.wrappingSubtract(count, ordering: .relaxed) }
}
