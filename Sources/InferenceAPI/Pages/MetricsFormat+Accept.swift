import HTTP
import Telemetry

extension Exchange {
  /// OpenMetrics for who names it in `Accept`, Prometheus' own text for all others.
  var metricsFormat: MetricsFormat {
    let type: StaticString = "application/openmetrics-text"
    let isNamed = headers.contains { field in
      field.name.lowercased() == "accept" && field.value.lowercased().contains("\(type)")
    }
    return isNamed && acceptsHeader(type) ? .openMetrics : .prometheus
  }
}
