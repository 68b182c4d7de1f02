import JSON
import Serving

/// Which protocol a request speaks, and so whose words its errors use.
enum Dialect: String, Sendable, CaseIterable {
  case openInference = "v2"
  case tensorFlowServing = "v1"
}

/// The model that a request named, as it named it.
struct ModelReference: Sendable {
  var name: String
  /// Nil or 0: the newest.
  var version: Int?

  var isNewest: Bool { (version ?? 0) == 0 }
}

/// The one place where a fault of the layers below becomes a status and a dialect's words.
extension APIFailure {
  init(_ error: ServingError, dialect: Dialect, model: ModelReference) {
    let message = APIFailure.message(for: error, dialect: dialect, model: model)
    switch error.code {
    case .unknownModel, .unknownVersion: self.init(404, message)
    case .invalidArgument: self.init(400, message)
    case .queueFull:
      self.init(429, message, headers: [("Retry-After", APIFailure.seconds(error.retryAfter))])
    case .cancelled: self.init(499, message)
    case .unsupported: self.init(501, message)
    case .pluginFault: self.init(500, message)
    case .deadlineExceeded: self.init(504, message)
    case .notReady, .outOfMemory, .shuttingDown: self.init(503, message, headers: [("Retry-After", "1")])
    }
    if dialect == .openInference { tritonStatus = APIFailure.tritonStatus(of: error.code) }
  }

  private static func tritonStatus(of code: ServingError.Code) -> Int? {
    switch code {
    case .queueFull, .deadlineExceeded: 503
    case .cancelled: 400
    default: nil
    }
  }

  /// Nanoseconds as whole seconds, at least one and at most an hour.
  private static func seconds(_ nanoseconds: Int64) -> String {
    String(min(max((nanoseconds - 1) / 1_000_000_000 + 1, 1), 3600))
  }

  /// Serving's own messages are in the words of the Open Inference Protocol's servers.
  private static func message(for error: ServingError, dialect: Dialect, model: ModelReference) -> String {
    guard dialect == .tensorFlowServing else { return error.message }
    switch error.code {
    case .unknownModel, .unknownVersion: return servableNotFound(model)
    case .notReady: return "\(servableNotFound(model)): \(error.message)"
    default: return error.message
    }
  }

  private static func servableNotFound(_ model: ModelReference) -> String {
    let name = excerpt(model.name)
    return model.isNewest
      ? "Servable not found for request: Latest(\(name))"
      : "Servable not found for request: Specific(\(name), \(model.version ?? 0))"
  }
}
