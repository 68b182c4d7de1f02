import HTTP
import PluginHost
import Serving

extension InferenceService {
  /// Finds the model and what its requests need; refuses one that is not ready.
  func resolve(
    _ reference: ModelReference, _ dialect: Dialect, _ exchange: Exchange
  ) throws(APIFailure) -> ResolvedModel {
    let ready = try readyModel(reference, dialect)
    return ResolvedModel(
      reference, ready,
      metrics: requestMetrics.metrics(model: ready.model.name, version: ready.model.version, dialect: dialect)
    )
  }

  /// When the inference of `exchange` is too late, by what it asks for in its header (`Request-Timeout`, seconds)
  /// or its parameters (nanoseconds), whichever is less; 0 for never.
  func deadline(of exchange: Exchange, timeout: Int64) throws(APIFailure) -> Int64 {
    guard let text = exchange.headerBytes("Request-Timeout") else {
      return limits.deadline(now: exchange.startedAt, timeout: timeout)
    }
    let seconds = String(decoding: text, as: UTF8.self)
    guard let value = Double(seconds), value > 0, value <= 1e9 else {
      throw .badRequest("Request-Timeout: expected a number of seconds above 0, got '\(excerpt(seconds))'")
    }
    let asked = max(Int64(value * 1e9), 1)
    return limits.deadline(now: exchange.startedAt, timeout: timeout > 0 ? min(timeout, asked) : asked)
  }

  /// Hands the inputs to the model; the exchange is answered by then, or later, on its loop.
  func submit<Answer: InferenceAnswer>(
    _ exchange: Exchange, _ answer: Answer, _ context: CallContext, to resolved: ResolvedModel,
    _ dialect: Dialect, _ arguments: InferenceArguments
  ) throws(APIFailure) {
    let call = InferenceCall(exchange: exchange, answer: answer, context: context)
    call.follow(
      try hand(arguments, to: resolved, call, exchange, dialect) { answer.failure(for: $0) })
  }

  /// Hands the inputs to the model. Nil: the receiver is finished.
  func hand(
    _ arguments: InferenceArguments, to resolved: ResolvedModel, _ receiver: any InferenceReceiver,
    _ exchange: Exchange, _ dialect: Dialect, _ failure: (ServingError) -> APIFailure
  ) throws(APIFailure) -> (any CancellableInference)? {
    var resolved = resolved
    while true {
      do throws(ServingError) {
        return try resolved.model.infer(arguments, receiver: receiver)
      } catch {
        // The version may have been replaced since it was looked up; then another takes the request.
        guard error.code == .notReady, catalog.generation != resolved.generation else {
          throw failure(error)
        }
      }
      resolved = try resolve(resolved.reference, dialect, exchange)
    }
  }
}
