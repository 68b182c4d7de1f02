import CEvent
import Glibc
import Locks

/// Actions that any thread leaves for a loop, which takes them all at once.
///
/// A sleeping loop is woken once however many actions come.
struct LoopMailbox: ~Copyable {
  private struct Posted: ~Copyable {
    var actions: [@Sendable () -> Void] = []
    /// The loop sleeps or is about to, and nobody has woken it yet.
    var sleeps = false
    /// The loop has ended and takes no more.
    var isEnded = false
  }

  private let posted = Lock(Posted())
  /// Readable when there is something for a loop that sleeps; watched edge-triggered, so never read. Negative
  /// if there was none to be had.
  let wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))

  deinit {
    if wakeDescriptor >= 0 { close(wakeDescriptor) }
  }

  /// Leaves `action`; false if the loop has ended.
  func post(_ action: @escaping @Sendable () -> Void) -> Bool {
    let (isTaken, wakes) = posted.withLock { posted in
      guard !posted.isEnded else { return (false, false) }
      posted.actions.append(action)
      defer { posted.sleeps = false }
      return (true, posted.sleeps)
    }
    if wakes { eventfd_write(wakeDescriptor, 1) }
    return isTaken
  }

  /// Exchanges what has come for `taken`, which is empty.
  func take(into taken: inout [@Sendable () -> Void]) {
    posted.withLock { posted in
      posted.sleeps = false
      swap(&posted.actions, &taken)
    }
  }

  /// Whether there is nothing to run; if so, the next `post` wakes the loop.
  func sleepsIfEmpty(unless hasMore: Bool) -> Bool {
    posted.withLock { posted in
      posted.sleeps = posted.actions.isEmpty && !hasMore
      return posted.sleeps
    }
  }

  /// From now on nothing is taken.
  func end() { posted.withLock { $0.isEnded = true } }
}
