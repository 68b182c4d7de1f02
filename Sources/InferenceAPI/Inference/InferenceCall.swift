import HTTP
import Serving
import Telemetry
import Tensors

/// How one dialect answers: with the outputs, or with what went wrong.
protocol InferenceAnswer: Sendable {
  /// Writes the whole response. Throws, and writes nothing, if these outputs cannot be told.
  func respond(with outputs: [Tensor], to exchange: Exchange) throws(APIFailure)
  /// The dialect's words for `error`.
  func failure(for error: ServingError) -> APIFailure
}

/// An inference under way: `submitted → answered`, or `submitted → abandoned`.
///
/// Unchecked: `hasStreamed` is touched by the model only, one call at a time and last before
/// `finish`; `isAnswered` on the exchange's loop only.
final class InferenceCall<Answer: InferenceAnswer>: InferenceReceiver, @unchecked Sendable {
  private let exchange: Exchange
  private let answer: Answer
  private let context: CallContext
  private var hasStreamed = false
  private var isAnswered = false

  init(exchange: Exchange, answer: Answer, context: CallContext) {
    self.exchange = exchange
    self.answer = answer
    self.context = context
  }

  /// Keeps `inference` to be called off if the client leaves. On the loop, after submission.
  func follow(_ inference: any CancellableInference) {
    if isAnswered { return }
    exchange.onAbandon = { inference.cancel() }
  }

  func receive(chunk: [Tensor]) -> Bool {
    hasStreamed = true
    return false
  }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    let outcome: Result<[Tensor], ServingError> =
      hasStreamed
      ? .failure(
        ServingError(
          .unsupported,
          "HTTP end point doesn't support models with decoupled transaction policy: this model answers in several "
            + "pieces, and this route has one answer"))
      : result
    exchange.loop.run { self.respond(outcome) }
  }

  /// On the loop.
  private func respond(_ result: Result<[Tensor], ServingError>) {
    isAnswered = true
    // The closure holds the request, which holds this call, which holds the exchange.
    exchange.onAbandon = nil
    if exchange.isAbandoned { return context.recordAbandoned(exchange) }
    do throws(APIFailure) {
      let start = context.clock.now()
      switch result {
      case .success(let outputs): try answer.respond(with: outputs, to: exchange)
      case .failure(let error): throw answer.failure(for: error)
      }
      context.recordSuccess(exchange, serializeStart: start)
    } catch {
      context.fail(exchange, error)
    }
  }
}

/// What the answer of an inference is recorded with.
struct CallContext: Sendable {
  let metrics: RequestMetrics
  let clock: MonotonicClock
  let log: Log
  /// Nanoseconds that reading the body took.
  let parseDuration: Int64

  func recordSuccess(_ exchange: Exchange, serializeStart: Int64) {
    let now = clock.now()
    metrics.recordSuccess(
      parse: parseDuration, serialize: now - serializeStart, total: now - exchange.startedAt)
    logAccess(exchange, status: 200, duration: now - exchange.startedAt)
  }

  /// 499: the client left before the answer.
  func recordAbandoned(_ exchange: Exchange) {
    let duration = clock.now() - exchange.startedAt
    metrics.recordFailure(status: 499, total: duration)
    logAccess(exchange, status: 499, duration: duration)
  }

  /// Answers with `failure` and counts it.
  func fail(_ exchange: Exchange, _ failure: APIFailure) {
    exchange.respond(failure)
    let duration = clock.now() - exchange.startedAt
    metrics.recordFailure(status: failure.status, total: duration)
    if failure.status == 500 {
      log.write(.error, "inference failed: \(failure.message)", [("path", exchange.path)])
    }
    logAccess(exchange, status: failure.status, duration: duration)
  }

  private func logAccess(_ exchange: Exchange, status: Int, duration: Int64) {
    guard log.level == .debug else { return }
    let fields = [
      ("method", exchange.method.name.description), ("path", exchange.path), ("status", String(status)),
      ("microseconds", String(duration / 1000)),
    ]
    log.write(.debug, "request", fields)
  }
}
