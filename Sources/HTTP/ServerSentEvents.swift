public import Bytes
import Glibc

/// A response of Server-Sent Events (HTML standard, section 9.2): events as they happen, on one exchange.
///
/// What is sent cannot forge events: line ends in data begin further lines of the same data, and names and
/// ids have none. Data and names must be UTF-8. Confined to the exchange's loop, as the exchange is.
///
/// As with `Exchange.send`, a call that returns false has sent nothing, because the client has gone
/// (`Exchange.isAbandoned`) or because it takes its events too slowly; in the latter case
/// `Exchange.onDrained` is called when there is room. A client that leaves is noticed when something is sent
/// to it, so where events are far apart, comments keep proxies from closing and tell whether it is there.
public struct ServerSentEvents: Sendable {
  private let exchange: Exchange

  /// Begins the response of `exchange`. The fields keep caches, and proxies that wait for more, out of it.
  public init(answering exchange: Exchange, headers: [(StaticString, String)] = []) {
    self.exchange = exchange
    exchange.beginStream(
      status: 200, contentType: "text/event-stream; charset=utf-8",
      headers: [("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no")] + headers)
  }

  /// Sends an event whose data `data` writes into the output.
  ///
  /// - Parameters:
  ///   - event: the name that listeners wait for; nil for `message`. Control characters become spaces.
  ///   - id: what a client that connects again gives as `Last-Event-ID`. Control characters become spaces.
  public func send(event: String? = nil, id: String? = nil, _ data: (ByteBuffer) -> Void) -> Bool {
    exchange.send { output in
      if let event { Self.append("event: ", event, to: output) }
      if let id { Self.append("id: ", id, to: output) }
      Self.appendData(to: output, data)
      output.append("\n")
    }
  }

  /// Sends an event of a text, which may have several lines.
  public func send(event: String? = nil, id: String? = nil, data: String) -> Bool {
    send(event: event, id: id) { $0.append(data) }
  }

  /// Sends a comment, which clients ignore. Control characters become spaces.
  public func sendComment(_ text: String = "") -> Bool {
    exchange.send { output in
      Self.append(":", text, to: output)
      output.append("\n")
    }
  }

  /// Says how long a client waits before it connects again, in milliseconds.
  public func sendRetry(milliseconds: Int) -> Bool {
    exchange.send { output in
      output.append("retry: ")
      output.append(decimal: max(0, milliseconds))
      output.append("\n\n")
    }
  }

  /// Ends the response.
  public func end() { exchange.endStream() }

  // MARK: Framing

  private static func append(_ name: StaticString, _ value: String, to output: ByteBuffer) {
    output.append(name)
    for byte in value.utf8 { output.append(byte < 0x20 ? 0x20 : byte) }
    output.append("\n")
  }

  /// Most data are one line, which is written where it stays.
  private static func appendData(to output: ByteBuffer, _ data: (ByteBuffer) -> Void) {
    output.append("data: ")
    let start = output.count
    data(output)
    precondition(output.count >= start, "data were written that removed what came before them")
    if hasLineEnd(UnsafeRawBufferPointer(rebasing: output.bytes[start...])) {
      let text = Array(output.bytes[start...])
      output.truncate(to: start)
      appendLines(of: text, to: output)
    }
    output.append("\n")
  }

  private static func hasLineEnd(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return false }
    return memchr(base, 0x0a, bytes.count) != nil || memchr(base, 0x0d, bytes.count) != nil
  }

  /// Clients put a LF between the lines of data, whichever line end was between them here.
  private static func appendLines(of text: [UInt8], to output: ByteBuffer) {
    var previous: UInt8 = 0
    for byte in text {
      switch byte {
      // Its CR has ended the line.
      case 0x0a where previous == 0x0d: break
      case 0x0a, 0x0d: output.append("\ndata: ")
      default: output.append(byte)
      }
      previous = byte
    }
  }
}
