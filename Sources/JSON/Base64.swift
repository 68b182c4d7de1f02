/// Base64 of RFC 4648 section 4: the standard alphabet; padding may be left out.
enum Base64 {
  /// Decodes `count` characters at `text` in place and returns the number of bytes; nil when a
  /// character is foreign, the padding is wrong or bits are left over.
  static func decodeInPlace(_ text: UnsafeMutablePointer<UInt8>, count: Int) -> Int? {
    guard let length = unpaddedLength(text, count), length % 4 != 1 else { return nil }
    var bits: UInt32 = 0
    var bitCount = 0
    var written = 0
    for index in 0..<length {
      guard let value = value(of: text[index]) else { return nil }
      bits = bits << 6 | value
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        text[written] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
        written += 1
        bits &= 1 << UInt32(bitCount) - 1
      }
    }
    return bits == 0 ? written : nil
  }

  /// The bytes that `text` stands for; nil as above.
  static func decode(_ text: String) -> [UInt8]? {
    var bytes = Array(text.utf8)
    let count = bytes.withUnsafeMutableBufferPointer { bytes in
      bytes.baseAddress.map { decodeInPlace($0, count: bytes.count) } ?? 0
    }
    guard let count else { return nil }
    bytes.removeSubrange(count...)
    return bytes
  }

  private static func unpaddedLength(_ text: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int? {
    var length = count
    while length > 0, count - length < 2, text[length - 1] == UInt8(ascii: "=") { length -= 1 }
    return length == count || count % 4 == 0 ? length : nil
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
