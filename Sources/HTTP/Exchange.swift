import Synchronization

/// One request and its response, on one event loop.
///
/// The handler gets an exchange on its loop's thread and answers it there, at once or later: a worker that
/// has the answer calls `loop.run { … }` and responds inside. Everything but `loop`, `isAbandoned` and
/// `run` belongs to the loop's thread; the memory of `body` may be read by any thread until the exchange is
/// answered. What the head says may be read until then too, and nothing after.
///
/// A client that resets its connection abandons its exchange. One that only closes its sending side may
/// still wait for the answer: it is answered, unless that takes longer than `halfCloseTime`. A process
/// that ends looks the same on TCP until something is sent to it; so a stream learns it at the next `send`.
/// An abandoned exchange should be answered all the same, or be let go of; the answer goes nowhere.
///
/// Unchecked: loop-confined as said above.
public final class Exchange: @unchecked Sendable {
  enum State { case reading, waiting, streaming, answered }

  public let loop: EventLoop
  /// Called on the loop if the client leaves before the answer is complete. At most once.
  public var onAbandon: (() -> Void)?
  /// Called on the loop when the backlog of a stream for which `send` refused a chunk has gone out; `send`
  /// takes chunks again.
  public var onDrained: (() -> Void)?
  /// Nanoseconds (monotonic) when the first byte of the request was read.
  public internal(set) var startedAt: Int64 = 0
  /// How many requests came before this one on its connection.
  public internal(set) var requestIndex = 0
  /// The body, decoded from chunks and unpacked as Content-Encoding says; valid and unmoved until the exchange is answered, also if it is
  /// abandoned.
  public internal(set) var body = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// What the handler tells of the request beside what HTTP shows; for `ServerEvents.answered`.
  public var notes: RequestNotes?

  /// Whether the head of the response tells, as `Server-Timing`, how long its body took to be written.
  public var tellsBodyTime = false

  var parser = RequestParser()
  /// The coding that the body came in.
  var contentCoding = ContentCoding.identity
  var state = State.reading
  /// The connection while the exchange is not answered; it holds the memory of the request.
  var connection: Connection?
  private let abandoned = Atomic<Bool>(false)
  private var targetText = TargetText()

  init(loop: EventLoop) { self.loop = loop }

