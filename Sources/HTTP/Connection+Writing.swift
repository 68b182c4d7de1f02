import Bytes
import Telemetry

extension Connection {
  /// The digits of a chunk's size, as many for all: it is known only after the chunk.
  private static let chunkDigits = 8

  /// Where answers go; comes from the loop for as long as something is unwritten.
  func outputForWriting() -> ByteBuffer {
    if let output { return output }
    let fresh = loop.outputs.take()
    output = fresh
    return fresh
  }

  // MARK: Whole answers

  /// Appends the status line and all fields but the length.
  func writeHead(
    _ output: ByteBuffer, status: Int, contentType: StaticString, headers: [(StaticString, String)],
    of exchange: Exchange
  ) {
    if loop.isDraining { closesAfter = true }
    loop.responseHead.begin(output, status: status, contentType: contentType)
    for (name, value) in headers { ResponseHead.appendField(output, name, value) }
    context.crossOrigin?.appendFields(output, for: exchange)
    if closesAfter {
      output.append("Connection: close\r\n")
    } else if !exchange.parser.head.isVersion11 {
      output.append("Connection: keep-alive\r\n")
    }
  }

  /// The answer is in the output buffer.
  func finishAnswer(_ exchange: Exchange, status: Int, responseBytes: Int) {
    tellAnswered(exchange, status: status, responseBytes: responseBytes)
    loop.requestsInFlight -= 1
    endRequest()
    // A stream that began earlier did not say so.
    if loop.isStopping { closesAfter = true }
    phase = closesAfter ? .flushing : .head
    if !closesAfter { setReadDeadline(after: context.configuration.idleTime) }
    drive()
  }

  private func tellAnswered(_ exchange: Exchange, status: Int, responseBytes: Int) {
    context.events.answered?(
      .init(
        method: exchange.method, status: status, requestBytes: exchange.body.count,
        responseBytes: responseBytes, startedAt: exchange.startedAt), exchange)
  }

  /// The answer to a client that has left.
  func finishClosed(_ exchange: Exchange) {
    releaseMemory()
    recycle(exchange)
  }

  // MARK: Refusals

  /// Answers what the protocol does not allow, and closes.
  func refuse(_ error: ProtocolError) {
    tellRefused(error.status, error.message)
    write(Refusal(status: error.status, message: error.message))
  }

  /// Answers a request whose coding cannot be undone, and closes.
  func refuse(_ coding: UnsupportedCoding) {
    tellRefused(coding.refusal.status, coding.message)
    write(coding.refusal)
  }

  /// Answers what the handler refused before its body was read, and closes.
  func refuse(_ refusal: Refusal) {
    write(refusal) { exchange, byteCount in
      tellAnswered(exchange, status: refusal.status, responseBytes: byteCount)
    }
  }

  private func tellRefused(_ status: Int, _ message: String) {
    context.events.requestRefused?(
      .init(status: status, message: message, remoteAddress: address.text))
  }

  /// Answers without a handler, and closes. The rest of the request is dropped.
  private func write(_ refusal: Refusal, then tell: (Exchange, Int) -> Void = { _, _ in }) {
    guard let exchange else { return close() }
    let output = outputForWriting()
    let start = output.count
    closesAfter = true
    mustLinger = true
    writeHead(
      output, status: refusal.status, contentType: refusal.contentType, headers: refusal.headers, of: exchange
    )
    output.append("Content-Length: ")
    output.append(decimal: refusal.body.utf8.count)
    output.append("\r\n\r\n")
    if exchange.method != .head { output.append(refusal.body) }
    tell(exchange, output.count - start)
    recycle(exchange)
    releaseMemory()
    readDeadline = .max
    phase = .flushing
  }

  func outOfMemory() {
    context.events.log?(.error, "no memory to read from a connection; it is closed", [])
    close()
  }

  // MARK: Streams

  func beginStream(
    _ exchange: Exchange, status: Int, contentType: StaticString, headers: [(StaticString, String)]
  ) {
    if !exchange.parser.head.isVersion11 { closesAfter = true }
    let output = outputForWriting()
    let start = output.count
    writeHead(output, status: status, contentType: contentType, headers: headers, of: exchange)
    if exchange.parser.head.isVersion11 { output.append("Transfer-Encoding: chunked\r\n") }
    output.append("\r\n")
    stream = StreamState(status: status, bytes: output.count - start)
    flush()
  }

  /// Appends a chunk if there is room; an empty one, which would end the body, is left out.
  func sendChunk(_ exchange: Exchange, _ body: (ByteBuffer) -> Void) -> Bool {
    guard backlog <= context.configuration.backlogBytes else {
      stream.isHeldBack = true
      return false
    }
    guard exchange.method != .head else { return true }
    let output = outputForWriting()
    let start = output.count
    let isChunked = exchange.parser.head.isVersion11
    if isChunked { output.append("00000000\r\n") }
    let contentStart = output.count
    body(output)
    precondition(output.count >= contentStart, "a chunk was written that removed what came before it")
    let length = output.count - contentStart
    guard length > 0 else {
      output.truncate(to: start)
      return true
    }
    if isChunked {
      precondition(length <= UInt32.max, "a chunk of a stream has 4 GiB at most")
      Self.patchChunkSize(output, at: start, length)
      output.append("\r\n")
    }
    stream.bytes += output.count - start
    flush()
    return !isClosed
  }

  private static func patchChunkSize(_ output: ByteBuffer, at place: Int, _ length: Int) {
    var rest = length
    for digit in (0..<chunkDigits).reversed() {
      let value = UInt8(truncatingIfNeeded: rest & 15)
      output.base[place + digit] = value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a")
      rest >>= 4
    }
  }

  func endStream(_ exchange: Exchange) {
    if exchange.parser.head.isVersion11, exchange.method != .head {
      outputForWriting().append("0\r\n\r\n")
      stream.bytes += 5
    }
    finishAnswer(exchange, status: stream.status, responseBytes: stream.bytes)
  }

  // MARK: The socket

  /// Writes as much as the socket takes.
  func flush() {
    guard let output, phase != .closed else { return }
    while let bytes = unsent(output) {
      switch transport.write(bytes.baseAddress.unsafelyUnwrapped, count: bytes.count) {
      case .moved(let count):
        if sent < output.count { sent += count } else { tail.advance(by: count) }
        if writeDeadline != .max { extendWriteDeadline(count) }
      case .wouldBlock, .awaitsWritable:
        if writeDeadline == .max { beginWriteDeadline() }
        compact(output)
        return
      case .ended, .failed:
        leave()
        return
      }
    }
    writeDeadline = .max
    sent = 0
    self.output = nil
    loop.outputs.give(output)
  }

  /// What goes out next; nil if all is sent.
  private func unsent(_ output: ByteBuffer) -> UnsafeRawBufferPointer? {
    sent < output.count ? UnsafeRawBufferPointer(rebasing: output.bytes[sent...]) : tail.next
  }

  /// Moves what is unwritten to the front once that is the smaller part, so that a stream's buffer does
  /// not grow with all that was ever sent.
  private func compact(_ output: ByteBuffer) {
    guard sent > output.count / 2 else { return }
    output.removeFirst(sent)
    sent = 0
  }
}

/// A streamed answer as it goes.
struct StreamState {
  var status = 0
  /// Bytes of the answer so far, head and framing included.
  var bytes = 0
  /// A chunk was refused, and the handler waits to be told that there is room.
  var isHeldBack = false
}
