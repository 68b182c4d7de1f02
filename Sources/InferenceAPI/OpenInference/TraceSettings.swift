import HTTP
import JSON

/// Trace settings, which clients read before a measurement: this server takes no traces, and says so.
extension InferenceService {
  func answerTraceSettings(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    if parameters["model"] != nil {
      _ = try model(try reference(exchange, parameters, .openInference), .openInference)
    }
    if exchange.method == .post { try TraceSettings.check(try exchange.documentMembers()) }
    exchange.respond(TraceSettings.document)
  }
}

/// Triton's names of what tracing may be told.
enum TraceSettings {
  static let document: JSONValue = .object([
    ("trace_file", .string("")), ("trace_level", .array([.string("OFF")])), ("trace_rate", .string("1000")),
    ("trace_count", .string("-1")), ("log_frequency", .string("0")),
  ])

  /// Takes what leaves tracing off, and refuses the rest.
  static func check(_ members: [(String, JSONValue)]) throws(APIFailure) {
    for (key, value) in members {
      guard let current = document[key] else {
        throw .badRequest(
          "\(excerpt(key)): no such trace setting; expected trace_level, trace_rate, trace_count or log_frequency"
        )
      }
      let isUnchanged = value == .null || value == current || value == .string("OFF") && key == "trace_level"
      guard isUnchanged else {
        throw APIFailure(
          501,
          "\(key): this server takes no traces (GET /v2 does not list 'trace'), so that it can only stay as it is"
        )
      }
    }
  }
}
