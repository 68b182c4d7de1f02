import HTTP
import JSON

/// Liveness says that the loops turn, and depends on no model; readiness says that every model that
/// should serve does.
extension InferenceService {
  func answerReady(_ exchange: Exchange) {
    let reasons = catalog.unreadyReasons
    guard !reasons.isEmpty else { return exchange.respond(.object([("ready", .bool(true))])) }
    let isTritons = usesTritonStatusCodes && Routes.isOpenInference(exchange.path)
    exchange.respond(
      status: isTritons ? 400 : 503,
      .object([("ready", .bool(false)), ("reasons", .array(reasons.map(JSONValue.string)))]))
  }

  /// 200 as long as the server answers at all; whether it is ready stands in the body.
  func answerHealth(_ exchange: Exchange) {
    exchange.respond(
      .object([("live", .bool(true)), ("ready", .bool(catalog.unreadyReasons.isEmpty))]))
  }
}
