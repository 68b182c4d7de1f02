import Glibc

/// Cuts lines that end in CR LF out of bytes that arrive in pieces (RFC 9112 section 2.2).
///
/// A bare LF and a CR elsewhere than before LF are refused: recipients that disagree on where a line
/// ends can be made to disagree on where a request ends.
struct LineScanner: Equatable {
  /// Where the current line starts.
  private(set) var lineStart = 0
  /// Up to where there is no LF.
  private var scanned = 0

  /// The offset of the LF that ends the current line; nil if it has not come yet.
  mutating func findEnd(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard scanned < bytes.count, let base = bytes.baseAddress else { return nil }
    guard let found = memchr(base + scanned, 0x0a, bytes.count - scanned) else {
      scanned = bytes.count
      return nil
    }
    scanned = UnsafeRawPointer(found) - UnsafeRawPointer(base)
    return scanned
  }

  /// Takes the line that ends in the LF at `end`: its bytes without CR LF.
  mutating func takeLine(
    _ bytes: UnsafeBufferPointer<UInt8>, endingAt end: Int
  ) throws(ProtocolError) -> Range<Int> {
    let start = lineStart
    guard end > start, bytes[end - 1] == 0x0d else {
      throw .bad("a line ends in a bare LF; end every line with CR LF")
    }
    if end - 1 > start, let base = bytes.baseAddress, memchr(base + start, 0x0d, end - 1 - start) != nil {
      throw .bad("a line holds a bare CR; send CR only before LF at the end of a line")
    }
    lineStart = end + 1
    scanned = lineStart
    return start..<(end - 1)
  }

  /// Moves on to `offset`, where the next line starts.
  mutating func skip(to offset: Int) {
    lineStart = offset
    scanned = offset
  }
}