  /// Whether the client has left. From any thread.
  public var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }

  func begin(on connection: Connection, startedAt: Int64) {
    parser.reset()
    self.connection = connection
    self.startedAt = startedAt
    requestIndex = connection.requestCount
    contentCoding = .identity
    state = .reading
    body = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    if abandoned.load(ordering: .relaxed) { abandoned.store(false, ordering: .relaxed) }
    targetText.isCurrent = false
  }

  /// Lets go of the connection; the object may serve another request.
  func end() {
    state = .answered
    connection = nil
    onAbandon = nil
    onDrained = nil
    if notes != nil { notes = nil }
    tellsBodyTime = false
    body = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  func abandon() {
    guard !abandoned.exchange(true, ordering: .relaxed) else { return }
    let action = onAbandon
    onAbandon = nil
    onDrained = nil
    action?()
  }

  // MARK: The request

  public var method: Method { parser.head.method }

  /// The method as it was sent.
  public var methodName: String { text(parser.head.methodName) }

  /// The path of the target, percent-decoded, without the query: `/v2/models/m/infer`.
  ///
  /// Two escapes stay: `%2F`, so that each slash is one that separates segments, and `%25`, so that
  /// no two different paths look alike. `PathParameters` decodes them. `OPTIONS *` has the path `*`.
  public var path: String { currentTarget.path }

  /// The query, raw, without `?`; empty if none.
  public var query: String { currentTarget.query }

  /// The request target as it was sent; valid until the exchange is answered.
  public var targetBytes: UnsafeBufferPointer<UInt8> {
    guard let base = connection?.requestBase else { return UnsafeBufferPointer(start: nil, count: 0) }
    return parser.head.target.slice(of: base)
  }

  private var currentTarget: TargetText {
    if !targetText.isCurrent, let base = connection?.requestBase {
      targetText.update(parser.head, base)
    }
    return targetText
  }

  /// The value of Content-Length, the size of the body as it came; nil if there was none, as with chunks.
  public var contentLength: Int? { parser.head.contentLength }

  /// Whether the request has a Content-Length or a Transfer-Encoding. Where a body is required, a request
  /// without either can be answered 411.
  public var announcesBody: Bool { parser.head.announcesBody }

  /// Whether the connection stays open after the answer, as far as the client is concerned.
  public var isKeptAlive: Bool { parser.head.keepsAlive }

  /// `127.0.0.1:50312`, `[::1]:50312` or `unix`.
  public var remoteAddress: String { connection?.address.text ?? "" }

  /// The same for all connections of one client: those of an IPv4 address, or of the /64 of an IPv6 address. 0 for
  /// nobody in particular.
  public var clientKey: UInt64 { connection?.address.limitKey ?? 0 }

  /// The first field of that name (case-insensitive), trimmed; nil if absent.
  public func header(_ name: StaticString) -> String? {
    headerBytes(name).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The same without making a string; valid until the exchange is answered.
  public func headerBytes(_ name: StaticString) -> UnsafeBufferPointer<UInt8>? {
    guard let base = connection?.requestBase else { return nil }
    for field in parser.head.fields where Int(field.name.count) == name.utf8CodeUnitCount {
      if FieldSyntax.equalIgnoringCase(field.name.slice(of: base), name) {
        return field.value.slice(of: base)
      }
    }
    return nil
  }

  /// Every field in the order of the request, names as they were sent.
  public var headers: [(name: String, value: String)] {
    guard let base = connection?.requestBase else { return [] }
    return parser.head.fields.map { field in
      (
        String(decoding: field.name.slice(of: base), as: UTF8.self),
        String(decoding: field.value.slice(of: base), as: UTF8.self)
      )
    }
  }

  /// Whether an `Accept` field takes this media type (RFC 9110 section 12.5.1), such as
  /// `text/event-stream`. True if there is no such field.
  public func acceptsHeader(_ mediaType: StaticString) -> Bool {
    guard let base = connection?.requestBase else { return true }
    let type = UnsafeBufferPointer(start: mediaType.utf8Start, count: mediaType.utf8CodeUnitCount)
    var verdict = AcceptVerdict(mediaType: type)
    for field in parser.head.fields where field.name.count == 6 {
      guard FieldSyntax.equalIgnoringCase(field.name.slice(of: base), "accept") else { continue }
      verdict.read(field.value.slice(of: base))
    }
    return verdict.accepts
  }

  private func text(_ range: ByteRange) -> String {
    guard let base = connection?.requestBase else { return "" }
    return String(decoding: range.slice(of: base), as: UTF8.self)
  }
}

/// The texts of a target. They outlive their request, since the next one on the loop often has the same
/// target and then needs no new strings.
private struct TargetText {
  var isCurrent = false
  private(set) var path = ""
  private(set) var query = ""
  private var target: [UInt8] = []
  private var isOptions = false

  mutating func update(_ head: RequestHead, _ base: UnsafePointer<UInt8>) {
    isCurrent = true
    let bytes = head.target.slice(of: base)
    // Only for OPTIONS can the same target have another path.
    if isOptions == (head.method == .options), bytes.elementsEqual(target) { return }
    isOptions = head.method == .options
    target.removeAll(keepingCapacity: true)
    target.append(contentsOf: bytes)
    path = head.decodedPath ?? String(decoding: head.rawPath.slice(of: base), as: UTF8.self)
    query = String(decoding: head.query.slice(of: base), as: UTF8.self)
  }
}

/// What `Accept` fields say about one media type: the most specific range that covers it decides.
struct AcceptVerdict {
  let mediaType: UnsafeBufferPointer<UInt8>
  private var specificity = -1
  private var isRefused = false
  private var hasField = false

  init(mediaType: UnsafeBufferPointer<UInt8>) { self.mediaType = mediaType }

  var accepts: Bool { !hasField || (specificity >= 0 && !isRefused) }

  mutating func read(_ list: UnsafeBufferPointer<UInt8>) {
    hasField = true
    FieldSyntax.forEachElement(list) { element in
      readRange(element)
      return true
    }
  }

  private mutating func readRange(_ element: UnsafeBufferPointer<UInt8>) {
    let typeEnd = element.firstIndex(of: UInt8(ascii: ";")) ?? element.count
    let range = FieldSyntax.trimmed(UnsafeBufferPointer(rebasing: element[..<typeEnd]))
    guard let fit = fit(range), fit >= specificity else { return }
    specificity = fit
    isRefused = Self.hasZeroWeight(UnsafeBufferPointer(rebasing: element[typeEnd...]))
  }

  /// 2 for the type itself, 1 for `text/*`, 0 for `*/*`, nil for another.
  private func fit(_ range: UnsafeBufferPointer<UInt8>) -> Int? {
    if FieldSyntax.equal(range, "*/*") { return 0 }
    let matches = { (a: UnsafeBufferPointer<UInt8>, b: UnsafeBufferPointer<UInt8>) in
      a.count == b.count && zip(a, b).allSatisfy { FieldSyntax.lowercased($0) == FieldSyntax.lowercased($1) }
    }
    if matches(range, mediaType) { return 2 }
    guard range.count >= 2, range[range.count - 1] == UInt8(ascii: "*"), mediaType.count >= range.count - 1
    else {
      return nil
    }
    let prefix = range.count - 1
    guard range[prefix - 1] == UInt8(ascii: "/") else { return nil }
    return matches(.init(rebasing: range[..<prefix]), .init(rebasing: mediaType[..<prefix])) ? 1 : nil
  }

  /// Whether the parameters hold `q=0`, `q=0.0` and the like.
  private static func hasZeroWeight(_ parameters: UnsafeBufferPointer<UInt8>) -> Bool {
    for parameter in parameters.split(separator: UInt8(ascii: ";")) {
      let text = FieldSyntax.trimmed(UnsafeBufferPointer(rebasing: parameter))
      guard text.count > 2, FieldSyntax.lowercased(text[0]) == UInt8(ascii: "q"), text[1] == UInt8(ascii: "=")
      else { continue }
      return text[2...].allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
    }
    return false
  }
}
