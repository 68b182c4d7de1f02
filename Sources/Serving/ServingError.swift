/// Why a request or a lifecycle command was not done. Each dialect turns it into a status.
public struct ServingError: Error, Sendable {
  public enum Code: Sendable, Equatable, CaseIterable {
    case unknownModel, unknownVersion
    /// Known, but loading, unloading or failed to load.
    case notReady
    case invalidArgument, queueFull, deadlineExceeded, cancelled, unsupported, outOfMemory
    /// The plugin failed.
    case pluginFault
    case shuttingDown

    /// As metrics write it: `queue_full`.
    var name: String {
      switch self {
      case .unknownModel: "unknown_model"
      case .unknownVersion: "unknown_version"
      case .notReady: "not_ready"
      case .invalidArgument: "invalid"
      case .queueFull: "queue_full"
      case .deadlineExceeded: "deadline"
      case .cancelled: "cancelled"
      case .unsupported: "unsupported"
      case .outOfMemory: "out_of_memory"
      case .pluginFault: "plugin_fault"
      case .shuttingDown: "shutting_down"
      }
    }
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
