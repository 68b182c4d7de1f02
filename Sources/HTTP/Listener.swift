import CEvent
import Glibc
import Telemetry

/// A listening socket that a loop watches. Confined to the loop's thread.
final class Listener {
  /// Connections taken in one turn, so that a flood of them does not starve the open ones.
  private static let acceptsPerTurn = 64

  private let descriptor: Int32
  /// Its connections speak TLS.
  private let isSecure: Bool
  private unowned let loop: EventLoop
  /// Chooses the loop that gets a connection accepted by this one.
  private let place: (EventLoop) -> EventLoop
  private var event: OpaquePointer?
  /// The process has no descriptors left: accepting waits for the next tick.
  private(set) var isPaused = false

  init(
    descriptor: Int32, isSecure: Bool, loop: EventLoop, place: @escaping (EventLoop) -> EventLoop
  ) {
    self.descriptor = descriptor
    self.isSecure = isSecure
    self.loop = loop
    self.place = place
  }

  /// Begins to accept; false if libevent refuses.
  func watch(_ base: OpaquePointer) -> Bool {
    event = event_new(
      base, descriptor, Int16(EV_READ | EV_PERSIST),
      { _, _, own in
        guard let own else { return }
        Unmanaged<Listener>.fromOpaque(own).takeUnretainedValue().accept()
      }, Unmanaged.passUnretained(self).toOpaque())
    guard let event else { return false }
    return event_add(event, nil) == 0
  }

  /// Accepts again after a pause.
  func resume() {
    guard isPaused, let event else { return }
    isPaused = false
    event_add(event, nil)
  }

  /// Takes no new handshakes, and goes on accepting those that have begun until `close`.
  ///
  /// Closing a listening socket resets the connections that wait in it, with the requests that their clients may
  /// have sent. A client whose first segment is dropped tries again after a second, and then finds the next
  /// server or none; either way it knows that nothing of its request was taken.
  func refuseHandshakes() { _ = swerve_refuse_handshakes(descriptor) }

  func close() {
    guard let event else { return }
    accept()
    event_free(event)
    self.event = nil
    _ = Glibc.close(descriptor)
  }

  private func accept() {
    for _ in 0..<Self.acceptsPerTurn {
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
      let accepted = withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { accept4(descriptor, $0, &length, flags) }
      }
      guard accepted >= 0 else {
        if errno == EINTR || errno == ECONNABORTED { continue }
        if errno != EAGAIN { pause(code: errno) }
        return
      }
      welcome(accepted, SocketAddress(storage))
    }
  }

  private func welcome(_ accepted: Int32, _ address: SocketAddress) {
    if let reason = loop.context.limits.admit(address) {
      loop.context.events.connectionRefused?(reason)
      turnAway(accepted, reason)
      return
    }
    let target = loop.isStopping ? loop : place(loop)
    let isSecure = isSecure
    target.expectConnection()
    if target === loop {
      loop.adopt(descriptor: accepted, address: address, isSecure: isSecure)
    } else if !target.post({ target.adopt(descriptor: accepted, address: address, isSecure: isSecure) }) {
      _ = Glibc.close(accepted)
      target.uncount(address)
    }
  }

  /// Without descriptors or memory, accepting would fail at once again and again: it waits for a tick.
  private func pause(code: Int32) {
    guard let event else { return }
    event_del(event)
    isPaused = true
    loop.context.events.connectionRefused?("out of descriptors")
    loop.context.events.log?(
      .error, "cannot accept connections: \(HTTPServerError.text(of: code)); raise the limit of open files",
      [])
    loop.listenerPaused()
  }

  /// Answers 503 as far as that goes without waiting, and closes. Before a handshake nothing can be
  /// answered.
  private func turnAway(_ accepted: Int32, _ reason: StaticString) {
    guard !isSecure else {
      _ = Glibc.close(accepted)
      return
    }
    let body = ErrorDocument.json("the server has \(reason) at the moment; try again later")
    let text =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
      + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    let flags = Int32(MSG_NOSIGNAL)
    var bytes = Array(text.utf8)
    _ = send(accepted, bytes, bytes.count, flags)
    shutdown(accepted, Int32(SHUT_WR))
    // A request left unread would turn the close into a reset, which can overtake the answer.
    _ = recv(accepted, &bytes, bytes.count, 0)
    _ = Glibc.close(accepted)
  }
}
