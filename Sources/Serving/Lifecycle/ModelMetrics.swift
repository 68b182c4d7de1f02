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
  }
}
