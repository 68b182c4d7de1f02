/// Why a string could not be read, and where.
struct StringFault: Error {
  let message: StaticString
  /// Bytes from the fault to the end of the text.
  let remaining: Int
}

/// A string literal that was found valid; its quotes are not part of `contents`.
struct StringLiteral {
  let contents: UnsafeBufferPointer<UInt8>
  let hasEscapes: Bool

  /// Writes the string at `destination`, which has room for `contents.count` bytes, and returns its
  /// length: an escape is never shorter than what it stands for.
  func decode(to destination: UnsafeMutablePointer<UInt8>) -> Int {
    guard let source = contents.baseAddress, !contents.isEmpty else { return 0 }
    guard hasEscapes else {
      destination.update(from: source, count: contents.count)
      return contents.count
    }
    return StringScanner.unescape(contents, to: destination)
  }

  var string: String {
    guard hasEscapes else { return String(decoding: contents, as: UTF8.self) }
    return String(unsafeUninitializedCapacity: contents.count) { room in
      room.baseAddress.map { decode(to: $0) } ?? 0
    }
  }
}

/// Strings of RFC 8259 section 7, their UTF-8 checked as RFC 3629 wants it.
enum StringScanner {
  /// Reads the string whose opening quote is at `cursor`, and moves behind its closing quote.
  static func scan(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) throws(StringFault) -> StringLiteral {
    let start = cursor + 1
    var position = start
    var hasEscapes = false
    while true {
      skipPlain(&position, end)
      guard position < end else {
        throw StringFault(message: "expected a closing quote, got the end of the text", remaining: 0)
      }
      switch position.pointee {
      case UInt8(ascii: "\""):
        cursor = position + 1
        let contents = UnsafeBufferPointer(start: start, count: position - start)
        return StringLiteral(contents: contents, hasEscapes: hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        try skipEscape(&position, end)
      case 0x80...: try skipMultibyte(&position, end)
      default:
        throw StringFault(
          message: "expected \\u00XX for a control character in a string", remaining: end - position)
      }
    }
  }

  /// Moves to the next byte that is a quote, a backslash, a control character or not ASCII.
  @inline(__always)
  private static func skipPlain(_ position: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    while end - position >= 8 {
      let word = UInt64(littleEndian: UnsafeRawPointer(position).loadUnaligned(as: UInt64.self))
      let special = specialLanes(word)
      if special != 0 {
        position += special.trailingZeroBitCount >> 3
        return
      }
      position += 8
    }
    while position < end, isPlain(position.pointee) { position += 1 }
  }

  /// The highest bit of each byte that is special; bytes behind the first such may be marked wrongly.
  @inline(__always)
  static func specialLanes(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5c)
    let control = word &- (ones &* 0x20)
    return (word | control | (quote &- ones) | (backslash &- ones)) & (ones &* 0x80)
  }

  @inline(__always)
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private static func skipEscape(
    _ position: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) throws(StringFault) {
    let start = position
    guard end - start >= 2 else {
      throw StringFault(message: "expected an escape, got the end of the text", remaining: end - start)
    }
    switch start[1] {
    case UInt8(ascii: "u"): break
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 2
      return
    default: throw StringFault(message: "expected one of the escapes of RFC 8259", remaining: end - start)
    }
    guard let unit = hexadecimal(start + 2, end) else {
      throw StringFault(message: "expected four hexadecimal digits behind \\u", remaining: end - start)
    }
    position += 6
    guard unit & 0xf800 == 0xd800 else { return }
    guard unit < 0xdc00, end - position >= 6, position[0] == UInt8(ascii: "\\"),
      position[1] == UInt8(ascii: "u"), let low = hexadecimal(position + 2, end), low & 0xfc00 == 0xdc00
    else {
      throw StringFault(message: "expected a pair of surrogates, got a lone one", remaining: end - start)
    }
    position += 6
  }

