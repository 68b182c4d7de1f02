import Bytes

/// Writes bytes as a JSON string.
struct StringWriter {
  private let buffer: ByteBuffer
  /// The most that one byte of the string can become: `\u00XX`.
  private static let growth = 6
  private static let pieceLength = 4096

  init(_ buffer: ByteBuffer) { self.buffer = buffer }

  /// Quotes and escapes `bytes`; each maximal part of them that is not UTF-8 becomes U+FFFD.
  func write(_ bytes: UnsafeRawBufferPointer) {
    buffer.append(UInt8(ascii: "\""))
    if let base = bytes.baseAddress {
      var source = base.assumingMemoryBound(to: UInt8.self)
      let end = source + bytes.count
      while source < end { writePiece(&source, end) }
    }
    buffer.append(UInt8(ascii: "\""))
  }

  /// Writes some thousand bytes, so that room for the worst case need not be had for all of them.
  private func writePiece(_ source: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    let pieceEnd = source + min(end - source, StringWriter.pieceLength)
    // The last sequence may reach three bytes beyond the piece, and plain bytes are stored by eight.
    let start = buffer.reserve(StringWriter.growth * (pieceEnd - source) + 8)
    var target = start
    while source < pieceEnd {
      copyPlain(&source, pieceEnd, &target)
      guard source < pieceEnd else { break }
      let byte = source.pointee
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        target += escape(byte, to: target)
        source += 1
      } else if byte < 0x80 {
        target.pointee = byte
        source += 1
        target += 1
      } else {
        copyMultibyte(&source, end, &target)
      }
    }
    buffer.advance(by: target - start)
  }

  /// Copies, eight a step, bytes that stand for themselves.
  @inline(__always)
  private func copyPlain(
    _ source: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>,
    _ target: inout UnsafeMutablePointer<UInt8>
  ) {
    while end - source >= 8 {
      let word = UnsafeRawPointer(source).loadUnaligned(as: UInt64.self)
      let special = StringScanner.specialLanes(UInt64(littleEndian: word))
      // All eight go over; those from the first special one on are written again.
      UnsafeMutableRawPointer(target).storeBytes(of: word, as: UInt64.self)
      let plain = special.trailingZeroBitCount >> 3
      source += plain
      target += plain
      guard plain == 8 else { return }
    }
  }

  private func copyMultibyte(
    _ source: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>,
    _ target: inout UnsafeMutablePointer<UInt8>
  ) {
    let length = UTF8Sequence.length(at: source, end)
    guard length > 0 else {
      target += UTF8Sequence.write(0xfffd, to: target)
      source += UTF8Sequence.faultLength(at: source, end)
      return
    }
    target.update(from: source, count: length)
    source += length
    target += length
  }

  private func escape(_ byte: UInt8, to target: UnsafeMutablePointer<UInt8>) -> Int {
    target[0] = UInt8(ascii: "\\")
    switch byte {
    case 0x08: target[1] = UInt8(ascii: "b")
    case 0x0c: target[1] = UInt8(ascii: "f")
    case 0x0a: target[1] = UInt8(ascii: "n")
    case 0x0d: target[1] = UInt8(ascii: "r")
    case 0x09: target[1] = UInt8(ascii: "t")
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): target[1] = byte
    default: return escapeHexadecimal(byte, to: target)
    }
    return 2
  }

  private func escapeHexadecimal(_ byte: UInt8, to target: UnsafeMutablePointer<UInt8>) -> Int {
    target[1] = UInt8(ascii: "u")
    target[2] = UInt8(ascii: "0")
    target[3] = UInt8(ascii: "0")
    target[4] = UInt8(ascii: "0") + byte >> 4
    let low = byte & 0xf
    target[5] = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
    return 6
  }
}

extension UTF8Sequence {
  /// The length of what one U+FFFD stands for at a place where no valid sequence is: the longest
  /// beginning of one, or a single byte (Unicode 15, section 3.9, "maximal subpart").
  static func faultLength(at position: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
    let second: ClosedRange<UInt8>
    let wanted: Int
    switch position.pointee {
    case 0xe0: (second, wanted) = (0xa0...0xbf, 3)
    case 0xed: (second, wanted) = (0x80...0x9f, 3)
    case 0xe1...0xef: (second, wanted) = (0x80...0xbf, 3)
    case 0xf0: (second, wanted) = (0x90...0xbf, 4)
    case 0xf1...0xf3: (second, wanted) = (0x80...0xbf, 4)
    case 0xf4: (second, wanted) = (0x80...0x8f, 4)
    default: return 1
    }
    guard end - position >= 2, second.contains(position[1]) else { return 1 }
    return wanted == 4 && end - position >= 3 && position[2] & 0xc0 == 0x80 ? 3 : 2
  }
}
