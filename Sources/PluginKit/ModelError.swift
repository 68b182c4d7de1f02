/// Why a model cannot be loaded, or a call or a request failed. The server answers the client with it.
public struct ModelError: Error, Sendable, CustomStringConvertible {
  /// Raw values of the ABI (`swerve_status`).
  public enum Status: Int32, Sendable {
    case invalidArgument = 2
    case notFound, unsupported, outOfMemory, cancelled, unavailable, internalFault
  }

  public var status: Status
  /// A sentence: what was expected, what came, where. The ABI carries its first 511 bytes.
  public var message: String

  public init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message
  }

  public var description: String { message }

  /// `error` as it is if it is a `ModelError`, else an internal fault that describes it.
  static func wrapping(_ error: any Error) -> ModelError {
    error as? ModelError ?? ModelError(.internalFault, "\(error)")
  }
}
