import Glibc

/// A thread that calls back at a time.
///
/// Unchecked: the mutex and the condition live in memory of their own as long as the alarm, and everything else is
/// touched under the mutex.
final class Alarm: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var calls: [(due: Int64, call: @Sendable () -> Void)] = []
  private var isStopping = false
  private var thread: pthread_t?

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    mutex.deallocate()
    condition.deallocate()
  }

  /// Starts the thread; called once, before all else.
  func start() { thread = Threads.start { [self] in work() } }

  /// Has `call` called at `due`, in nanoseconds of CLOCK_MONOTONIC. From any thread.
  func call(at due: Int64, _ call: @escaping @Sendable () -> Void) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard !isStopping else { return }
    calls.append((due, call))
    pthread_cond_signal(condition)
  }

  /// Calls nobody any more, and ends the thread.
  func stop() {
    pthread_mutex_lock(mutex)
    isStopping = true
    let thread = thread.take()
    pthread_mutex_unlock(mutex)
    pthread_cond_signal(condition)
    if let thread { pthread_join(thread, nil) }
  }

  private func work() {
    while let call = next() { call() }
  }

  /// Waits for the next call that is due; nil when it is time to stop.
  private func next() -> (@Sendable () -> Void)? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isStopping {
      guard let first = calls.indices.min(by: { calls[$0].due < calls[$1].due }) else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      let due = calls[first].due
      if Threads.now() >= due { return calls.remove(at: first).call }
      var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
      pthread_cond_timedwait(condition, mutex, &time)
    }
    return nil
  }
}
