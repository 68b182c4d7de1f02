import Glibc

/// The character classes and comparisons of RFC 9110 section 5, over raw bytes.
enum FieldSyntax {
  /// Bits of the token characters below 64 and from 64 to 127: letters, digits and "!#$%&'*+-.^_`|~"
  /// (RFC 9110 section 5.6.2).
  private static let tokenLow: UInt64 = 0x03ff_6cfa_0000_0000
  private static let tokenHigh: UInt64 = 0x57ff_ffff_c7ff_fffe

  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    // Most are letters.
    if (byte | 0x20) &- UInt8(ascii: "a") < 26 { return true }
    let mask = byte < 64 ? tokenLow : tokenHigh
    return byte < 128 && (mask &>> UInt64(byte & 63)) & 1 == 1
  }

  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  /// Whether a field value may hold this byte: visible ASCII, space, tab and anything from 128 on.
  @inline(__always)
  static func isValueByte(_ byte: UInt8) -> Bool {
    (byte >= 0x20 && byte != 0x7f) || byte == UInt8(ascii: "\t")
  }

  /// The first byte of `bytes` that a field value may not hold.
  ///
  /// Eight bytes a step: a byte below 0x20 or equal to 0x7f makes its top bit appear (a byte after a
  /// hit can appear wrongly, hence the second look).
  static func firstInvalidValueByte(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt8? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    var index = 0
    while index + 8 <= bytes.count {
      let word = UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped + index)
        .loadUnaligned(as: UInt64.self)
      let below = (word &- ones &* 0x20) & ~word & tops
      let delete = word ^ (ones &* 0x7f)
      let isDelete = (delete &- ones) & ~delete & tops
      if below | isDelete != 0 {
        for byte in bytes[index..<(index + 8)] where !isValueByte(byte) { return byte }
      }
      index += 8
    }
    while index < bytes.count {
      if !isValueByte(bytes[index]) { return bytes[index] }
      index += 1
    }
    return nil
  }

  @inline(__always)
  static func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }

  /// Whether the bytes are exactly `text`.
  @inline(__always)
  static func equal(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count where bytes[index] != text.utf8Start[index] { return false }
    return true
  }

  /// Whether the bytes are `text`, letters of either case being equal.
  @inline(__always)
  static func equalIgnoringCase(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count where lowercased(bytes[index]) != lowercased(text.utf8Start[index]) {
      return false
    }
    return true
  }

  /// Whether a token is the name `lower`, which has no capitals; letters of either case being equal.
  ///
  /// What setting a bit makes of a byte that is no letter is none of the bytes of `lower`, unless it was so before or
  /// no token holds it.
  @inline(__always)
  static func isName(_ token: UnsafeBufferPointer<UInt8>, _ lower: StaticString) -> Bool {
    let count = lower.utf8CodeUnitCount
    guard token.count == count, let base = token.baseAddress else { return false }
    let (given, name) = (UnsafeRawPointer(base), UnsafeRawPointer(lower.utf8Start))
    var index = 0
    while index &+ 8 <= count {
      let bytes = given.loadUnaligned(fromByteOffset: index, as: UInt64.self) | 0x2020_2020_2020_2020
      guard bytes == name.loadUnaligned(fromByteOffset: index, as: UInt64.self) else { return false }
      index &+= 8
    }
    while index < count {
      guard base[index] | 0x20 == lower.utf8Start[index] else { return false }
      index &+= 1
    }
    return true
  }

  /// Without the spaces and tabs at both ends.
  static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var start = 0
    var end = bytes.count
    while start < end, isBlank(bytes[start]) { start += 1 }
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return UnsafeBufferPointer(rebasing: bytes[start..<end])
  }

  /// Calls `body` with each trimmed, non-empty element of a comma-separated list, until it says false.
  static func forEachElement(
    _ list: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool
  ) {
    var start = 0
    while start <= list.count {
      var end = start
      while end < list.count, list[end] != UInt8(ascii: ",") { end += 1 }
      let element = trimmed(UnsafeBufferPointer(rebasing: list[start..<end]))
      if !element.isEmpty, !body(element) { return }
      start = end + 1
    }
  }

  /// Whether every byte may stand in `host[:port]` (RFC 3986 section 3.2.2), user information excluded.
  static func isAuthority(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    for byte in bytes {
      // "/" is not among them, but all other bytes from "." to ":" are, and letters.
      if byte &- UInt8(ascii: ".") <= 12, byte != UInt8(ascii: "/") { continue }
      if (byte | 0x20) &- UInt8(ascii: "a") < 26 { continue }
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        continue
      case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: ":"),
        UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "%"), UInt8(ascii: "!"), UInt8(ascii: "$"),
        UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"),
        UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
        continue
      default: return false
      }
    }
    return true
  }

  /// How a byte is named in an error message: the character if it is visible, else its number.
  static func describe(_ byte: UInt8) -> String {
    if byte > 0x20, byte < 0x7f { return "'\(Character(Unicode.Scalar(byte)))'" }
    let digits = String(byte, radix: 16)
    return "byte 0x" + (digits.count < 2 ? "0" : "") + digits
  }

  /// Text from a client, short enough and clean enough for an error message.
  static func excerpt(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    let clean = bytes.prefix(40).map { $0 >= 0x20 && $0 < 0x7f ? $0 : UInt8(ascii: "?") }
    return "\"" + String(decoding: clean, as: UTF8.self) + (bytes.count > 40 ? "…\"" : "\"")
  }
}