  private static func hexadecimal(_ digits: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UInt32? {
    guard end - digits >= 4 else { return nil }
    var value: UInt32 = 0
    for index in 0..<4 {
      let byte = digits[index]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
      default: return nil
      }
    }
    return value
  }

  private static func skipMultibyte(
    _ position: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) throws(StringFault) {
    let length = UTF8Sequence.length(at: position, end)
    guard length > 0 else {
      throw StringFault(message: "expected UTF-8 in a string", remaining: end - position)
    }
    position += length
  }

  /// Decodes a valid literal with escapes; see `StringLiteral.decode`. In place is allowed.
  fileprivate static func unescape(
    _ contents: UnsafeBufferPointer<UInt8>, to destination: UnsafeMutablePointer<UInt8>
  ) -> Int {
    guard var source = contents.baseAddress else { return 0 }
    let end = source + contents.count
    var target = destination
    while source < end {
      guard source.pointee == UInt8(ascii: "\\") else {
        target.pointee = source.pointee
        source += 1
        target += 1
        continue
      }
      if source[1] == UInt8(ascii: "u") {
        target += UTF8Sequence.write(scalar(&source, end), to: target)
      } else {
        target.pointee = plainEscape(source[1])
        source += 2
        target += 1
      }
    }
    return target - destination
  }

  private static func plainEscape(_ letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0c
    case UInt8(ascii: "n"): 0x0a
    case UInt8(ascii: "r"): 0x0d
    case UInt8(ascii: "t"): 0x09
    default: letter
    }
  }

  /// The scalar of a valid `\uXXXX` or pair of them.
  private static func scalar(_ source: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UInt32 {
    let unit = hexadecimal(source + 2, end) ?? 0
    source += 6
    guard unit & 0xf800 == 0xd800 else { return unit }
    let low = hexadecimal(source + 2, end) ?? 0xdc00
    source += 6
    return 0x10000 + (unit & 0x3ff) << 10 + (low & 0x3ff)
  }
}

/// One UTF-8 sequence of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
enum UTF8Sequence {
  /// The length of the valid sequence at `position`, 0 where there is none.
  static func length(at position: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
    let room = end - position
    func isContinuation(_ index: Int) -> Bool { position[index] & 0xc0 == 0x80 }
    switch position.pointee {
    case 0..<0x80: return 1
    case 0xc2...0xdf: return room >= 2 && isContinuation(1) ? 2 : 0
    case 0xe0...0xef:
      guard room >= 3, isContinuation(1), isContinuation(2) else { return 0 }
      if position[0] == 0xe0 && position[1] < 0xa0 { return 0 }
      return position[0] == 0xed && position[1] >= 0xa0 ? 0 : 3
    case 0xf0...0xf4:
      guard room >= 4, isContinuation(1), isContinuation(2), isContinuation(3) else { return 0 }
      if position[0] == 0xf0 && position[1] < 0x90 { return 0 }
      return position[0] == 0xf4 && position[1] >= 0x90 ? 0 : 4
    default: return 0
    }
  }

  /// Writes `scalar` and returns its length, at most 4.
  static func write(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int {
    func continuation(_ shift: UInt32) -> UInt8 { UInt8(0x80 | (scalar >> shift) & 0x3f) }
    switch scalar {
    case 0..<0x80:
      target[0] = UInt8(scalar)
      return 1
    case 0x80..<0x800:
      target[0] = UInt8(0xc0 | scalar >> 6)
      target[1] = continuation(0)
      return 2
    case 0x800..<0x10000:
      target[0] = UInt8(0xe0 | scalar >> 12)
      target[1] = continuation(6)
      target[2] = continuation(0)
      return 3
    default:
      target[0] = UInt8(0xf0 | scalar >> 18)
      target[1] = continuation(12)
      target[2] = continuation(6)
      target[3] = continuation(0)
      return 4
    }
  }
}
