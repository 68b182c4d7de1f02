internal import Locks
internal import Synchronization

/// Executions of one model that are closed, to be opened again.
///
/// Each group of threads has a place for one, so that event loops which execute a model at the same time do not meet
/// here; what finds its place taken goes to a list.
///
/// Unchecked: the places are atomics, their memory lives as long as the object, and executions as long as the process.
final class IdleExecutions: @unchecked Sendable {
  /// A cache line for each place.
  private static let stride = 8
  private static let count = ThreadShard.count * stride
  private let places: UnsafeMutablePointer<Atomic<UnsafeRawPointer?>>
  private let others = Lock<[BatchExecution]>([])

  init() {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: IdleExecutions.count * 8, alignment: 64)
    places = memory.bindMemory(to: Atomic<UnsafeRawPointer?>.self, capacity: IdleExecutions.count)
    for place in 0..<IdleExecutions.count { (places + place).initialize(to: Atomic(nil)) }
  }

  deinit { UnsafeMutableRawPointer(places).deallocate() }

  /// One of them; nil: there is none.
  func take() -> BatchExecution? {
    let own = ThreadShard.own * IdleExecutions.stride
    if let found = places[own].exchange(nil, ordering: .acquiring) { return IdleExecutions.execution(found) }
    return others.withLock { $0.popLast() }
  }

  func give(_ execution: BatchExecution) {
    let own = ThreadShard.own * IdleExecutions.stride
    let pointer = UnsafeRawPointer(Unmanaged.passUnretained(execution).toOpaque())
    if places[own].compareExchange(expected: nil, desired: pointer, ordering: .releasing).exchanged { return }
    others.withLock { $0.append(execution) }
  }

  /// All of them, once nothing of the model runs any more.
  func takeAll() -> [BatchExecution] {
    var all = others.withLock { list in
      defer { list = [] }
      return list
    }
    for place in 0..<IdleExecutions.count {
      if let found = places[place].exchange(nil, ordering: .acquiring) {
        all.append(IdleExecutions.execution(found))
      }
    }
    return all
  }

  private static func execution(_ pointer: UnsafeRawPointer) -> BatchExecution {
    Unmanaged<BatchExecution>.fromOpaque(pointer).takeUnretainedValue()
  }
}
