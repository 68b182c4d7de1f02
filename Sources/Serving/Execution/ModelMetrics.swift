import Scheduling
import Telemetry

/// The metrics of one version of a model, looked up once.
struct ModelMetrics: Sendable {
  let succeeded: Counter
  let failed: Counter
  let refused: Counter
  let cancelled: Counter
  let executions: Counter
  let rows: Counter
  let queueDuration: Histogram
  let executeDuration: Histogram
  let batchSize: Histogram
  let retried: Counter
  let cacheHits: Counter
  let cacheMisses: Counter
  /// From a request's release into a batch to the batch's execution.
  let batchWait: Histogram
  private let rejections: [ServingError.Code: Counter]
  private let releases: [ReleaseReason: Counter]

  init(_ metrics: Metrics, name: String, version: Int) {
    let labels: Labels = [("model", name), ("version", String(version))]
    func inferences(_ outcome: String) -> Counter {
      metrics.counter(
        "swerve_inferences_total", help: "Inferences, by how they ended.",
        labels: labels + [("outcome", outcome)])
    }
    succeeded = inferences("success")
    failed = inferences("failure")
    refused = inferences("refused")
    cancelled = inferences("cancelled")
    executions = metrics.counter(
      "swerve_executions_total", help: "Calls of a plugin's execute; a batch counts once.", labels: labels)
    rows = metrics.counter("swerve_rows_total", help: "Rows executed.", labels: labels)
    queueDuration = metrics.histogram(
      "swerve_queue_duration_seconds", help: "Time a request waited for its execution.", labels: labels)
    executeDuration = metrics.histogram(
      "swerve_execute_duration_seconds", help: "Time from a request's execution to its answer.",
      labels: labels)
    batchSize = metrics.histogram(
      "swerve_batch_size", help: "Rows in an execution.", labels: labels,
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256])
    batchWait = metrics.histogram(
      "swerve_batch_wait_duration_seconds",
      help: "Time from a request's release from the queue to the execution of its batch.", labels: labels)
    var rejections: [ServingError.Code: Counter] = [:]
    for code in ServingError.Code.allCases where code != .cancelled {
      rejections[code] = metrics.counter(
        "swerve_rejected_total", help: "Inferences that were not executed, by reason.",
        labels: labels + [("reason", code.name)])
    }
    self.rejections = rejections
    retried = metrics.counter(
      "swerve_batches_retried_total",
      help: "Batches that failed as a whole and were executed again in parts.",
      labels: labels)
    func lookups(_ result: String) -> Counter {
      metrics.counter(
        "swerve_cache_lookups_total",
        help: "Requests for models with a response cache, by whether it knew them.",
        labels: labels + [("result", result)])
    }
    cacheHits = lookups("hit")
    cacheMisses = lookups("miss")
    var releases: [ReleaseReason: Counter] = [:]
    for reason in ReleaseReason.allCases {
      releases[reason] = metrics.counter(
        "swerve_batch_releases_total",
        help: "Batches from the queue, by why they had the size that they had.",
        labels: labels + [("reason", reason.rawValue)])
    }
    self.releases = releases
  }

  /// Counts a request that was not executed, by why not.
  func refused(for code: ServingError.Code) {
    guard code != .cancelled else { return cancelled.add() }
    refused.add()
    rejections[code]?.add()
  }

  func released(_ reason: ReleaseReason) { releases[reason]?.add() }

  /// - Parameter queued: the executions that are not of one row on an event loop.
  func statistics(queued: [Int: BatchSizeStatistics], lastExecution: Int64) -> ModelStatistics {
    func sum(_ histogram: Histogram) -> ModelStatistics.Sum {
      ModelStatistics.Sum(
        count: Int(histogram.counts.reduce(0, +)), nanoseconds: Int64(histogram.sum * 1e9))
    }
    var statistics = ModelStatistics()
    statistics.queue = sum(queueDuration)
    statistics.execute = sum(executeDuration)
    statistics.executions = Int(executions.value)
    statistics.rows = Int(rows.value)
    statistics.cancelled = Int(cancelled.value)
    statistics.cacheHit.count = Int(cacheHits.value)
    statistics.cacheMiss.count = Int(cacheMisses.value)
    statistics.lastExecution = lastExecution
    statistics.succeeded.count = Int(succeeded.value)
    statistics.failed.count = Int(failed.value)
    let answered = max(statistics.succeeded.count + statistics.failed.count, 1)
    let total = statistics.queue.nanoseconds + statistics.execute.nanoseconds
    statistics.failed.nanoseconds = Int64(
      Double(total) * Double(statistics.failed.count) / Double(answered))
    statistics.succeeded.nanoseconds = total - statistics.failed.nanoseconds
    statistics.releases = releases.mapValues { Int($0.value) }
    statistics.batches = queued.values.sorted { $0.rows < $1.rows }
    statistics.assembly = ModelStatistics.Sum(
      count: statistics.execute.count, nanoseconds: statistics.batches.reduce(0) { $0 + $1.assembly })
    return statistics
  }
}
