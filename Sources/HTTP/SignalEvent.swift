import CEvent
import Glibc

/// A process signal that a loop reports.
final class SignalEvent {
  private let action: @Sendable (Int32) -> Void
  private var event: OpaquePointer?

  init(base: OpaquePointer, number: Int32, action: @escaping @Sendable (Int32) -> Void) {
    self.action = action
    event = event_new(
      base, number, Int16(EV_SIGNAL | EV_PERSIST),
      { number, _, own in
        guard let own else { return }
        Unmanaged<SignalEvent>.fromOpaque(own).takeUnretainedValue().action(number)
      }, Unmanaged.passUnretained(self).toOpaque())
    if let event { event_add(event, nil) }
  }

  deinit { if let event { event_free(event) } }
}
