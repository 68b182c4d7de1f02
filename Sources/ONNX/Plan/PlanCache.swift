import Locks
import Tensors

/// The plans of the shapes that came last, at most `capacity` of them.
final class PlanCache: Sendable {
  /// What a plan depends on: the inputs' shapes, and the elements of those that shapes are made from.
  struct Key: Equatable, Sendable {
    var shapes: [Shape]
    var contents: [[UInt8]]
    /// For the calling thread alone.
    var isSingle = false
  }

  private struct Entry {
    let key: Key
    let plan: PreparedPlan
    var lastUse: UInt64
  }

  private struct State {
    var entries: [Entry] = []
    var clock: UInt64 = 0
  }

  private let capacity: Int
  private let state = Lock(State())

  init(capacity: Int) { self.capacity = max(capacity, 1) }

  func find(_ matches: (Key) -> Bool) -> PreparedPlan? {
    state.withLock { state in
      guard let index = state.entries.firstIndex(where: { matches($0.key) }) else { return nil }
      state.clock += 1
      state.entries[index].lastUse = state.clock
      return state.entries[index].plan
    }
  }

  func insert(_ key: Key, _ plan: PreparedPlan) {
    state.withLock { state in
      state.clock += 1
      if state.entries.contains(where: { $0.key == key }) { return }
      if state.entries.count >= capacity,
        let oldest = state.entries.indices.min(by: { state.entries[$0].lastUse < state.entries[$1].lastUse })
      {
        state.entries.remove(at: oldest)
      }
      state.entries.append(Entry(key: key, plan: plan, lastUse: state.clock))
    }
  }
}
