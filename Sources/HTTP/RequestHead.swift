/// A run of bytes, counted from the first byte of its request.
struct ByteRange: Equatable {
  var start: UInt32 = 0
  var count: UInt32 = 0

  init() {}

  /// Both fit: a head is limited to far less than 4 GiB.
  init(_ range: Range<Int>) {
    start = UInt32(truncatingIfNeeded: range.lowerBound)
    count = UInt32(truncatingIfNeeded: range.count)
  }

  @inline(__always)
  func slice(of base: UnsafePointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base + Int(start), count: Int(count))
  }
}

/// One field of a head: where its name and its trimmed value lie.
struct Field: Equatable {
  let name: ByteRange
  let value: ByteRange
}

/// What the head of a request says, as places in the bytes that it was parsed from.
struct RequestHead: Equatable {
  var method = Method.other
  var methodName = ByteRange()
  var target = ByteRange()
  /// The path as it was sent, escapes and all; empty for `http://host` and `*`.
  var rawPath = ByteRange()
  /// The decoded path, where the raw one holds escapes or is empty.
  var decodedPath: String?
  var query = ByteRange()
  /// HTTP/1.1; otherwise it is HTTP/1.0.
  var isVersion11 = true
  var fields: [Field] = []
  /// The value of Content-Length; nil if there is none.
  var contentLength: Int?
  var isChunked = false
  var keepsAlive = true
  var expectsContinue = false
  /// The length of the head with the empty line at its end.
  var byteCount = 0

  /// Whether a body follows, be it an empty one.
  var announcesBody: Bool { contentLength != nil || isChunked }

  /// Empties the head and keeps the room for its fields.
  mutating func reset() {
    var kept: [Field] = []
    swap(&kept, &fields)
    self = RequestHead()
    kept.removeAll(keepingCapacity: true)
    fields = kept
  }
}
