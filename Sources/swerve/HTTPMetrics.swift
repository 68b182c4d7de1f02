import HTTP
import Telemetry

/// Counts what the HTTP front end tells.
struct HTTPMetrics {
  let events: ServerEvents

  init(metrics: Metrics, log: Log, accessLog: AccessLog?) {
    var events = ServerEvents()
    let opened = metrics.counter("swerve_http_connections_opened_total", help: "Connections accepted.")
    let closed = metrics.counter("swerve_http_connections_closed_total", help: "Connections that ended.")
    metrics.observe("swerve_http_connections", help: "Connections that are open.") {
      Double(opened.value) - Double(closed.value)
    }
    let received = metrics.counter("swerve_http_request_bytes_total", help: "Bytes of request bodies.")
    let sent = metrics.counter("swerve_http_response_bytes_total", help: "Bytes of responses.")
    let abandoned = metrics.counter(
      "swerve_http_abandoned_total", help: "Clients that left before their answer.")
    let classes = (1...5).map { hundred in
      metrics.counter(
        "swerve_http_responses_total", help: "Responses by class of status.",
        labels: [("class", "\(hundred)xx")])
    }
    let count: @Sendable (Int) -> Void = { status in classes[min(max(status / 100, 1), 5) - 1].add() }
    events.connectionOpened = { opened.add() }
    events.connectionClosed = { closed.add() }
    events.connectionRefused = { reason in
      metrics.counter(
        "swerve_http_connections_refused_total", help: "Connections turned away, by limit.",
        labels: [("reason", "\(reason)")]
      ).add()
    }
    events.answered = { answer, exchange in
      received.add(UInt64(answer.requestBytes))
      sent.add(UInt64(answer.responseBytes))
      count(answer.status)
      accessLog?.note(answer, exchange)
    }
    let countRefused: @Sendable (Int) -> Void = { status in
      metrics.counter(
        "swerve_http_requests_refused_total",
        help:
          "Requests that HTTP itself refused, by status; 503: too many were in flight, or no memory was left.",
        labels: [("code", String(status))]
      ).add()
    }
    events.requestRefused = { refused in
      count(refused.status)
      countRefused(refused.status)
      accessLog?.note(refused)
    }
    events.requestTooMany = { countRefused(503) }
    let lag = metrics.histogram(
      "swerve_event_loop_lag_seconds", help: "How late event loops were, measured once a second.")
    events.loopLagged = { lag.observe(Double($0) * 1e-9) }
    events.abandoned = { abandoned.add() }
    events.log = { level, message, fields in log.write(level, message, fields) }
    self.events = events
  }
}
