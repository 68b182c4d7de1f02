import Serving
import Telemetry

/// The metrics of Triton by their names, so that dashboards for it go on working. Times in microseconds.
struct TritonNames {
  let catalog: any ModelCatalog
  let requests: RequestMetricsTable

  func collect(into samples: inout MetricSamples) {
    for model in catalog.allModels {
      let labels: Labels = [("model", model.name), ("version", String(model.version))]
      counts(model.statistics, labels, into: &samples)
      times(of: model, labels, into: &samples)
      samples.gauge(
        "nv_inference_pending_request_count",
        help: "Instantaneous number of pending requests awaiting execution",
        labels: labels, Double(model.queueDepth))
    }
  }

  private func counts(_ statistics: ModelStatistics, _ labels: Labels, into samples: inout MetricSamples) {
    let counts: [(String, String, Int)] = [
      (
        "request_success", "Number of successful inference requests, all batch sizes",
        statistics.succeeded.count
      ),
      ("count", "Number of inferences performed (does not include cached requests)", statistics.rows),
      (
        "exec_count", "Number of model executions performed (does not include cached requests)",
        statistics.executions
      ),
    ]
    for (name, help, count) in counts {
      samples.counter("nv_inference_\(name)", help: help, labels: labels, Double(count))
    }
    for (reason, count) in [("BACKEND", statistics.failed.count), ("CANCELED", statistics.cancelled)] {
      samples.counter(
        "nv_inference_request_failure", help: "Number of failed inference requests, all batch sizes",
        labels: labels + [("reason", reason)], Double(count))
    }
  }

  private func times(of model: any InferenceModel, _ labels: Labels, into samples: inout MetricSamples) {
    let statistics = model.statistics
    let output = requests.serialized(model: model.name, version: model.version)
    let times: [(String, String, Int64)] = [
      (
        "request", "Cumulative inference request duration in microseconds (includes cached requests)",
        statistics.succeeded.nanoseconds
      ),
      (
        "queue", "Cumulative inference queuing duration in microseconds (includes cached requests)",
        statistics.queue.nanoseconds
      ),
      (
        "compute_input",
        "Cumulative compute input duration in microseconds (does not include cached requests)",
        statistics.assembly.nanoseconds
      ),
      (
        "compute_infer",
        "Cumulative compute inference duration in microseconds (does not include cached requests)",
        statistics.execute.nanoseconds
      ),
      (
        "compute_output",
        "Cumulative inference compute output duration in microseconds (does not include cached requests)",
        output.nanoseconds
      ),
    ]
    for (name, help, nanoseconds) in times {
      samples.counter(
        "nv_inference_\(name)_duration_us", help: help, labels: labels, Double(nanoseconds / 1000))
    }
  }
}
