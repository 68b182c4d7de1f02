import Glibc

/// Lets no more threads run at once than a quota pays for.
///
/// A quota of one processor on a machine of many does not keep two threads from running side by side: they spend the
/// time of a period in half of it, and then the kernel stops both for the other half. Threads that hold a permit while
/// they work take turns instead, as they would on a machine of that size.
///
/// A thread that keeps its permit for long, in a model that takes its time or waits for something itself, holds nobody
/// up for more than `patience`: after that its permit is another's.
///
/// Unchecked: the mutex and the condition live in memory of their own as long as the object, and everything else is
/// touched under the mutex.
public final class ProcessorPermits: @unchecked Sendable {
  /// A permit that was taken, and is to be given back.
  public struct Permit: Sendable { fileprivate let number: Int }

  private let count: Int
  private let patience: Int64
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// The permits that are out, those that were kept too long left out; the oldest first.
  private var taken: [Int] = []
  /// Those that are waited for, in the order in which they were asked for.
  private var awaited: [Int] = []
  private var lastNumber = 0

  /// - Parameters:
  ///   - count: the threads that may run at once, 1 at least.
  ///   - patience: nanoseconds that a thread waits for a permit at most.
  public init(count: Int, patience: Int64 = 10_000_000) {
    self.count = max(1, count)
    self.patience = patience
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  /// Those of a process whose quota is less than the processors that it sees; nil for others, for which the kernel does
  /// this by itself.
  public convenience init?(_ limits: ProcessLimits) {
    guard limits.quota != nil, limits.processors < limits.allowedProcessors else { return nil }
    self.init(count: limits.processors)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(changed)
    mutex.deallocate()
    changed.deallocate()
  }

  /// The permits that are out, without those that were kept too long.
  var takenCount: Int {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return taken.count
  }

  /// Waits for a permit. Threads get theirs in the order in which they came.
  public func take() -> Permit {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    lastNumber += 1
    let permit = Permit(number: lastNumber)
    if taken.count < count {
      taken.append(permit.number)
    } else {
      awaited.append(permit.number)
      wait(for: permit.number)
    }
    return permit
  }

  public func give(_ permit: Permit) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard let place = taken.firstIndex(of: permit.number) else { return }
    taken.remove(at: place)
    guard !awaited.isEmpty else { return }
    taken.append(awaited.removeFirst())
    pthread_cond_broadcast(changed)
  }

  /// Returns when the permit is out, which it takes from the one that has it for longest if need be.
  private func wait(for number: Int) {
    let end = MonotonicClock.system.now() + patience
    var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
    while awaited.contains(number) {
      let isLate = pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT
      guard isLate, let place = awaited.firstIndex(of: number) else { continue }
      awaited.remove(at: place)
      taken.removeFirst()
      taken.append(number)
    }
  }
}
