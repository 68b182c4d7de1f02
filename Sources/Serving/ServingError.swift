/// Why a request or a lifecycle command was not done. Each dialect turns it into a status.
public struct ServingError: Error, Sendable {
  public enum Code: Sendable, Equatable {
    case unknownModel, unknownVersion
    /// Known, but loading, unloading or failed to load.
    case notReady
    case invalidArgument, queueFull, deadlineExceeded, cancelled, unsupported, outOfMemory
    /// The plugin failed.
    case pluginFault
    case shuttingDown
  }

  public var code: Code
  public var message: String
  /// The input or output at fault, if one is.
  public var tensor: String?
  /// Nanoseconds in which it may be worth trying again, as far as is known; 0: not known.
  public var retryAfter: Int64 = 0

  public init(_ code: Code, _ message: String, tensor: String? = nil) {
    self.code = code
    self.message = message
    self.tensor = tensor
  }
}
