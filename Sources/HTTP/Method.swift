/// The methods that routes use; any other is `other`.
public enum Method: UInt8, Sendable { case get, head, post, put, delete, options, patch, other }

extension Method {
  /// The name on the wire; `other` has none of its own and reads `OTHER`.
  public var name: StaticString {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    case .patch: "PATCH"
    case .other: "OTHER"
    }
  }

  /// The value of an `Allow` field: `GET, HEAD, OPTIONS`.
  public static func allowList(_ methods: [Method]) -> String {
    methods.map(\.name.description).joined(separator: ", ")
  }

  /// Reads a method token; case counts (RFC 9110 section 9.1).
  static func parse(_ token: UnsafeBufferPointer<UInt8>) -> Method {
    switch token.count {
    case 3:
      return FieldSyntax.equal(token, "GET") ? .get : FieldSyntax.equal(token, "PUT") ? .put : .other
    case 4:
      return FieldSyntax.equal(token, "POST") ? .post : FieldSyntax.equal(token, "HEAD") ? .head : .other
    case 5: return FieldSyntax.equal(token, "PATCH") ? .patch : .other
    case 6: return FieldSyntax.equal(token, "DELETE") ? .delete : .other
    case 7: return FieldSyntax.equal(token, "OPTIONS") ? .options : .other
    default: return .other
    }
  }
}
