import Bytes

extension Connection {
  // MARK: Requests

  /// Puts the unpacked body in place of the one that came; returns why not.
  func unpackBody(of exchange: Exchange) -> ProtocolError? {
    guard exchange.contentCoding != .identity else { return nil }
    var unpacked = BodyReader()
    unpacked.begin(.none, limit: body.limit, now: loop.now)
    do throws(ProtocolError) {
      try loop.inflater.unpack(
        UnsafeRawBufferPointer(exchange.body), exchange.contentCoding, into: &unpacked, loop.blocks,
        context.limits)
    } catch {
      unpacked.release(loop.blocks, context.limits)
      return error
    }
    exchange.body = body.replaceBlock(with: &unpacked, loop.blocks, context.limits)
    return nil
  }

  // MARK: Responses

  /// Whether responses to this request depend on `Accept-Encoding` in a way that a cache has to know.
  func variesByEncoding(_ exchange: Exchange, _ contentType: StaticString) -> Bool {
    context.configuration.compressMinBytes != nil && (exchange.method == .get || exchange.method == .head)
      && Compressible.isCompressible(contentType)
  }

  /// Has `pieces` sent from where they lie, and returns their bytes; or appends them to `output` and returns 0, if
  /// they are few, not to be sent, or to be packed.
  func leave(
    _ pieces: [ResponsePiece], of exchange: Exchange, after output: ByteBuffer, contentType: StaticString
  ) -> Int {
    guard !pieces.isEmpty else { return 0 }
    let count = pieces.reduce(0) { $0 + $1.bytes.count }
    if count >= ResponseTail.least, exchange.method != .head, !acceptsPacked(exchange, contentType) {
      tail.set(pieces)
      return count
    }
    for piece in pieces { output.append(piece.bytes) }
    return 0
  }

  private func acceptsPacked(_ exchange: Exchange, _ contentType: StaticString) -> Bool {
    guard context.configuration.compressMinBytes != nil, Compressible.isCompressible(contentType),
      let base = requestBase
    else { return false }
    return AcceptEncoding(exchange.parser.head, base).choice != .identity
  }

  /// Packs the body that ends `output` if the client asks for that and it is worth it. Then everything from
  /// `lengthField` on, where the last field of the head begins, is written anew; otherwise nothing changes.
  func packBody(
    of exchange: Exchange, _ output: ByteBuffer, contentType: StaticString, headers: [(StaticString, String)],
    lengthField: Int, bodyStart: Int
  ) -> Bool {
    guard let minimum = context.configuration.compressMinBytes, output.count - bodyStart >= max(minimum, 1),
      let base = requestBase, Compressible.isCompressible(contentType),
      !headers.contains(where: { Compressible.isContentEncoding($0.0) })
    else { return false }
    let coding = AcceptEncoding(exchange.parser.head, base).choice
    guard coding != .identity else { return false }
    let packed = loop.outputs.take()
    defer { loop.outputs.give(packed) }
    let content = UnsafeRawBufferPointer(rebasing: output.bytes[bodyStart...])
    guard loop.deflater.pack(content, coding, to: packed) else { return false }
    output.truncate(to: lengthField)
    ResponseHead.appendField(output, "Content-Encoding", coding.name)
    if !variesByEncoding(exchange, contentType) { output.append("Vary: Accept-Encoding\r\n") }
    output.append("Content-Length: ")
    output.append(decimal: packed.count)
    output.append("\r\n\r\n")
    if exchange.method != .head { output.append(packed.bytes) }
    return true
  }
}

/// Which content may become smaller when it is packed.
enum Compressible {
  private static let types: [StaticString] = [
    "application/json", "application/yaml", "application/javascript", "application/xml",
    // The bytes of tensors; `Deflater` gives up on those that do not shrink.
    "application/octet-stream",
  ]

  /// - Parameter contentType: a media type, with parameters or without.
  static func isCompressible(_ contentType: StaticString) -> Bool {
    let text = UnsafeBufferPointer(start: contentType.utf8Start, count: contentType.utf8CodeUnitCount)
    let end = text.firstIndex(of: UInt8(ascii: ";")) ?? text.count
    let type = FieldSyntax.trimmed(UnsafeBufferPointer(rebasing: text[..<end]))
    if type.count > 5, FieldSyntax.equalIgnoringCase(.init(rebasing: type[..<5]), "text/") { return true }
    if type.count > 5, FieldSyntax.equalIgnoringCase(.init(rebasing: type.suffix(5)), "+json") { return true }
    if type.count > 4, FieldSyntax.equalIgnoringCase(.init(rebasing: type.suffix(4)), "+xml") { return true }
    return types.contains { FieldSyntax.equalIgnoringCase(type, $0) }
  }

  static func isContentEncoding(_ name: StaticString) -> Bool {
    FieldSyntax.equalIgnoringCase(
      UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), "content-encoding")
  }
}
