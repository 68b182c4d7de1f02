import HTTP
import JSON

/// The `trace` extension: what is traced, of all models or of one.
extension InferenceService {
  func answerTraceSettings(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let name = parameters["model"]
    if name != nil { _ = try modelOrBadRequestOfTriton(try reference(exchange, parameters, .openInference)) }
    if exchange.method == .post {
      tracer.change(try traceChanges(try exchange.documentMembers()), model: name)
    }
    exchange.respond(tracer.document(model: name))
  }

  /// What to change; all or nothing, since a member at fault refuses the whole.
  private func traceChanges(_ members: [(String, JSONValue)]) throws(APIFailure) -> TraceChanges {
    var changes: TraceChanges = [:]
    for (key, value) in members {
      if key == "trace_file" {
        try checkTraceFile(value)
        continue
      }
      // Clients send back what they read.
      if key == "trace_mode", value == .null || value == .string(Tracer.mode) { continue }
      guard let setting = TraceSetting(rawValue: key) else {
        let names = TraceSetting.allCases.map(\.rawValue).joined(separator: ", ")
        throw .badRequest("\(excerpt(key)): no such trace setting; expected \(names)")
      }
      let number = value == .null ? nil : try setting.value(value)
      if setting == .level, number ?? 0 > 0, tracer.path == nil {
        throw .badRequest(
          "trace_level: this server has no file to write traces to; start it with --trace-file FILE")
      }
      changes[setting] = .some(number)
    }
    return changes
  }

  /// Clients send back what they read; what they may not say is where on the server's disk it writes.
  private func checkTraceFile(_ value: JSONValue) throws(APIFailure) {
    guard value == .null || value == .string(tracer.path ?? "") else {
      throw .badRequest(
        "trace file location can not be updated through network protocol; --trace-file of the server sets it"
      ).withTritonStatus(501)
    }
  }
}
