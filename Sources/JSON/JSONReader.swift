/// A strict pull reader over UTF-8 bytes that never builds a tree.
///
/// It accepts what RFC 8259 does, and `NaN`, `Infinity`, `Inf` with an optional minus before the last
/// two where a floating number may stand. Nothing is recursive; depth is limited. Copies are
/// bookmarks: each goes on from where it was made.
///
/// The bytes must outlive the reader, need no terminator, and are never read beyond their end.
public struct JSONReader {
  public enum Kind: Sendable { case object, array, string, number, bool, null }

  /// The deepest nesting that `maximumDepth` can allow.
  public static let deepest = 64

  let start: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>
  var cursor: UnsafePointer<UInt8>
  private let maximumDepth: Int
  private var depth = 0
  /// A bit for each open object or array: whether it has had no member or element yet.
  private var isFresh: UInt64 = 0

  public init(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int = JSONReader.deepest) {
    // No byte of an empty text is ever read, so any address serves.
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    start = base.assumingMemoryBound(to: UInt8.self)
    cursor = start
    end = start + bytes.count
    self.maximumDepth = min(max(maximumDepth, 0), JSONReader.deepest)
  }

  /// Bytes read so far.
  public var offset: Int { cursor - start }

  /// Where a reader stands, to go on from there in another text that begins with the same bytes.
  public struct Place: Sendable {
    fileprivate let offset: Int
    fileprivate let depth: Int
    fileprivate let isFresh: UInt64
  }

  public var place: Place { Place(offset: offset, depth: depth, isFresh: isFresh) }

  /// Precondition: the text begins with the bytes that were read up to `place`, within the same depth.
  public mutating func go(to place: Place) {
    precondition(place.offset <= end - start, "the text ends before the place to go to")
    cursor = start + place.offset
    depth = place.depth
    isFresh = place.isFresh
  }

  /// The kind of the value that comes next.
  public mutating func peekKind() throws(JSONError) -> Kind {
    skipWhitespace()
    guard cursor < end else { throw expected("a value") }
    switch cursor.pointee {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "N"), UInt8(ascii: "I"):
      return .number
    default: throw expected("a value")
    }
  }

  public mutating func beginObject() throws(JSONError) {
    try begin(UInt8(ascii: "{"), "an object")
  }

  public mutating func beginArray() throws(JSONError) {
    try begin(UInt8(ascii: "["), "an array")
  }

  /// The next member's name, or nil at the object's end (which is consumed).
  public mutating func nextKey() throws(JSONError) -> String? { try nextMember()?.string }

  /// The same, not copied.
  public mutating func nextMember() throws(JSONError) -> JSONText? {
    guard try nextItem(closing: UInt8(ascii: "}"), "',' or '}'") else { return nil }
    let name = JSONText(try scanString("a member name"))
    try expectColon()
    return name
  }

  /// Whether another element follows; at the array's end it is consumed and the answer is false.
  public mutating func nextElement() throws(JSONError) -> Bool {
    try nextItem(closing: UInt8(ascii: "]"), "',' or ']'")
  }

  /// Requires that only white space is left.
  public mutating func finish() throws(JSONError) {
    skipWhitespace()
    guard cursor == end else { throw expected("the end of the text") }
  }

  private mutating func begin(_ bracket: UInt8, _ what: StaticString) throws(JSONError) {
    skipWhitespace()
    guard cursor < end, cursor.pointee == bracket else { throw expected(what) }
    guard depth < maximumDepth else { throw tooDeep() }
    cursor += 1
    isFresh |= 1 &<< UInt64(depth)
    depth += 1
  }

  private mutating func nextItem(closing: UInt8, _ separators: StaticString) throws(JSONError) -> Bool {
    precondition(depth > 0, "no object or array is open")
    skipWhitespace()
    let level: UInt64 = 1 &<< UInt64(depth - 1)
    guard cursor < end else { throw expected(separators) }
    if cursor.pointee == closing {
      cursor += 1
      depth -= 1
      isFresh &= ~level
      return false
    }
    if isFresh & level != 0 {
      isFresh &= ~level
    } else {
      guard cursor.pointee == UInt8(ascii: ",") else { throw expected(separators) }
      cursor += 1
      skipWhitespace()
    }
    return true
  }

  mutating func expectColon() throws(JSONError) {
    skipWhitespace()
    guard cursor < end, cursor.pointee == UInt8(ascii: ":") else { throw expected("':'") }
    cursor += 1
  }

  @inline(__always)
  mutating func skipWhitespace() { Whitespace.skip(&cursor, end) }

  mutating func scanString(_ what: StaticString) throws(JSONError) -> StringLiteral {
    skipWhitespace()
    guard cursor < end, cursor.pointee == UInt8(ascii: "\"") else { throw expected(what) }
    do throws(StringFault) {
      return try StringScanner.scan(&cursor, end)
    } catch {
      throw JSONError(message: "\(error.message)", offset: end - start - error.remaining)
    }
  }

  /// Whether as many lists and objects again could be opened here.
  func allows(levels: Int) -> Bool { levels <= maximumDepth - depth }

  func tooDeep() -> JSONError {
    JSONError(message: "expected at most \(maximumDepth) levels of nesting, got more", offset: offset)
  }

  /// The error that `what` was expected at the cursor.
  func expected(_ what: StaticString) -> JSONError {
    JSONError(message: "expected \(what), got \(describeNext())", offset: offset)
  }
}

enum Whitespace {
  /// Moves over the white space of RFC 8259 section 2.
  @inline(__always)
  static func skip(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    while cursor < end, cursor.pointee <= 0x20, contains(cursor.pointee) { cursor += 1 }
  }

  @inline(__always)
  static func contains(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
  }
}
