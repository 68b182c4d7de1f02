import Glibc

/// A count that threads wait for.
///
/// Unchecked: `sem_wait` and `sem_post` may be called from any thread, and the memory lives as long as the object.
final class Semaphore: @unchecked Sendable {
  private let value = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init(_ count: Int) { sem_init(value, 0, UInt32(count)) }

  deinit {
    sem_destroy(value)
    value.deallocate()
  }

  /// Takes one; sleeps while there is none.
  func wait() { while sem_wait(value) != 0 && errno == EINTR {} }

  func signal() { sem_post(value) }
}
