public import Bytes
import Locks

/// Every metric of the process, and their text for Prometheus.
///
/// Look a metric up once and keep it: looking up takes a lock, counting does not.
public final class Metrics: Sendable {
  private enum Instrument {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
    /// Read when the page is written.
    case observed(@Sendable () -> Double)

    var value: MetricSamples.Value {
      switch self {
      case .counter(let counter): .count(counter.value)
      case .gauge(let gauge): .number(gauge.value)
      case .histogram(let histogram): histogram.value()
      case .observed(let read): .number(read())
      }
    }
  }

  private struct Series {
    var labels: String
    var instrument: Instrument
  }

  private struct Family {
    var name: String
    var help: String
    var kind: MetricSamples.Kind
    var series: [Series] = []
    /// Where in `series` those labels are.
    var places: [String: Int] = [:]
  }

  private struct State {
    var families: [Family] = []
    var collectors: [@Sendable (inout MetricSamples) -> Void] = []
  }

  private let state = Lock(State())

  public init() {}

  /// The counter of that name and those labels: the same object each time.
  public func counter(_ name: String, help: String, labels: Labels = []) -> Counter {
    let found = find(name, help: help, kind: .counter, labels: labels) { .counter(Counter()) }
    guard case .counter(let counter) = found else { preconditionFailure("\(name) is not a counter") }
    return counter
  }

  /// The gauge of that name and those labels: the same object each time.
  public func gauge(_ name: String, help: String, labels: Labels = []) -> Gauge {
    let found = find(name, help: help, kind: .gauge, labels: labels) { .gauge(Gauge()) }
    guard case .gauge(let gauge) = found else { preconditionFailure("\(name) is not a gauge") }
    return gauge
  }

  /// The histogram of that name and those labels: the same object each time.
  public func histogram(
    _ name: String, help: String, labels: Labels = [], buckets: [Double] = Histogram.durationBounds
  ) -> Histogram {
    let found = find(name, help: help, kind: .histogram, labels: labels) {
      .histogram(Histogram(bounds: buckets))
    }
    guard case .histogram(let histogram) = found else { preconditionFailure("\(name) is not a histogram") }
    return histogram
  }

  /// A gauge whose value is asked for when the page is written. The first reader stays.
  public func observe(
    _ name: String, help: String, labels: Labels = [], isCounter: Bool = false,
    read: @escaping @Sendable () -> Double
  ) {
    _ = find(name, help: help, kind: isCounter ? .counter : .gauge, labels: labels) { .observed(read) }
  }

  /// Has `collector` add samples whenever the page is written: for what comes and goes, as models do.
  public func collect(_ collector: @escaping @Sendable (inout MetricSamples) -> Void) {
    state.withLock { $0.collectors.append(collector) }
  }

  /// Whether `name` may stand for a metric: letters, digits, `_` and `:`, no digit first.
  public static func isValidName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
      return false
    }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"):
        true
      default: false
      }
    }
  }

  private func find(
    _ name: String, help: String, kind: MetricSamples.Kind, labels: Labels, make: @Sendable () -> Instrument
  ) -> Instrument {
    precondition(Metrics.isValidName(name), "not a metric name: \(name)")
    let text = MetricSamples.text(of: labels)
    return state.withLock { state in
      let family: Int
      if let known = state.families.firstIndex(where: { $0.name == name }) {
        family = known
        precondition(
          state.families[known].kind == kind, "\(name) is a \(state.families[known].kind) already")
      } else {
        state.families.append(Family(name: name, help: help, kind: kind))
        family = state.families.count - 1
      }
      if let place = state.families[family].places[text] {
        return state.families[family].series[place].instrument
      }
      let made = make()
      state.families[family].places[text] = state.families[family].series.count
      state.families[family].series.append(Series(labels: text, instrument: made))
      return made
    }
  }

  /// Writes all metrics.
  public func write(_ format: MetricsFormat = .prometheus, to buffer: ByteBuffer) {
    let (families, collectors) = state.withLock { ($0.families, $0.collectors) }
    var samples = MetricSamples()
    for family in families {
      for series in family.series {
        samples.add(family.name, family.help, family.kind, series.labels, series.instrument.value)
      }
    }
    for collector in collectors { collector(&samples) }
    MetricsPage(format: format, buffer: buffer).write(samples)
  }
}
