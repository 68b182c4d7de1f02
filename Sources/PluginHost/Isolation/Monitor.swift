internal import CIsolation
internal import Glibc

/// A value that one thread at a time may touch, and whose changes others can wait for.
///
/// Unchecked: the value is reached only with the mutex held, and the mutex lives as long as the object.
final class Monitor<Value>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var value: Value

  init(_ value: Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Changes the value, and wakes whoever waits for a change.
  func change<Result>(_ body: (inout Value) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
    return body(&value)
  }

  /// Reads the value, or changes what nobody waits for.
  func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&value)
  }

  /// Waits until `body` gives something, and returns it; nil: it did not, until `deadline` of CLOCK_MONOTONIC.
  func wait<Result>(until deadline: Int64 = .max, _ body: (inout Value) -> Result?) -> Result? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&value) { return result }
      guard deadline != .max else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      guard monotonicNow() < deadline else { return nil }
      var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
      pthread_cond_timedwait(condition, mutex, &time)
    }
  }
}

/// Starts a thread that nobody joins; false: there is none to be had.
@discardableResult
func startThread(_ run: @escaping @Sendable () -> Void) -> Bool {
  final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
  var thread = pthread_t()
  let body = Unmanaged.passRetained(Body(run))
  let failure = pthread_create(
    &thread, nil,
    {
      Unmanaged<Body>.fromOpaque($0!).takeRetainedValue().run()
      return nil
    }, body.toOpaque())
  guard failure == 0 else {
    body.release()
    return false
  }
  pthread_detach(thread)
  return true
}
