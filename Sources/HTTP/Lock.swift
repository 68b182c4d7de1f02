import Glibc

/// A value behind a POSIX mutex.
///
/// Not `Synchronization.Mutex`: under contention the kernel hands that over, which the Thread Sanitizer
/// cannot see and reports as a race; POSIX mutexes it knows.
///
/// Unchecked: `value` is reached only with the mutex held.
final class Lock<Value: ~Copyable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  init(_ value: consuming sending Value) {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    self.value = value
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&value)
  }
}
