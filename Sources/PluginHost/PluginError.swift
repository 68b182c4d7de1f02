/// Codes of the plugin ABI (`SWERVE_OK` …), with its raw values.
public enum PluginStatus: Int32, Sendable {
  case ok = 0
  case pending, invalidArgument, notFound, unsupported, outOfMemory, cancelled, unavailable, internalFault

  /// The status a request ends with when a plugin says `code`: a code that the ABI does not know, and
  /// `pending`, which is no end, count as an internal fault.
  init(ending code: Int32) {
    switch PluginStatus(rawValue: code) {
    case .pending, nil: self = .internalFault
    case let status?: self = status
    }
  }
}

/// Why a plugin or a model of it was refused, or a call failed.
public struct PluginError: Error, Sendable, CustomStringConvertible {
  public var status: PluginStatus
  public var message: String
  public init(status: PluginStatus, message: String) {
    self.status = status
    self.message = message
  }
  public var description: String { message }
}
