/// What the server does with a request whose body has come in whole.
public protocol ExchangeHandler: Sendable {
  /// Answers the exchange, now or later. Called on the exchange's loop.
  func handle(_ exchange: Exchange)

  /// Decides over a request whose body is still to come: all of `exchange` may be read but its body.
  ///
  /// A request whose body came along with its head goes to `handle` without this call, so `handle`
  /// must make the same checks; this one only spares reading what would be refused anyway. A body
  /// above the limit that this returns is answered 413. The default admits everything.
  func admit(_ exchange: Exchange) -> Admission

  /// Whether the request is to be handled although too many are in flight already, as a question for the
  /// server's health is. Asked only then; the answer must be given at once. The default says no.
  func isUrgent(_ exchange: Exchange) -> Bool
}

extension ExchangeHandler {
  public func isUrgent(_ exchange: Exchange) -> Bool { false }
  public func admit(_ exchange: Exchange) -> Admission { .admit }
}

/// Where a body of so many bytes is to lie. Asked on the exchange's loop; nil: in the loop's own memory.
public typealias BodyMemorySource = @Sendable (_ byteCount: Int) -> BodyMemory?

/// Memory for a body, from elsewhere than the loop. It is let go of when the exchange is answered.
public struct BodyMemory {
  /// On a cache line's boundary.
  let base: UnsafeMutableRawPointer
  let byteCount: Int
  /// Keeps the memory alive and unmoved.
  let owner: AnyObject

  public init(base: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
    self.base = base
    self.byteCount = byteCount
    self.owner = owner
  }
}

/// What becomes of a request whose body is still to come.
public enum Admission: Sendable {
  /// Read the body within the server's limit.
  case admit
  /// The same, the byte at the given offset placed on a cache line's boundary where its memory is chosen for it.
  /// `memory` is asked for a body that comes whole and as it is, and is larger than what comes with its head.
  case admitAligned(at: Int, memory: BodyMemorySource? = nil)
  /// Read the body within a limit of its own, in bytes, larger or smaller than the server's.
  case admitBody(upTo: Int)
  /// Answer now and close the connection, the body unread.
  case refuse(Refusal)
}

/// An answer that needs no body of the request.
public struct Refusal: Sendable {
  public let status: Int
  public let contentType: StaticString
  public let headers: [(StaticString, String)]
  public let body: String

  public init(
    status: Int, contentType: StaticString, headers: [(StaticString, String)] = [], body: String
  ) {
    self.status = status
    self.contentType = contentType
    self.headers = headers
    self.body = body
  }

  /// `{"error": message}`.
  public init(status: Int, message: String, headers: [(StaticString, String)] = []) {
    self.init(
      status: status, contentType: "application/json", headers: headers, body: ErrorDocument.json(message))
  }
}

/// The body of an error that the protocol itself answers.
enum ErrorDocument {
  static func json(_ message: String) -> String {
    var text = "{\"error\":\""
    for scalar in message.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\"}"
  }
}
