internal import CSwervePlugin
internal import Locks
internal import Synchronization
internal import Telemetry

/// The metrics that plugins registered. Handles live as long as the process: a model that is loaded
/// again gets the same ones, and goes on counting where it was.
final class PluginMetrics: Sendable {
  static let limitPerModel = 64

  enum Kind: Equatable {
    case counter, gauge
    case histogram([Double])
  }

  private struct Owner: Hashable {
    var plugin: String
    var model: String
  }

  private struct Registry {
    /// One kind a name over all plugins: they share the page.
    var kinds: [String: Kind] = [:]
    var handles: [Owner: [String: MetricHandle]] = [:]
  }

  private enum Target {
    case metrics(Metrics)
    /// Another process's, told by number.
    case relay(@Sendable (Report) -> Void)
  }

  private let target: Target
  private let registry = Lock(Registry())
  private let relayed = Atomic<Int>(0)

  init(_ metrics: Metrics) { target = .metrics(metrics) }

  init(relay: @escaping @Sendable (Report) -> Void) { target = .relay(relay) }

  /// The metric of that name of the model; a sentence if it is refused.
  func register(
    _ name: String, help: String, _ kind: Kind, plugin: String, model: String
  ) -> Result<MetricHandle, PluginError> {
    guard (1...100).contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
      return refuse("metric \"\(name)\" was refused: a name has 1 to 100 letters, digits and _")
    }
    let owner = Owner(plugin: plugin, model: model)
    return registry.withLock { registry in
      if let known = registry.kinds[name], known != kind {
        return refuse("metric \"\(name)\" was refused: there is one of another kind by that name")
      }
      if let known = registry.handles[owner]?[name] { return .success(known) }
      guard registry.handles[owner, default: [:]].count < Self.limitPerModel else {
        return refuse("metric \"\(name)\" was refused: the model has \(Self.limitPerModel) already")
      }
      let handle = MetricHandle(make(name, help, kind, owner))
      registry.kinds[name] = kind
      registry.handles[owner, default: [:]][name] = handle
      return .success(handle)
    }
  }

  private func make(_ name: String, _ help: String, _ kind: Kind, _ owner: Owner) -> MetricHandle.Instrument {
    guard case .metrics(let metrics) = target else { return relay(name, help, kind) }
    let name = "swerve_plugin_\(name)"
    let labels: Labels = [("plugin", owner.plugin), ("model", owner.model)]
    switch kind {
    case .counter: return .counter(metrics.counter(name, help: help, labels: labels))
    case .gauge: return .gauge(metrics.gauge(name, help: help, labels: labels))
    case .histogram(let bounds):
      return .histogram(metrics.histogram(name, help: help, labels: labels, buckets: bounds))
    }
  }

  private func relay(_ name: String, _ help: String, _ kind: Kind) -> MetricHandle.Instrument {
    guard case .relay(let send) = target else { preconditionFailure("metrics without a target") }
    let id = relayed.wrappingAdd(1, ordering: .relaxed).newValue
    switch kind {
    case .counter: send(.metric(id: id, kind: 0, name: name, help: help, bounds: []))
    case .gauge: send(.metric(id: id, kind: 1, name: name, help: help, bounds: []))
    case .histogram(let bounds): send(.metric(id: id, kind: 2, name: name, help: help, bounds: bounds))
    }
    return .relayed(id, send)
  }

  private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private func refuse(_ message: String) -> Result<MetricHandle, PluginError> {
    .failure(PluginError(status: .invalidArgument, message: message))
  }
}

/// What a `swerve_metric` points to.
final class MetricHandle: Sendable {
  enum Instrument: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
    case relayed(Int, @Sendable (Report) -> Void)
  }

  private let instrument: Instrument

  init(_ instrument: Instrument) { self.instrument = instrument }

  func record(_ value: Double) {
    switch instrument {
    case .counter(let counter): if let whole = UInt64(exactly: value.rounded(.down)) { counter.add(whole) }
    case .gauge(let gauge): gauge.set(value)
    case .histogram(let histogram): histogram.observe(value)
    case .relayed(let id, let send): send(.record(id: id, value: value))
    }
  }
}

func makeMetricsTable() -> swerve_metrics {
  var table = swerve_metrics()
  table.struct_size = MemoryLayout<swerve_metrics>.size
  table.counter = { register($0, $1, $2, .counter) }
  table.gauge = { register($0, $1, $2, .gauge) }
  table.histogram = { host, name, help, bounds, count in
    guard let bounds, (1...64).contains(count) else { return refuse(host, name, "1 to 64 bounds") }
    let ascending = Array(UnsafeBufferPointer(start: bounds, count: Int(count)))
    guard ascending.allSatisfy(\.isFinite), zip(ascending, ascending.dropFirst()).allSatisfy(<) else {
      return refuse(host, name, "finite, ascending bounds")
    }
    return register(host, name, help, .histogram(ascending))
  }
  table.record = { metric, value in
    guard let metric else { return }
    Unmanaged<MetricHandle>.fromOpaque(UnsafeRawPointer(metric)).takeUnretainedValue().record(value)
  }
  return table
}

private func register(
  _ host: UnsafePointer<swerve_host>?, _ name: UnsafePointer<CChar>?, _ help: UnsafePointer<CChar>?,
  _ kind: PluginMetrics.Kind
) -> OpaquePointer? {
  guard let binding = HostBinding.behind(host), let metrics = binding.services.metrics else { return nil }
  guard let name else {
    binding.report(.nullArgument, "a metric was registered with the name NULL")
    return nil
  }
  let owner = binding.names
  let result = metrics.register(
    text(name, limit: 128), help: help.map { text($0, limit: 256) } ?? "", kind, plugin: owner.plugin,
    model: owner.model)
  switch result {
  case .success(let handle): return OpaquePointer(Unmanaged.passUnretained(handle).toOpaque())
  case .failure(let error):
    binding.log(.error, error.message)
    return nil
  }
}

private func refuse(
  _ host: UnsafePointer<swerve_host>?, _ name: UnsafePointer<CChar>?, _ expected: String
) -> OpaquePointer? {
  HostBinding.behind(host)?.log(
    .error, "metric \"\(excerpt(name))\" was refused: a histogram has \(expected)")
  return nil
}
