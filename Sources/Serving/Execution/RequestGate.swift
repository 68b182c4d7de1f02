import Locks
import Synchronization

/// Lets requests in while a model serves, and counts those that are inside.
///
/// It begins closed. Once it is closed again and empty, nobody is inside nor comes in, so what requests use may
/// go. Threads count apart, so that event loops do not meet here.
///
/// Unchecked: the cells are atomics, and the memory lives as long as the object.
final class RequestGate: @unchecked Sendable {
  /// A cache line for each count.
  private static let stride = 8
  private let cells: UnsafeMutablePointer<Atomic<Int>>
  private let open = Atomic<Bool>(false)

  init() {
    let count = ThreadShard.count * RequestGate.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 64)
    cells = memory.bindMemory(to: Atomic<Int>.self, capacity: count)
    for cell in 0..<count { (cells + cell).initialize(to: Atomic(0)) }
  }

  deinit { UnsafeMutableRawPointer(cells).deallocate() }

  var isOpen: Bool { open.load(ordering: .acquiring) }

  func setOpen(_ isOpen: Bool) { open.store(isOpen, ordering: .sequentiallyConsistent) }

  /// Counts `requests` in; false, and nothing counted, if the gate is closed.
  func enter(_ requests: Int = 1) -> Bool {
    // Counted before looking: whoever closes the gate and then counts sees one that found it open.
    add(requests)
    if open.load(ordering: .sequentiallyConsistent) { return true }
    add(-requests)
    return false
  }

  /// Counts a request out, on whatever thread.
  func leave(_ requests: Int = 1) { add(-requests) }

  /// How many requests are inside. Exact once the gate is closed.
  var count: Int {
    (0..<ThreadShard.count).reduce(0) {
      $0 + cells[$1 * RequestGate.stride].load(ordering: .sequentiallyConsistent)
    }
  }

  private func add(_ requests: Int) {
    cells[ThreadShard.own * RequestGate.stride].wrappingAdd(requests, ordering: .sequentiallyConsistent)
  }
}
