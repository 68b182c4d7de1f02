internal import Locks
internal import Synchronization

/// Objects that live as long as the process, found by a number. Numbers come back from plugins, right
/// or wrong: looking one up takes no lock and never fails but by nil.
///
/// Unchecked: an entry is written once, under the lock, before `count` is raised past it.
final class ImmortalTable<Object: AnyObject>: @unchecked Sendable {
  private let entries: UnsafeMutablePointer<Unmanaged<Object>>
  private let capacity: Int
  private let count = Atomic<Int>(0)
  private let lock = Lock<Void>(())

  /// Memory for the entries is reserved, and taken only as they come.
  init(capacity: Int) {
    entries = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  /// Nil when the table is full.
  func add(_ make: (_ index: Int) -> Object) -> Object? {
    lock.withLock { _ in
      let index = count.load(ordering: .relaxed)
      guard index < capacity else { return nil }
      let object = make(index)
      (entries + index).initialize(to: Unmanaged.passRetained(object))
      count.store(index + 1, ordering: .releasing)
      return object
    }
  }

  subscript(index: Int) -> Object? {
    guard index >= 0, index < count.load(ordering: .acquiring) else { return nil }
    return entries[index].takeUnretainedValue()
  }
}
