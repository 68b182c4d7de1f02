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

  /// - Parameter metrics: those of the model, which the service keeps.
  init(_ exchange: Exchange, _ service: InferenceService, metrics: RequestMetrics) {
    self.metrics = metrics
    self.service = service
    startedAt = exchange.startedAt
    readingSince = service.clock.now()
  }

  func now() -> Int64 { service.clock.now() }

  /// The body has been read into tensors.
  mutating func finishedReading() { parseDuration = now() - readingSince }

  var tellsTiming: Bool { service.tellsTiming }

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
    if service.notesRequests, exchange.notes == nil { note(exchange, id: "", timing: nil, since: now()) }
    service.refuse(exchange, failure)
    recordFailure(status: failure.status)
  }

  /// Leaves what an access log tells of the inference; nothing if there is none.
  ///
  /// - Parameter start: when its answer begins to be written.
  func note(_ exchange: Exchange, id: String, timing: InferenceTiming?, since start: Int64) {
    guard service.notesRequests else { return }
    var notes = RequestNotes(fields: metrics.identity, answeringSince: start)
    if !id.isEmpty { notes.fields.append(("id", id)) }
    notes.phases = [("parse", parseDuration)]
    if let timing {
      notes.phases += [("queue", timing.queue), ("batch", timing.assembly), ("execute", timing.execute)]
    }
    exchange.notes = notes
  }

  /// Traces the inference, if it is one of those that are. Once its answer has been written.
  ///
  /// - Parameter start: when that began.
  func trace(id: String?, _ timing: InferenceTiming, since start: Int64) {
    guard service.tracer.isOn else { return }
    let labels = metrics.identity
    var trace = RequestTrace(model: labels[0].1, version: labels[1].1, request: id ?? "")
    trace.append("HTTP_RECV_START", startedAt)
    trace.append("HTTP_RECV_END", readingSince)
    trace.append("REQUEST_START", readingSince + parseDuration)
    trace.append(timing)
    trace.append("REQUEST_END", start)
    trace.append("HTTP_SEND_START", start)
    trace.append("HTTP_SEND_END", now())
    service.tracer.record(trace)
  }

  func recordFailure(status: Int) {
    metrics.recordFailure(status: status, total: now() - startedAt)
  }
}
