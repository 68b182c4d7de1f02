import HTTP
import JSON
import PluginHost
import Scheduling
import Serving

/// The statistics extension: `GET /v2/models[/M[/versions/V]]/stats`.
extension InferenceService {
  func answerStatistics(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let models = try counted(exchange, parameters)
    exchange.respond(.object([("model_stats", .array(models.map(statistics)))]))
  }

  /// The version that is named, every ready version of the model that is named, or every ready model.
  private func counted(
    _ exchange: Exchange, _ parameters: PathParameters
  ) throws(APIFailure) -> [any InferenceModel] {
    guard parameters["model"] != nil else { return catalog.allModels.filter(\.isReady) }
    let reference = try reference(exchange, parameters, .openInference)
    let newest = try model(reference, .openInference)
    return reference.isNewest ? catalog.modelVersions(of: newest.name).filter(\.isReady) : [newest]
  }

  private func statistics(of model: any InferenceModel) -> JSONValue {
    StatisticsDocument.document(
      model, model.statistics,
      serialized: requestMetrics.serialized(model: model.name, version: model.version),
      lastInference: wallMilliseconds(model.statistics))
  }

  /// When the model executed last, in milliseconds since 1970; 0 for never.
  private func wallMilliseconds(_ statistics: ModelStatistics) -> Int64 {
    guard statistics.lastExecution > 0 else { return 0 }
    return identity.startedAt * 1000 + (statistics.lastExecution - startedAt) / 1_000_000
  }
}

enum StatisticsDocument {
  typealias Sum = ModelStatistics.Sum

  static func document(
    _ model: any InferenceModel, _ statistics: ModelStatistics, serialized: Sum, lastInference: Int64
  ) -> JSONValue {
    // Answers are written a moment after they were executed; clients take the counts of the phases to be the same.
    let output = Sum(count: statistics.execute.count, nanoseconds: serialized.nanoseconds)
    return .object([
      ("name", .string(model.name)), ("version", .string(String(model.version))),
      ("last_inference", .integer(lastInference)),
      ("inference_count", .integer(Int64(statistics.rows))),
      ("execution_count", .integer(Int64(statistics.executions))),
      (
        "inference_stats",
        .object([
          ("success", duration(statistics.succeeded)), ("fail", duration(statistics.failed)),
          ("queue", duration(statistics.queue)), ("compute_input", duration(statistics.assembly)),
          ("compute_infer", duration(statistics.execute)), ("compute_output", duration(output)),
          ("cache_hit", duration(statistics.cacheHit)), ("cache_miss", duration(statistics.cacheMiss)),
        ])
      ),
      ("response_stats", .object([])),
      ("batch_stats", .array(batches(statistics).map { entry($0) })),
      (
        "batch_releases",
        .object(
          ReleaseReason.allCases.map { ($0.rawValue, .integer(Int64(statistics.releases[$0] ?? 0))) })
      ),
      ("memory_usage", .array([])),
    ])
  }

  /// The sizes that were counted, and with those of one row what ran on event loops, which is the rest.
  private static func batches(_ statistics: ModelStatistics) -> [BatchSizeStatistics] {
    var single = BatchSizeStatistics(rows: 1)
    single.executions =
      statistics.executions
      - statistics.batches.reduce(0) { $0 + ($1.rows == 1 ? 0 : $1.executions) }
    guard single.executions > 0 else { return statistics.batches.filter { $0.rows != 1 } }
    let counted = statistics.batches.first { $0.rows == 1 }
    single.assembly = counted?.assembly ?? 0
    let perRow = statistics.batches.reduce(0) {
      $0 + ($1.rows == 1 ? 0 : $1.execute * Int64(max($1.rows, 1)))
    }
    single.execute = max(statistics.execute.nanoseconds - perRow, counted?.execute ?? 0)
    return ([single] + statistics.batches.filter { $0.rows != 1 }).sorted { $0.rows < $1.rows }
  }

  private static func entry(_ batch: BatchSizeStatistics) -> JSONValue {
    func sum(_ nanoseconds: Int64) -> JSONValue {
      duration(Sum(count: batch.executions, nanoseconds: nanoseconds))
    }
    return .object([
      ("batch_size", .integer(Int64(batch.rows))), ("compute_input", sum(batch.assembly)),
      ("compute_infer", sum(batch.execute)), ("compute_output", sum(0)),
    ])
  }

  private static func duration(_ sum: Sum) -> JSONValue {
    .object([("count", .integer(Int64(sum.count))), ("ns", .integer(sum.nanoseconds))])
  }
}
