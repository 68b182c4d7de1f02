public import Bytes
import Telemetry

extension Exchange {
  /// Answers the request: status line and headers are written first, then `body` writes straight
  /// into the connection's output buffer; Content-Length is patched in after. Exactly once.
  ///
  /// Server, Date, Content-Length and Connection are written by the server. It packs the body if the client
  /// asks for that (`ServerConfiguration.compressMinBytes`), unless `headers` have a Content-Encoding. A value of `headers` cannot
  /// begin another header: control characters in it become spaces. A HEAD request gets the headers alone.
  /// If the client has left, nothing is written and `body` is not called. Answering twice stops a debug
  /// build, and is logged and ignored in a release build.
  ///
  /// - Parameter pieces: what follows `body`. They are sent from where they lie if that saves something.
  public func respond(
    status: Int, contentType: StaticString = "application/json", headers: [(StaticString, String)] = [],
    pieces: [ResponsePiece] = [], body: (ByteBuffer) -> Void
  ) {
    guard let connection = connectionToAnswer(.waiting) else { return }
    if connection.isClosed { return connection.finishClosed(self) }
    let output = connection.outputForWriting()
    let start = output.count
    var tailBytes = 0
    connection.writeHead(output, status: status, contentType: contentType, headers: headers, of: self)
    if ResponseHead.isBodiless(status) {
      output.append("\r\n")
    } else {
      if connection.variesByEncoding(self, contentType) { output.append("Vary: Accept-Encoding\r\n") }
      let timePlace = tellsBodyTime ? ResponseHead.reserveBodyTime(output) : nil
      let lengthField = output.count
      let lengthPlace = ResponseHead.reserveLength(output)
      output.append("\r\n")
      let bodyStart = output.count
      let begin = timePlace == nil ? 0 : connection.context.clock.now()
      body(output)
      if let timePlace {
        ResponseHead.patchBodyTime(output, at: timePlace, nanoseconds: connection.context.clock.now() - begin)
      }
      precondition(output.count >= bodyStart, "a body was written that removed the head of its response")
      tailBytes = connection.leave(pieces, of: self, after: output, contentType: contentType)
      let length = output.count - bodyStart + tailBytes
      let isPacked =
        tailBytes == 0
        && connection.packBody(
          of: self, output, contentType: contentType, headers: headers, lengthField: lengthField,
          bodyStart: bodyStart)
      if !isPacked {
        if method == .head { output.truncate(to: bodyStart) }
        ResponseHead.patchLength(output, at: lengthPlace, length: length, bodyStart: bodyStart)
      }
    }
    connection.finishAnswer(self, status: status, responseBytes: output.count - start + tailBytes)
  }

  /// Begins a chunked response; `send` and `endStream` follow. A client of HTTP/1.0 gets the bytes without
  /// chunks, up to the close of the connection.
  public func beginStream(status: Int, contentType: StaticString, headers: [(StaticString, String)] = []) {
    guard let connection = connectionToAnswer(.waiting) else { return }
    state = .streaming
    if connection.isClosed { return }
    connection.beginStream(self, status: status, contentType: contentType, headers: headers)
  }

  /// Sends a chunk. False when the chunk was not taken, and `body` not called, because the client has gone
  /// (`isAbandoned`) or because the backlog is over its limit: then `onDrained` is called when there is
  /// room.
  public func send(_ body: (ByteBuffer) -> Void) -> Bool {
    guard state == .streaming, let connection, !connection.isClosed else { return false }
    return connection.sendChunk(self, body)
  }

  /// Ends the response that `beginStream` began.
  public func endStream() {
    guard let connection = connectionToAnswer(.streaming) else { return }
    if connection.isClosed { return connection.finishClosed(self) }
    connection.endStream(self)
  }

  /// The bytes of this connection's output that the client has not taken yet.
  public var backlog: Int { connection?.backlog ?? 0 }

  /// The connection, if the exchange is in the state that the call is for.
  private func connectionToAnswer(_ expected: State) -> Connection? {
    assert(loop.isCurrent, "an exchange is answered on its loop only: use loop.run")
    guard state == expected, let connection else {
      assertionFailure("expected an exchange that is \(expected), it is \(state): answer it once")
      loop.context.events.log?(.error, "a handler answered an exchange that is \(state); ignored", [])
      return nil
    }
    return connection
  }
}
