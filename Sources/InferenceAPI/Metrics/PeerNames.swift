public import Telemetry

/// Servers whose metrics' names are told as well, so that dashboards for them go on working.
public enum PeerNames: String, Sendable, CaseIterable {
  case triton, tensorflow
}

extension InferenceService {
  /// Adds the metrics of the models by the names that other servers have for them. What they tell is counted
  /// anyway, and read when the page is written.
  public func tellMetrics(as names: [PeerNames], in metrics: Metrics) {
    let catalog = catalog
    let requests = requestMetrics
    for name in Set(names) {
      switch name {
      case .triton:
        metrics.collect { TritonNames(catalog: catalog, requests: requests).collect(into: &$0) }
      case .tensorflow:
        metrics.collect { TensorFlowNames(catalog: catalog, requests: requests).collect(into: &$0) }
      }
    }
  }
}
