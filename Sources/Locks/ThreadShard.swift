import Glibc
import Synchronization

/// The place of the calling thread among `count`, for numbers that are kept apart so that threads that
/// change them at once rarely meet.
public enum ThreadShard {
  public static let count = 16

  /// Holds each thread's place, one higher than it is: a thread that has none yet finds 0.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    precondition(pthread_key_create(&key, nil) == 0, "no key for numbers of threads is left in this process")
    return key
  }()
  private static let threads = Atomic(0)

  /// Threads take their places in turn when they first ask: as many as there are places never meet.
  @inline(__always)
  public static var own: Int {
    let known = Int(bitPattern: pthread_getspecific(key))
    return known > 0 ? known - 1 : takePlace()
  }

  private static func takePlace() -> Int {
    let place = threads.wrappingAdd(1, ordering: .relaxed).oldValue % count
    pthread_setspecific(key, UnsafeRawPointer(bitPattern: place + 1))
    return place
  }
}
