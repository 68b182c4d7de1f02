import Bytes

/// Which pages of other origins may use the server, and the fields that tell their browsers (the CORS
/// protocol of the Fetch standard, section 3.3). Credentials are never allowed.
struct CrossOrigin: Sendable {
  private struct Origin: Sendable {
    let text: String
    let bytes: [UInt8]
  }

  /// Seconds that a browser may remember the answer to a preflight; more than two hours none does.
  private static let maximumAge = "7200"
  private static let methods = "GET, HEAD, POST, PUT, DELETE, PATCH"
  private static let exposed: StaticString = "Inference-Header-Content-Length, Retry-After"

  private let isAny: Bool
  private let origins: [Origin]

  /// - Parameter origins: `*` for any, or origins as browsers write them, `https://example.org:8443`.
  ///   Nil if there are none.
  init?(_ origins: [String]) {
    guard !origins.isEmpty else { return nil }
    isAny = origins.contains("*")
    self.origins = origins.map { Origin(text: $0, bytes: Array($0.utf8)) }
  }

  /// Appends to the head of a response what its request's origin may do with it.
  func appendFields(_ output: ByteBuffer, for exchange: Exchange) {
    if isAny {
      output.append("Access-Control-Allow-Origin: *\r\n")
    } else {
      output.append("Vary: Origin\r\n")
      guard let allowed = allowedOrigin(of: exchange) else { return }
      ResponseHead.appendField(output, "Access-Control-Allow-Origin", allowed)
    }
    ResponseHead.appendField(output, "Access-Control-Expose-Headers", Self.exposed)
  }

  /// The fields of the answer to a preflight from an origin that is allowed; nil for any other request.
  func preflightFields(_ exchange: Exchange) -> [(StaticString, String)]? {
    guard exchange.method == .options, exchange.headerBytes("Access-Control-Request-Method") != nil,
      exchange.headerBytes("Origin") != nil, isAny || allowedOrigin(of: exchange) != nil
    else { return nil }
    var fields: [(StaticString, String)] = [("Access-Control-Allow-Methods", Self.methods)]
    // The list itself rather than `*`, which would leave Authorization out.
    if let names = exchange.header("Access-Control-Request-Headers"), !names.isEmpty {
      fields.append(("Access-Control-Allow-Headers", names))
    }
    fields.append(("Access-Control-Max-Age", Self.maximumAge))
    return fields
  }

  private func allowedOrigin(of exchange: Exchange) -> String? {
    guard let given = exchange.headerBytes("Origin") else { return nil }
    return origins.first { given.elementsEqual($0.bytes) }?.text
  }
}
