import CEvent
import Glibc

/// What came of an attempt to read or write.
enum TransferResult: Equatable {
  /// So many bytes moved, at least one.
  case moved(Int)
  /// Nothing moved; the loop reports when it may.
  case wouldBlock
  /// Nothing moved, and a read has to wait until the socket takes bytes again, as TLS may need.
  case awaitsWritable
  /// The peer sends no more.
  case ended
  /// The connection is broken; the value is an `errno`.
  case failed(Int32)
}

/// What came of an attempt to begin a transport's conversation.
enum HandshakeResult: Equatable {
  case complete
  /// The peer has to send more first.
  case wouldBlock
  /// The socket has to take bytes again first.
  case awaitsWritable
  case failed(String)
}

/// What carries the bytes of a connection: a plain socket, or TLS over one.
///
/// A connection tries to read and to write after every event of its descriptor, whatever the event was, so
/// a transport may need to read in order to write, or the other way round.
protocol Transport: AnyObject {
  var descriptor: Int32 { get }
  /// Whether a read that gives less than was asked for has emptied the source.
  var shortReadMeansEmpty: Bool { get }
  /// `handshake` has to be called, until it is complete, before anything is read or written.
  var needsHandshake: Bool { get }
  func handshake() -> HandshakeResult
  func read(into memory: UnsafeMutableRawPointer, count: Int) -> TransferResult
  func write(_ memory: UnsafeRawPointer, count: Int) -> TransferResult
  /// Tells the peer that no more will be written.
  func finishWriting()
  func close()
}

extension Transport {
  /// Has `close` drop what the socket has not sent and reset the connection. Otherwise the kernel holds it for
  /// the peer, however slowly that takes it.
  func discardUnsent() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
  }
}

/// A non-blocking stream socket.
final class SocketTransport: Transport {
  let descriptor: Int32
  let shortReadMeansEmpty = true
  let needsHandshake = false

  init(descriptor: Int32) { self.descriptor = descriptor }

  func handshake() -> HandshakeResult { .complete }

  func read(into memory: UnsafeMutableRawPointer, count: Int) -> TransferResult {
    while true {
      let moved = recv(descriptor, memory, count, 0)
      if moved > 0 { return .moved(moved) }
      if moved == 0 { return .ended }
      if errno == EINTR { continue }
      return errno == EAGAIN ? .wouldBlock : .failed(errno)
    }
  }

  func write(_ memory: UnsafeRawPointer, count: Int) -> TransferResult {
    while true {
      let moved = send(descriptor, memory, count, Int32(MSG_NOSIGNAL))
      if moved >= 0 { return .moved(moved) }
      if errno == EINTR { continue }
      return errno == EAGAIN ? .wouldBlock : .failed(errno)
    }
  }

  func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  func close() { _ = Glibc.close(descriptor) }
}
