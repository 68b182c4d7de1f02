import Serving
import Telemetry

/// The metrics of TensorFlow Serving by their names, so that dashboards for it go on working. Times in
/// microseconds; versions of a model are told together.
struct TensorFlowNames {
  let catalog: any ModelCatalog
  let requests: RequestMetricsTable

  func collect(into samples: inout MetricSamples) {
    let models = Dictionary(grouping: catalog.allModels, by: \.name)
    for name in models.keys.sorted() {
      let versions = models[name] ?? []
      count(name, versions, into: &samples)
      let times = versions.flatMap { requests.totals(model: name, version: $0.version) }
      if let latency = HistogramSum(times) {
        samples.histogram(
          ":tensorflow:serving:request_latency",
          help: "Distribution of wall time (in microseconds) for requests",
          labels: [("model_name", name), ("API", "predict"), ("entrypoint", "REST")], latency, scale: 1e6)
      }
    }
  }

  private func count(_ name: String, _ versions: [any InferenceModel], into samples: inout MetricSamples) {
    let statistics = versions.map(\.statistics)
    let outcomes = [
      ("OK", statistics.reduce(0) { $0 + $1.succeeded.count }),
      ("INTERNAL", statistics.reduce(0) { $0 + $1.failed.count }),
      ("CANCELLED", statistics.reduce(0) { $0 + $1.cancelled }),
    ]
    for (status, count) in outcomes {
      samples.counter(
        ":tensorflow:serving:request_count", help: "The total number of requests.",
        labels: [("model_name", name), ("status", status)], Double(count))
    }
  }
}
