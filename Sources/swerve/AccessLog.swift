import HTTP
import Telemetry

/// Writes a line for requests that were answered: for all or a sample of them, for those that failed, and for
/// those that were slow.
///
/// The path is told without the query, which may hold secrets; no header is told but the two that name the
/// request.
struct AccessLog: Sendable {
  /// The bytes of a text of the client's that are written.
  private static let longestText = 256

  private let log: Log
  private let clock: MonotonicClock
  /// One request in this many; 0 for none.
  private let sampling: UInt64
  /// Nanoseconds from which on a request is slow.
  private let slow: Int64

  /// Nil if the options ask for no lines.
  init?(_ options: LogOptions, log: Log, clock: MonotonicClock = .system) {
    guard options.accessLog || options.slowRequestSeconds > 0 else { return nil }
    self.log = log
    self.clock = clock
    sampling = options.accessLog ? UInt64(options.accessLogSample) : 0
    slow = options.slowRequestSeconds > 0 ? Int64(options.slowRequestSeconds * 1e9) : .max
  }

  /// Called when an answer has been written, and before its request is forgotten.
  func note(_ answer: ServerEvents.Answer, _ exchange: Exchange) {
    let now = clock.now()
    let isSlow = now - answer.startedAt >= slow
    guard isSlow || isSampled(answer) else { return }
    log.writeAlways(
      isSlow ? .warning : .info, isSlow ? "slow request" : "request", fields(answer, exchange, at: now))
  }

  /// A request that HTTP refused.
  func note(_ refused: ServerEvents.RefusedRequest) {
    guard sampling > 0 else { return }
    log.writeAlways(
      .info, "refused request",
      [
        ("status", String(refused.status)), ("client", refused.remoteAddress),
        ("reason", Self.short(refused.message)),
      ])
  }

  private func isSampled(_ answer: ServerEvents.Answer) -> Bool {
    guard sampling > 1 else { return sampling == 1 }
    if answer.status >= 400 { return true }
    // Times are as good as random numbers once they are spread.
    return (UInt64(bitPattern: answer.startedAt) &* 0x9e37_79b9_7f4a_7c15) >> 32 % sampling == 0
  }

  private func fields(
    _ answer: ServerEvents.Answer, _ exchange: Exchange, at now: Int64
  ) -> [(String, String)] {
    var fields = [
      ("method", Self.short(exchange.methodName)), ("path", Self.short(exchange.path)),
      ("status", String(answer.status)), ("request_bytes", String(answer.requestBytes)),
      ("response_bytes", String(answer.responseBytes)), ("client", exchange.remoteAddress),
    ]
    if let id = exchange.header("X-Request-ID") { fields.append(("request_id", Self.short(id))) }
    if let trace = exchange.header("traceparent") { fields.append(("traceparent", Self.short(trace))) }
    if let notes = exchange.notes {
      fields += notes.fields.map { ($0.0, Self.short($0.1)) }
      fields += notes.phases.map { ("\($0.0)_us", String($0.1 / 1000)) }
      if notes.answeringSince > 0 {
        fields.append(("serialize_us", String((now - notes.answeringSince) / 1000)))
      }
    }
    return fields + [("total_us", String((now - answer.startedAt) / 1000))]
  }

  private static func short(_ text: String) -> String {
    text.utf8.count <= longestText ? text : String(text.prefix(longestText)) + "…"
  }
}
