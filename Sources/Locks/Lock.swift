#if THREAD_SANITIZER
  import Glibc
#else
  public import Synchronization
#endif

/// A value that one thread at a time may touch.
///
/// It is `Synchronization.Mutex`. Under the Thread Sanitizer it is a POSIX mutex instead: the futex of the
/// former is handed over by the kernel, which the sanitizer cannot see and reports as a race.
public struct Lock<Value: ~Copyable>: ~Copyable, Sendable {
  #if THREAD_SANITIZER
    private let storage: PosixLock<Value>

    public init(_ value: consuming sending Value) { storage = PosixLock(value) }

    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      try storage.withLock(body)
    }
  #else
    @usableFromInline let mutex: Mutex<Value>

    @inlinable public init(_ value: consuming sending Value) { mutex = Mutex(value) }

    /// Runs `body` while no other thread does.
    @inlinable public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      try mutex.withLock(body)
    }
  #endif
}

#if THREAD_SANITIZER
  /// A value behind a POSIX mutex.
  ///
  /// Unchecked: `held` is reached only with the mutex held.
  final class PosixLock<Value: ~Copyable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var held: Held

    /// Gives a value of no size an address that is not the object's own, where the sanitizer would see others.
    private struct Held: ~Copyable {
      let padding: UInt64 = 0
      var value: Value
    }

    init(_ value: consuming sending Value) {
      pthread_mutex_init(mutex, nil)
      held = Held(value: value)
    }

    deinit {
      pthread_mutex_destroy(mutex)
      mutex.deallocate()
    }

    func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      pthread_mutex_lock(mutex)
      defer { pthread_mutex_unlock(mutex) }
      return try body(&held.value)
    }
  }
#endif
