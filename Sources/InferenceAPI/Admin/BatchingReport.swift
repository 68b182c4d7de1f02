import HTTP
import JSON
import Scheduling
import Serving

/// `GET /admin/models/M/batching`: how the last batches came about, in words.
extension InferenceService {
  func answerBatching(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let reference = try reference(exchange, parameters, .openInference)
    let model = try model(reference, .openInference)
    guard let batching = model.batching else {
      throw APIFailure(503, model.unreadySentence, headers: [("Retry-After", "1")])
    }
    exchange.respond(BatchingReport.document(model, batching))
  }
}

enum BatchingReport {
  static func document(_ model: any InferenceModel, _ batching: BatchingState) -> JSONValue {
    .object([
      ("model", .string(model.name)), ("version", .string(String(model.version))),
      ("policy", .array(sentences(of: batching.policy).map(JSONValue.string))),
      ("waiting", .integer(Int64(batching.waiting))),
      ("predicted_wait_microseconds", .integer(batching.predictedWait / 1000)),
      ("batches", .array(batching.history.map(entry))),
      (
        "note",
        .string(
          "batches from the queue, the oldest first; requests that run at once on an event loop form none")
      ),
    ])
  }

  private static func sentences(of policy: SchedulingPolicy) -> [String] {
    var sentences = [
      policy.maximumRows.map { "a batch holds up to \($0) rows" }
        ?? "the model takes one request at a time: its rows are not stacked"
        + (policy.trainLimit > 1
          ? "; up to \(policy.trainLimit) short ones are handed to its worker together, as long as they take no more than "
            + "\(policy.trainTime / 1000) µs" : ""),
      "up to \(policy.turnLimit) of them run at once",
    ]
    sentences.append(
      policy.linger > 0
        ? "an idle model waits up to \(policy.linger / 1000) µs for more, if more are expected by then"
        : "an idle model takes what is there at once")
    if policy.levels.count > 1 {
      sentences.append("\(policy.levels.count) levels of priority, \(policy.defaultLevel) by default")
    }
    if let sequences = policy.sequences {
      sentences.append(
        "requests come in sequences, up to \(sequences.limit) at once; one that is idle for \(sequences.idle / 1000) µs "
          + "ends")
    }
    return sentences
  }

  private static func entry(_ record: BatchRecord) -> JSONValue {
    .object([
      ("rows", .integer(Int64(record.rows))), ("requests", .integer(Int64(record.requests))),
      ("reason", .string(record.reason.rawValue)), ("explanation", .string(explanation(of: record))),
    ])
  }

  static func explanation(of record: BatchRecord) -> String {
    let rows = record.rows == 1 ? "1 row" : "\(record.rows) rows"
    let requests = record.requests == 1 ? "1 request" : "\(record.requests) requests"
    var text = "\(rows) of \(requests), the oldest after \(record.oldestWait / 1000) µs: \(why(record))"
    if let duration = record.duration {
      text += "; it took \(duration / 1000) µs"
      if let predicted = record.predicted { text += " where \(predicted / 1000) µs were expected" }
    } else {
      text += "; it runs"
    }
    if record.givenUp > 0 {
      text += "; \(record.givenUp) were given up, for which it would have been too late"
    }
    return text + "; \(record.leftWaiting) waited on"
  }

  private static func why(_ record: BatchRecord) -> String {
    switch record.reason {
    case .full: "as many as are served best at once"
    case .idle: "the model was free, and nothing else waited"
    case .deadline: "more would have been too late for one of them"
    case .shape: "what else waited has other shapes"
    case .linger: "the time to wait for more was over"
    }
  }
}
