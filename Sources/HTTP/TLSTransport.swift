import CEvent
import COpenSSL
import Glibc

/// The server's side of TLS over a non-blocking socket.
final class TLSTransport: Transport {
  private enum State {
    case handshaking
    case open
    /// No more is written; what still comes is dropped unread.
    case finished
    /// A fault of either side ended it: OpenSSL allows nothing more.
    case broken
  }

  /// What is taken from the socket before a broken connection is closed, in bytes.
  private static let drainBytes = 65_536

  let descriptor: Int32
  let shortReadMeansEmpty = false
  private let connection: OpaquePointer
  private var state = State.handshaking
  /// OpenSSL holds a record that the socket did not take.
  private var isWriteUnfinished = false

  /// Nil if OpenSSL has no memory.
  init?(descriptor: Int32, context: TLSContext) {
    guard let connection = SSL_new(context.pointer) else { return nil }
    guard SSL_set_fd(connection, descriptor) == 1 else {
      SSL_free(connection)
      return nil
    }
    SSL_set_accept_state(connection)
    self.connection = connection
    self.descriptor = descriptor
  }

  deinit { SSL_free(connection) }

  var needsHandshake: Bool { state == .handshaking }

  func handshake() -> HandshakeResult {
    ERR_clear_error()
    let outcome = SSL_do_handshake(connection)
    if outcome == 1 {
      state = .open
      return .complete
    }
    switch SSL_get_error(connection, outcome) {
    case SSL_ERROR_WANT_READ: return .wouldBlock
    case SSL_ERROR_WANT_WRITE: return .awaitsWritable
    case SSL_ERROR_SSL:
      state = .broken
      if ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST { answerPlainRequest() }
      return .failed(TLSContext.takeReason())
    default:
      state = .broken
      return .failed("the client closed the connection")
    }
  }

  func read(into memory: UnsafeMutableRawPointer, count: Int) -> TransferResult {
    if state == .finished { return readAndDrop(memory, count) }
    guard state == .open else { return .failed(EPROTO) }
    ERR_clear_error()
    var moved = 0
    let outcome = SSL_read_ex(connection, memory, count, &moved)
    if outcome == 1 { return .moved(moved) }
    return result(of: outcome, errno)
  }

  func write(_ memory: UnsafeRawPointer, count: Int) -> TransferResult {
    guard state == .open else { return .failed(EPIPE) }
    ERR_clear_error()
    var moved = 0
    let outcome = SSL_write_ex(connection, memory, count, &moved)
    isWriteUnfinished = outcome != 1
    if outcome == 1 { return .moved(moved) }
    return result(of: outcome, errno)
  }

  func finishWriting() {
    sendCloseNotify()
    state = .finished
    shutdown(descriptor, Int32(SHUT_WR))
  }

  func close() {
    sendCloseNotify()
    if state == .broken { drain() }
    state = .finished
    _ = Glibc.close(descriptor)
  }

  /// - Parameter code: `errno` right after the call.
  private func result(of outcome: Int32, _ code: Int32) -> TransferResult {
    switch SSL_get_error(connection, outcome) {
    case SSL_ERROR_WANT_READ: return .wouldBlock
    case SSL_ERROR_WANT_WRITE: return .awaitsWritable
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL:
      state = .broken
      return code == 0 ? .ended : .failed(code)
    default:
      state = .broken
      ERR_clear_error()
      return .failed(EPROTO)
    }
  }

  /// Says that the stream ends here, unless it was cut off in the middle of a record.
  private func sendCloseNotify() {
    guard state == .open, !isWriteUnfinished else { return }
    ERR_clear_error()
    _ = SSL_shutdown(connection)
    ERR_clear_error()
  }

  private func readAndDrop(_ memory: UnsafeMutableRawPointer, _ count: Int) -> TransferResult {
    let moved = recv(descriptor, memory, count, 0)
    if moved > 0 { return .moved(moved) }
    if moved == 0 { return .ended }
    return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno)
  }

  /// Takes what lies in the socket: left there, it would turn the close into a reset, which can overtake
  /// the alert that says what was wrong.
  private func drain() {
    shutdown(descriptor, Int32(SHUT_WR))
    withUnsafeTemporaryAllocation(byteCount: Self.drainBytes, alignment: 16) { room in
      _ = recv(descriptor, room.baseAddress, room.count, 0)
    }
  }

  /// Tells a client that speaks plain HTTP what is wrong.
  private func answerPlainRequest() {
    let body = ErrorDocument.json("this port speaks TLS, and a plain HTTP request came; ask with https://")
    let text =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
  }
}
