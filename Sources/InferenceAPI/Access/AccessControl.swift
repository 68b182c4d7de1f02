import HTTP
import Locks

/// Who may do what: by keys, if there are any, else all may do all but change what is served from elsewhere.
public final class AccessControl: Sendable {
  private let ring: Lock<KeyRing?>
  private let hasKeys: Bool
  /// Whether the server may be administered without a key.
  private let opensAdmin: Bool

  /// - Parameters:
  ///   - keys: nil: no key is asked for.
  ///   - isLocal: whether the server can be reached from its own machine only.
  public init(keys: KeyRing? = nil, isLocal: Bool = true) {
    ring = Lock(keys)
    hasKeys = keys != nil
    opensAdmin = keys == nil && isLocal
  }

  /// Takes other keys from the next request on. There were keys before.
  public func replace(_ keys: KeyRing) {
    precondition(hasKeys, "a server that asks for no keys does not begin to")
    ring.withLock { $0 = keys }
  }

  /// Throws 401 or 403 if the request must not use `endpoint`.
  func check(_ exchange: Exchange, _ endpoint: Endpoint) throws(APIFailure) {
    // Only what is for whoever runs the server is guarded where there are no keys: a look at two constants.
    let scope = endpoint.scope
    if !hasKeys && scope != .admin { return }
    guard let scope else { return }
    guard hasKeys else { return try checkWithoutKeys(exchange) }
    guard let secret = AccessControl.secret(of: exchange) else {
      throw AccessControl.unauthorized("no API key was sent")
    }
    let keys = ring.withLock { $0 }
    guard let scopes = keys?.scopes(of: secret) else {
      throw AccessControl.unauthorized("the API key is not known here")
    }
    guard scopes.contains(scope) else {
      let allowed = scopes.map(\.rawValue).sorted().joined(separator: ", ")
      throw APIFailure(
        403, "this needs a key with the scope '\(scope.rawValue)'; the key that was sent allows \(allowed)")
    }
  }

  private func checkWithoutKeys(_ exchange: Exchange) throws(APIFailure) {
    guard opensAdmin else {
      throw APIFailure(
        403,
        "\(excerpt(exchange.path)) is only for the server's own machine, or for who has a key: start the server "
          + "with --api-keys FILE, or bind it to 127.0.0.1")
    }
    // A page of the web, opened in a browser on this machine, reaches it too.
    guard let origin = exchange.header("Origin"), !AccessControl.isLoopback(origin: origin) else { return }
    throw APIFailure(
      403, "pages of \(excerpt(origin)) must not administer this server; use a key (--api-keys FILE)")
  }

  static func isLoopback(origin: String) -> Bool {
    guard let start = origin.firstRange(of: "://")?.upperBound else { return false }
    let authority = origin[start...]
    return ["localhost", "127.0.0.1", "[::1]"].contains { host in
      guard authority.hasPrefix(host) else { return false }
      let rest = authority.dropFirst(host.count)
      return rest.isEmpty || (rest.first == ":" && rest.dropFirst().allSatisfy(\.isNumber))
    }
  }

  /// The key in `Authorization: Bearer KEY` or `X-API-Key: KEY`.
  private static func secret(of exchange: Exchange) -> UnsafeBufferPointer<UInt8>? {
    if let key = exchange.headerBytes("X-API-Key"), !key.isEmpty { return key }
    guard let field = exchange.headerBytes("Authorization") else { return nil }
    let scheme = Array("bearer ".utf8)
    guard field.count > scheme.count,
      zip(field, scheme).allSatisfy({ $0 == $1 || $0 | 0x20 == $1 })
    else { return nil }
    var key = UnsafeBufferPointer(rebasing: field[scheme.count...])
    while key.first == UInt8(ascii: " ") { key = UnsafeBufferPointer(rebasing: key.dropFirst()) }
    return key.isEmpty ? nil : key
  }

  private static func unauthorized(_ reason: String) -> APIFailure {
    APIFailure(
      401, "\(reason); send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'",
      headers: [("WWW-Authenticate", "Bearer realm=\"swerve\"")])
  }
}
