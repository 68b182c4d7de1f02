import PluginHost
import Synchronization
import Telemetry

extension ModelManager {
  func countLoad(of model: ServedModel, _ outcome: String) {
    metrics.counter(
      "swerve_model_loads_total", help: "Times that a model was loaded and its plugin started, by outcome.",
      labels: [("model", model.name), ("version", String(model.version)), ("outcome", outcome)]
    ).add()
  }

  /// What the models are at the moment that the metrics are asked for. A version that is gone is told no more.
  func collect(into samples: inout MetricSamples) {
    for model in models {
      let labels: Labels = [("model", model.name), ("version", String(model.version))]
      samples.gauge(
        "swerve_model_state", help: "1 for the state that a version of a model is in.",
        labels: labels + [("state", model.state.name)], 1)
      samples.gauge(
        "swerve_queue_requests", help: "Requests that wait for their model.", labels: labels,
        Double(model.queueDepth))
      samples.gauge(
        "swerve_requests_in_flight", help: "Requests that a model has taken in and not answered.",
        labels: labels, Double(model.gate.count))
      samples.gauge(
        "swerve_model_load_seconds", help: "What loading a model took, its warm-up included.", labels: labels,
        Double(model.loadTime) * 1e-9)
      samples.gauge(
        "swerve_model_memory_bytes",
        help: "Memory that a loaded model says it takes, or else the size of its files.", labels: labels,
        model.isReady ? Double(model.byteEstimate) : 0)
      if let worker = model.worker { collect(worker, labels, into: &samples) }
    }
  }

  private func collect(_ worker: WorkerStatus, _ labels: Labels, into samples: inout MetricSamples) {
    samples.gauge(
      "swerve_worker_up", help: "1 while a model's worker serves, 0 while it is quarantined.", labels: labels,
      worker.fault == nil ? 1 : 0)
    samples.counter(
      "swerve_worker_restarts_total", help: "Workers that ended by themselves and were started again.",
      labels: labels, Double(worker.restartCount))
  }
}
