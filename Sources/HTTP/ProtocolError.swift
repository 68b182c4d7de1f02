/// Why a request was refused by the protocol itself; answered as a JSON error, after which the
/// connection closes, since its framing can no longer be trusted.
struct ProtocolError: Error, Equatable {
  let status: Int
  /// What was expected, what came, and what to do.
  let message: String

  static func bad(_ message: String) -> ProtocolError { ProtocolError(status: 400, message: message) }
}
