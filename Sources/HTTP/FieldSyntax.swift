/// The character classes and comparisons of RFC 9110 section 5, over raw bytes.
enum FieldSyntax {
  /// Bits of the token characters below 128 (RFC 9110 section 5.6.2): "!#$%&'*+-.^_`|~", digits, letters.
  private static let tokenLow: UInt64 = 0x03ff_6cfa_0000_0000
  private static let tokenHigh: UInt64 = 0x57ff_ffff_c7ff_fffe

  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    let mask = byte < 64 ? tokenLow : tokenHigh
    return byte < 128 && (mask &>> UInt64(byte & 63)) & 1 == 1
  }

  /// Whether the bytes are exactly `text`.
  @inline(__always)
  static func equal(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count where bytes[index] != text.utf8Start[index] { return false }
    return true
  }
}
