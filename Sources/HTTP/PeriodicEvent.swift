import CEvent
import Glibc

/// Something that a loop does again and again, for as long as this lives. Confined to the loop's thread.
final class PeriodicEvent {
  private let action: () -> Void
  private var event: OpaquePointer?

  /// - Parameter period: nanoseconds; at least a millisecond.
  init(base: OpaquePointer, period: Int64, action: @escaping () -> Void) {
    self.action = action
    event = event_new(
      base, -1, Int16(EV_PERSIST),
      { _, _, own in
        guard let own else { return }
        Unmanaged<PeriodicEvent>.fromOpaque(own).takeUnretainedValue().action()
      }, Unmanaged.passUnretained(self).toOpaque())
    let microseconds = max(1_000, period / 1_000)
    var interval = timeval(
      tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    if let event { event_add(event, &interval) }
  }

  deinit { if let event { event_free(event) } }
}
