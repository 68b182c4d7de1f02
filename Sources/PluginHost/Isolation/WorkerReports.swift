internal import Locks
internal import Telemetry

/// Takes in what the plugin in a worker asks of the server's log and metrics.
final class WorkerReports: Sendable {
  private let services: HostServices
  private let plugin: String
  private let model: String
  private let metrics = Lock<[Int: MetricHandle]>([:])

  init(services: HostServices, plugin: String, model: String) {
    self.services = services
    self.plugin = plugin
    self.model = model
  }

  func take(_ report: Report) {
    switch report {
    case .log(let level, let message):
      services.log(Log.Level(rawValue: min(max(level, 0), 3)) ?? .error, plugin, model, message)
    case .fault(let message): services.faults?(message)
    case .metric(let id, let kind, let name, let help, let bounds):
      let metric: PluginMetrics.Kind = kind == 0 ? .counter : kind == 1 ? .gauge : .histogram(bounds)
      switch services.metrics?.register(name, help: help, metric, plugin: plugin, model: model) {
      case .success(let handle)?: metrics.withLock { $0[id] = handle }
      case .failure(let error)?: services.log(.error, plugin, model, error.message)
      case nil: break
      }
    case .record(let id, let value): metrics.withLock { $0[id] }?.record(value)
    case .signal, .frame: break
    }
  }
}
