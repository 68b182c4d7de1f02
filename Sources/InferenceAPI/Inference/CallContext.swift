import HTTP
import Scheduling
import Serving
import Telemetry

/// What the answer of an inference is recorded with. Holds what is needed of the request, since nothing
/// of it may be read once it is answered.
struct CallContext: Sendable {
  // Both live as long as the service, which outlives the loops that call it; counting references to what all
  // loops share would cost each of them more than what is done with it.
  private unowned(unsafe) let metrics: RequestMetrics
  private unowned(unsafe) let service: InferenceService
  private let startedAt: Int64
  private let readingSince: Int64
  private var parseDuration: Int64 = 0
  /// Method and path; empty unless they are logged.
  private let requestLine: String

  /// - Parameter metrics: those of the model, which the service keeps.
  init(_ exchange: Exchange, _ service: InferenceService, metrics: RequestMetrics) {
    self.metrics = metrics
    self.service = service
    startedAt = exchange.startedAt
    readingSince = service.clock.now()
    requestLine = service.log.isEnabled(.debug) ? "\(exchange.method.name) \(exchange.path)" : ""
  }

  func now() -> Int64 { service.clock.now() }

  /// The body has been read into tensors.
  mutating func finishedReading() { parseDuration = now() - readingSince }

  /// What the phases took so far, as `Server-Timing` (durations in milliseconds), if that is wanted.
  func headers(_ timing: InferenceTiming) -> [(StaticString, String)] {
    guard service.tellsTiming else { return [] }
    func phase(_ name: String, _ nanoseconds: Int64) -> String {
      "\(name);dur=\(Double(nanoseconds / 1000) / 1000)"
    }
    var phases = [phase("parse", parseDuration), phase("queue", timing.queue)]
    if timing.batchSize > 1 { phases.append(phase("batch", timing.assembly)) }
    phases.append(phase("execute", timing.execute))
    let reason = timing.reason.map { ";desc=\"\(timing.batchSize) \($0.rawValue)\"" } ?? ""
    return [("Server-Timing", phases.joined(separator: ", ") + reason)]
  }

  func recordSuccess(serializeStart: Int64) {
    let now = now()
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
      service.log.write(.error, "inference failed: \(failure.message)", [("path", exchange.path)])
    }
    service.refuse(exchange, failure)
    recordFailure(status: failure.status)
  }

  func recordFailure(status: Int) {
    let duration = now() - startedAt
    metrics.recordFailure(status: status, total: duration)
    logAccess(status: status, duration: duration)
  }

  private func logAccess(status: Int, duration: Int64) {
    guard service.log.isEnabled(.debug) else { return }
    service.log.write(
      .debug, "request",
      [("request", requestLine), ("status", String(status)), ("microseconds", String(duration / 1000))])
  }
}
