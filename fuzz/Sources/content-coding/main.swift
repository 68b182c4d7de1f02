import Bytes
import FuzzDriver
import Glibc

@testable import HTTP

/// What came of unpacking: the bytes, or the status of the refusal.
enum Unpacked: Equatable {
  case bytes([UInt8])
  case refused(Int)
}

/// The coders as a loop has them: used again and again, whatever came before.
struct Codings {
  let pool = BlockPool(keepLimit: 1 << 20)
  let limits = ConnectionLimits(ServerConfiguration(listeners: []))
  let inflater = Inflater()
  let deflater = Deflater(level: 1)

  func unpack(_ packed: UnsafeRawBufferPointer, _ coding: ContentCoding, limit: Int) -> Unpacked {
    var body = BodyReader()
    body.begin(.none, limit: limit, now: 0)
    defer { body.release(pool, limits) }
    do throws(ProtocolError) {
      try inflater.unpack(packed, coding, into: &body, pool, limits)
    } catch {
      precondition([400, 413, 503].contains(error.status) && !error.message.isEmpty)
      return .refused(error.status)
    }
    precondition(body.filled <= limit, "a body over its limit was let through")
    return .bytes(Array(UnsafeRawBufferPointer(start: body.block?.base, count: body.filled)))
  }

  /// What is let through must be the same under every limit that it fits, and refused under a smaller one.
  func checkLimits(_ packed: UnsafeRawBufferPointer, _ coding: ContentCoding, limit: Int) {
    guard case .bytes(let bytes) = unpack(packed, coding, limit: limit) else { return }
    precondition(unpack(packed, coding, limit: bytes.count) == .bytes(bytes), "the limit changes the bytes")
    if !bytes.isEmpty {
      precondition(
        unpack(packed, coding, limit: bytes.count - 1) == .refused(413), "over the limit, and taken")
    }
  }

  /// What the server packs, it unpacks to the same.
  func checkRoundTrip(_ content: UnsafeRawBufferPointer, _ coding: ContentCoding) {
    let packed = ByteBuffer()
    guard deflater.pack(content, coding, to: packed) else { return }
    precondition(packed.count < content.count, "packed, and no smaller")
    precondition(unpack(packed.bytes, coding, limit: content.count) == .bytes(Array(content)), "other bytes")
  }
}

/// The first byte chooses the coding, the second the limit; the rest is the packed body, and as content.
func run() -> CInt {
  let codings = Codings()
  return fuzz { input in
    guard input.count >= 2 else { return }
    let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[2...])
    let coding: ContentCoding = input[0] & 1 == 0 ? .gzip : .deflate
    codings.checkLimits(rest, coding, limit: 1 << (Int(input[1]) % 20))
    codings.checkRoundTrip(rest, coding)
  }
}

exit(run())
