import HTTP
import JSON
import Telemetry

/// The `logging` extension: which levels of log lines are written.
extension InferenceService {
  func answerLogSettings(_ exchange: Exchange) throws(APIFailure) {
    if exchange.method == .post {
      let changes = try LogSettings.changes(try exchange.documentMembers())
      for (level, isEnabled) in changes { log.setEnabled(level, isEnabled) }
    }
    exchange.respond(LogSettings.document(log))
  }
}

/// Triton's names of what a log may be told.
enum LogSettings {
  static let format = "ISO8601"

  static func document(_ log: Log) -> JSONValue {
    .object([
      ("log_file", .string("")),
      ("log_info", .bool(log.isEnabled(.info))),
      ("log_warning", .bool(log.isEnabled(.warning))),
      ("log_error", .bool(log.isEnabled(.error))),
      ("log_verbose_level", .integer(log.isEnabled(.debug) ? 1 : 0)),
      ("log_format", .string(format)),
    ])
  }

  /// The levels to change; all or none, since a member at fault refuses the whole.
  static func changes(_ members: [(String, JSONValue)]) throws(APIFailure) -> [(Log.Level, Bool)] {
    var changes: [(Log.Level, Bool)] = []
    for (key, value) in members {
      switch key {
      case "log_info": changes.append((.info, try value.boolean(at: key)))
      // The plurals stand in Triton's own documentation.
      case "log_warning", "log_warnings": changes.append((.warning, try value.boolean(at: key)))
      case "log_error", "log_errors": changes.append((.error, try value.boolean(at: key)))
      case "log_verbose_level": changes.append((.debug, try value.natural(at: key) > 0))
      case "log_format": try checkFormat(try value.text(at: key))
      // Clients send back what they read.
      case "log_file" where value == .string(""): break
      case "log_file":
        throw .badRequest(
          "log file location can not be updated through network protocol; lines go to standard error"
        ).withTritonStatus(501)
      default:
        throw .badRequest(
          "\(excerpt(key)): no such log setting; expected log_info, log_warning, log_error, log_verbose_level or "
            + "log_format")
      }
    }
    return changes
  }

  private static func checkFormat(_ name: String) throws(APIFailure) {
    guard name == format || name == "default" else {
      throw .badRequest(
        "log_format: '\(excerpt(name))' is not supported; expected \(format), which is the default here")
    }
  }
}
