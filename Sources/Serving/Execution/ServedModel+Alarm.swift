import Locks
import Scheduling
import Synchronization
import Telemetry

/// What a model does at a time, and not because of a request. On the alarm's thread.
extension ServedModel {
  /// Nanoseconds between two looks at what waits.
  private static let watchInterval: Int64 = 20_000_000

  /// Sees that what waits is looked at now and then, as long as anything does.
  func watch(at now: Int64) {
    guard waiting.load(ordering: .relaxed) > 0, !isWatched.load(ordering: .relaxed),
      !isWatched.exchange(true, ordering: .relaxed)
    else { return }
    pool.alarm.call(at: now + Self.watchInterval) { self.lookAtWaiting() }
  }

  /// Answers what waits in vain, though no turn is free to come across it.
  private func lookAtWaiting() {
    let now = clock.now()
    isWatched.store(false, ordering: .relaxed)
    guard waiting.load(ordering: .relaxed) > 0 else { return }
    let cancelled = hasCancelled.exchange(false, ordering: .relaxed)
    let dropped = internals.withLock { internals in
      defer { waiting.store(internals.scheduler.count, ordering: .relaxed) }
      return internals.scheduler.sweep(at: now, cancelled: cancelled)
    }
    for (request, cause) in dropped { drop(request, ServingError(cause), at: now) }
    watch(at: now)
  }

  /// A request that waits was called off.
  func hasCancelledRequests() { hasCancelled.store(true, ordering: .relaxed) }

  /// Lets what is held back go at `time`.
  func callTurn(at time: Int64) {
    pool.alarm.call(at: time) { [self] in
      let now = clock.now()
      if internals.withLock({ $0.scheduler.wake(at: now) }) { pool.enqueue(self) }
    }
  }
}
