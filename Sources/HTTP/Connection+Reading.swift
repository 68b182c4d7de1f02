import Bytes
import Glibc

extension Connection {
  /// Chunks at least this long are read straight into the body, in bytes.
  private static let directChunk = 16_384

  // MARK: Room for what is read

  /// Where the next bytes from the socket go; nil, and the connection refused, if there is no memory.
  func roomToReceive() -> UnsafeMutableRawBufferPointer? {
    let direct = directRoom()
    readsDirectly = direct.count > 0
    if readsDirectly { return direct }
    if phase == .lingering { input.consume(input.count) }
    guard input.ensureRoom(1, loop.blocks) else {
      outOfMemory()
      return nil
    }
    return input.room
  }

  private func directRoom() -> UnsafeMutableRawBufferPointer {
    guard phase == .body else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    switch body.form {
    case .whole(let length): return body.room(length - body.filled)
    case .chunked(let decoder):
      guard decoder.pendingContent >= Self.directChunk, bufferedBody == 0 else { break }
      let wanted = min(decoder.pendingContent, max(body.filled, Self.directChunk))
      guard body.ensureCapacity(body.filled + wanted, loop.blocks) else { break }
      return body.room(wanted)
    case .none, .inline: break
    }
    return UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  /// Bytes behind the head that the body's framing has not taken yet.
  private var bufferedBody: Int { input.count - (exchange?.parser.head.byteCount ?? 0) }

  /// Counts what was read into the room that `roomToReceive` gave.
  func received(_ count: Int) {
    if phase == .body { body.countReceived(count) }
    guard readsDirectly else {
      input.add(count)
      isHeadIncomplete = false
      return
    }
    body.add(count)
    if case .chunked(var decoder) = body.form {
      decoder.took(count)
      body.form = .chunked(decoder)
    }
  }

  /// An idle connection keeps no memory.
  func releaseIdleInput() {
    if phase == .head, exchange == nil, input.count == 0 { input.release(loop.blocks) }
  }

  func releaseMemory() {
    input.release(loop.blocks)
    body.release(loop.blocks, context.limits)
  }

  // MARK: The head

  /// Parses what is here; true if that led on, false if more must be read.
  func readHead() -> Bool {
    guard input.count > 0, !isHeadIncomplete else {
      releaseIdleInput()
      return false
    }
    let exchange = self.exchange ?? beginExchange()
    do throws(ProtocolError) {
      guard try exchange.parser.parse(input.bytes, limits: context.headLimits) else {
        isHeadIncomplete = true
        return false
      }
      readDeadline = .max
      try beginBody(exchange)
    } catch {
      refuse(error)
    }
    return true
  }

  private func beginExchange() -> Exchange {
    let fresh = loop.takeExchange()
    fresh.begin(on: self, startedAt: loop.now)
    exchange = fresh
    setReadDeadline(after: context.configuration.headTime)
    return fresh
  }

  // MARK: The body

  private func beginBody(_ exchange: Exchange) throws(ProtocolError) {
    let length = exchange.parser.head.contentLength ?? 0
    let headBytes = exchange.parser.head.byteCount
    let isChunked = exchange.parser.head.isChunked
    if isChunked || length > 0, let base = requestBase {
      do throws(UnsupportedCoding) {
        exchange.contentCoding = try .ofRequest(exchange.parser.head, base)
      } catch {
        return refuse(error)
      }
    }
    // What is to be unpacked is admitted first, since that takes time and memory.
    if !isChunked, exchange.contentCoding == .identity, length <= input.count - headBytes,
      length <= context.configuration.bodyBytes
    {
      body.begin(.inline(length: length), limit: length, now: loop.now)
      handOver(exchange)
      return
    }
    guard let (limit, alignedAt, memory) = try admission(of: exchange) else { return }
    guard length <= limit else { throw .bodyTooLarge(limit) }
    phase = .body
    if isChunked {
      body.begin(.chunked(ChunkedDecoder()), limit: limit, now: loop.now)
    } else if headBytes + length <= max(input.capacity, BlockPool.smallest) {
      guard input.ensureRoom(headBytes + length - input.count, loop.blocks) else { throw .noMemory }
      body.begin(.inline(length: length), limit: limit, now: loop.now)
    } else {
      body.begin(.whole(length: length), limit: limit, now: loop.now, alignedAt: alignedAt)
      if exchange.contentCoding == .identity, let adopted = memory?(body.memoryBytes(for: length)) {
        body.adopt(adopted)
      }
      try takeEarlyBody(headBytes, length)
    }
    body.countReceived(input.count - headBytes)
    readDeadline = body.deadline(context.configuration)
    loop.note(deadline: readDeadline)
    if exchange.parser.head.expectsContinue, input.count == headBytes { sendContinue() }
  }

  /// A body that gets a block of its own: what came with the head moves there.
  private func takeEarlyBody(_ headBytes: Int, _ length: Int) throws(ProtocolError) {
    guard body.ensureCapacity(length, loop.blocks) else { throw .noMemory }
    let early = min(input.count - headBytes, length)
    if early > 0, let base = input.base, let target = body.room(early).baseAddress {
      memcpy(target, base + headBytes, early)
      body.add(early)
      input.remove(from: headBytes, to: headBytes + early)
    }
  }

  /// Asks the handler; nil if it refused, and the refusal is written.
  private func admission(
    of exchange: Exchange
  ) throws(ProtocolError) -> (limit: Int, alignedAt: Int, memory: BodyMemorySource?)? {
    switch context.handler.admit(exchange) {
    case .admit: return (context.configuration.bodyBytes, 0, nil)
    case .admitAligned(let offset, let memory): return (context.configuration.bodyBytes, offset, memory)
    case .admitBody(let limit): return (limit, 0, nil)
    case .refuse(let refusal):
      refuse(refusal)
      return nil
    }
  }

  private func sendContinue() {
    outputForWriting().append("HTTP/1.1 100 Continue\r\n\r\n")
  }

  /// Looks whether the body is whole; true if that led on, false if more must be read.
  func readBody() -> Bool {
    guard let exchange else { return false }
    do throws(ProtocolError) {
      guard try isBodyWhole(exchange.parser.head.byteCount) else { return false }
      readDeadline = .max
      handOver(exchange)
    } catch {
      refuse(error)
    }
    return true
  }

  private func isBodyWhole(_ headBytes: Int) throws(ProtocolError) -> Bool {
    guard body.count(context.limits) else { throw .noMemory }
    switch body.form {
    case .none: return true
    case .inline(let length): return input.count - headBytes >= length
    case .whole(let length): return body.filled == length
    case .chunked(var decoder):
      defer { body.form = .chunked(decoder) }
      return try decodeChunks(&decoder, headBytes)
    }
  }

  /// Takes what is buffered behind the head; true at the end of the body.
  private func decodeChunks(
    _ decoder: inout ChunkedDecoder, _ headBytes: Int
  ) throws(ProtocolError) -> Bool {
    let limits = context.configuration.chunkLimits(bodyBytes: body.limit)
    var position = headBytes
    defer { input.remove(from: headBytes, to: position) }
    while true {
      switch try decoder.next(input.bytes, &position, limits) {
      case .finished: return true
      case .needsMore: return false
      case .content(let announced):
        let count = min(announced, input.count - position)
        guard count > 0 else { return false }
        guard body.ensureCapacity(body.filled + count, loop.blocks) else { throw .noMemory }
        if let base = input.base, let target = body.room(count).baseAddress {
          memcpy(target, base + position, count)
        }
        body.add(count)
        decoder.took(count)
        position += count
      }
    }
  }

  // MARK: The hand-over

  private func handOver(_ exchange: Exchange) {
    exchange.body = bodyBytes(exchange)
    exchange.state = .waiting
    phase = .handling
    closesAfter = !exchange.parser.head.keepsAlive
    loop.requestsInFlight += 1
    guard loop.requestsInFlight <= loop.limitOfRequests || context.handler.isUrgent(exchange) else {
      return refuseBusy(exchange)
    }
    if peerClosed { setReadDeadline(after: context.configuration.halfCloseTime) }
    if let fields = context.crossOrigin?.preflightFields(exchange) {
      return exchange.respond(status: 204, headers: fields) { _ in }
    }
    if exchange.contentCoding != .identity { loop.flushUnsent() }
    if let error = unpackBody(of: exchange) {
      return exchange.respond(status: error.status) { $0.append(ErrorDocument.json(error.message)) }
    }
    if !isSmall(exchange) { loop.flushUnsent() }
    context.handler.handle(exchange)
  }

  /// Whether it is likely to be answered soon. What takes the loop longer, a large tensor in text or a document of
  /// all models, must not keep the answers to others.
  private func isSmall(_ exchange: Exchange) -> Bool {
    exchange.contentCoding == .identity && (1...FlushList.mostBytes).contains(exchange.body.count)
  }

  private func bodyBytes(_ exchange: Exchange) -> UnsafeMutableRawBufferPointer {
    if body.block != nil { return body.stored }
    guard case .inline(let length) = body.form, length > 0, let base = input.base else {
      return .init(start: nil, count: 0)
    }
    return .init(start: base + exchange.parser.head.byteCount, count: length)
  }

  private func refuseBusy(_ exchange: Exchange) {
    context.events.requestTooMany?()
    exchange.respond(status: 503, headers: [("Retry-After", "1")]) { output in
      output.append(ErrorDocument.json("the server has too many requests in flight; try again later"))
    }
  }

  /// The request is answered: what it took is free, and the next may begin.
  func endRequest() {
    guard let exchange else { return }
    let headBytes = exchange.parser.head.byteCount
    if case .inline(let length) = body.form {
      input.consume(headBytes + length)
    } else {
      input.consume(headBytes)
    }
    body.release(loop.blocks, context.limits)
    recycle(exchange)
    isHeadIncomplete = false
    countRequest()
  }
}

extension ProtocolError {
  static let noMemory = ProtocolError(
    status: 503,
    message: "the server has no memory for the body of this request at the moment; try again later")
}
