import CZlib

/// Unpacks the bodies of one loop's requests, one at a time. zlib's state is made once and kept.
///
/// Confined to the loop's thread.
final class Inflater {
  /// Deflate data unpacks to 1,032 times its size at most.
  private static let greatestRatio = 1_032
  /// Stays in one place, since zlib's state points back to it.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var isOpen = false

  init() { stream.initialize(to: z_stream()) }

  deinit {
    if isOpen { inflateEnd(stream) }
    stream.deallocate()
  }

  /// Appends to `body` what `packed` holds, up to the limit of `body`, and stops as soon as there is more.
  ///
  /// gzip data may have several members (RFC 1952 section 2.2). Errors: 413 above the limit, 400 for data
  /// that is corrupt, cut off or followed by more, 503 without memory.
  func unpack(
    _ packed: UnsafeRawBufferPointer, _ coding: ContentCoding, into body: inout BodyReader,
    _ pool: BlockPool, _ limits: ConnectionLimits
  ) throws(ProtocolError) {
    try reset(Self.windowBits(coding, packed))
    let expected = Self.expectedCount(packed, coding, limit: body.limit)
    guard body.ensureCapacity(expected, pool) else { throw .noMemory }
    var rest = packed
    while true {
      let outcome = try step(&rest, coding, of: packed, into: &body, pool, limits)
      switch outcome {
      case .ended where rest.isEmpty: return
      case .ended:
        guard coding == .gzip else {
          throw Self.invalid(coding, "\(rest.count) bytes follow its end")
        }
        try reset(Self.windowBits(coding, rest))
      case .goesOn: continue
      }
    }
  }

  private enum Outcome { case goesOn, ended }

  private func step(
    _ rest: inout UnsafeRawBufferPointer, _ coding: ContentCoding, of packed: UnsafeRawBufferPointer,
    into body: inout BodyReader, _ pool: BlockPool, _ limits: ConnectionLimits
  ) throws(ProtocolError) -> Outcome {
    // At the limit there is room for one byte more, which must not come.
    var excess: UInt8 = 0
    let isFull = body.filled >= body.limit
    if !isFull, body.room(1).isEmpty {
      guard body.ensureCapacity(body.filled + 1, pool) else { throw .noMemory }
    }
    let (code, produced, roomLeft) = withUnsafeMutableBytes(of: &excess) { excess in
      inflate(&rest, into: isFull ? excess : body.room(body.limit - body.filled))
    }
    if isFull, produced > 0 { throw .unpackedTooLarge(coding, body.limit) }
    if !isFull { body.add(produced) }
    guard body.count(limits) else { throw .noMemory }
    switch code {
    case Z_STREAM_END: return .ended
    case Z_OK where !rest.isEmpty || roomLeft == 0: return .goesOn
    case Z_OK, Z_BUF_ERROR: throw Self.invalid(coding, "it is cut off after \(packed.count) bytes")
    case Z_MEM_ERROR: throw .noMemory
    case Z_NEED_DICT: throw Self.invalid(coding, "it needs a preset dictionary")
    default:
      let reason = stream.pointee.msg.map { String(cString: $0) } ?? "code \(code)"
      throw Self.invalid(coding, "\(reason) near byte \(packed.count - rest.count) of \(packed.count)")
    }
  }

  /// Calls zlib once; gives its code, the bytes it produced and the room it left.
  private func inflate(
    _ rest: inout UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) -> (code: Int32, produced: Int, roomLeft: Int) {
    let available = UInt32(clamping: rest.count)
    let roomCount = UInt32(clamping: room.count)
    // zlib does not write to its input.
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: rest.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = available
    stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = roomCount
    let code = CZlib.inflate(stream, Z_NO_FLUSH)
    rest = UnsafeRawBufferPointer(rebasing: rest[Int(available - stream.pointee.avail_in)...])
    let left = Int(stream.pointee.avail_out)
    stream.pointee.next_in = nil
    stream.pointee.next_out = nil
    return (code, Int(roomCount) - left, left)
  }

  private func reset(_ windowBits: Int32) throws(ProtocolError) {
    let code = isOpen ? inflateReset2(stream, windowBits) : swerve_inflate_init(stream, windowBits)
    guard code == Z_OK else { throw .noMemory }
    isOpen = true
  }

  /// zlib's word for the format: gzip, zlib or raw.
  ///
  /// Data in the zlib format begin with a header whose check is a multiple of 31 (RFC 1950 section 2.2). As
  /// raw data its first byte would begin a stored block with padding that no encoder writes.
  private static func windowBits(_ coding: ContentCoding, _ packed: UnsafeRawBufferPointer) -> Int32 {
    guard coding == .deflate else { return MAX_WBITS + 16 }
    guard packed.count >= 2 else { return MAX_WBITS }
    let isZlib = packed[0] & 0x8f == 0x08 && (Int(packed[0]) << 8 | Int(packed[1])) % 31 == 0
    return isZlib ? MAX_WBITS : -MAX_WBITS
  }

  /// A guess of the unpacked size: what the end of gzip data says (RFC 1952 section 2.3.1) if that can be
  /// true, else four times the packed size.
  private static func expectedCount(
    _ packed: UnsafeRawBufferPointer, _ coding: ContentCoding, limit: Int
  ) -> Int {
    var expected = packed.count.multipliedReportingOverflow(by: 4).partialValue
    if coding == .gzip, packed.count >= 18 {
      let word = packed.loadUnaligned(fromByteOffset: packed.count - 4, as: UInt32.self)
      let told = Int(UInt32(littleEndian: word))
      if told / greatestRatio <= packed.count { expected = told }
    }
    return min(max(expected, 1), limit)
  }

  private static func invalid(_ coding: ContentCoding, _ reason: String) -> ProtocolError {
    .bad("the body is not valid \(coding.name), which Content-Encoding says it is: \(reason)")
  }
}

extension ProtocolError {
  fileprivate static func unpackedTooLarge(_ coding: ContentCoding, _ limit: Int) -> ProtocolError {
    ProtocolError(
      status: 413,
      message: "the body, unpacked from \(coding.name), is larger than the limit of \(limit) bytes")
  }
}
