import HTTP
import Telemetry

/// What the answer of an inference is recorded with. Holds what is needed of the request, since nothing
/// of it may be read once it is answered.
struct CallContext: Sendable {
  private var metrics: RequestMetrics
  private let clock: MonotonicClock
  private let log: Log
  private let startedAt: Int64
  private let readingSince: Int64
  private var parseDuration: Int64 = 0
  /// Method and path; empty unless they are logged.
  private let requestLine: String

  /// - Parameter metrics: those of the unknown model, until `found` says which it is.
  init(_ exchange: Exchange, metrics: RequestMetrics, clock: MonotonicClock, log: Log) {
    self.metrics = metrics
    self.clock = clock
    self.log = log
    startedAt = exchange.startedAt
    readingSince = clock.now()
    requestLine = log.level == .debug ? "\(exchange.method.name) \(exchange.path)" : ""
  }

  func now() -> Int64 { clock.now() }

  /// The request is one for the model that `metrics` count.
  mutating func found(_ metrics: RequestMetrics) { self.metrics = metrics }

  /// The body has been read into tensors.
  mutating func finishedReading() { parseDuration = clock.now() - readingSince }

  func recordSuccess(serializeStart: Int64) {
    let now = clock.now()
    metrics.recordSuccess(parse: parseDuration, serialize: now - serializeStart, total: now - startedAt)
    logAccess(status: 200, duration: now - startedAt)
  }

  /// 499: the client left before the answer. Answering gives the request's memory back.
  func recordAbandoned(_ exchange: Exchange) {
    exchange.respond(status: 499) { _ in }
    recordFailure(status: 499)
  }

  /// Answers with `failure` and counts it.
  func fail(_ exchange: Exchange, _ failure: APIFailure) {
    if failure.status == 500 {
      log.write(.error, "inference failed: \(failure.message)", [("path", exchange.path)])
    }
    exchange.respond(failure)
    recordFailure(status: failure.status)
  }

  private func recordFailure(status: Int) {
    let duration = clock.now() - startedAt
    metrics.recordFailure(status: status, total: duration)
    logAccess(status: status, duration: duration)
  }

  private func logAccess(status: Int, duration: Int64) {
    guard log.level == .debug else { return }
    log.write(
      .debug, "request",
      [("request", requestLine), ("status", String(status)), ("microseconds", String(duration / 1000))])
  }
}
