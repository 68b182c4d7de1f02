public import Bytes
import Locks

/// Names and values that tell apart the series of one metric.
public typealias Labels = [(String, String)]

/// Every metric of the process, and their text for Prometheus.
///
/// Look a metric up once and keep it: looking up takes a lock, counting does not.
public final class Metrics: Sendable {
  private enum Instrument {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
    /// Read when the page is written.
    case observed(kind: String, @Sendable () -> Double)
  }

  private struct Series {
    var labels: String
    var instrument: Instrument
  }

  private struct Family {
    var name: String
    var help: String
    var kind: String
    var series: [Series] = []
    /// Where in `series` those labels are.
    var places: [String: Int] = [:]
  }

  private let families = Lock<[Family]>([])

  public init() {}

  /// The counter of that name and those labels: the same object each time.
  public func counter(_ name: String, help: String, labels: Labels = []) -> Counter {
    let found = find(name, help: help, kind: "counter", labels: labels) { .counter(Counter()) }
    guard case .counter(let counter) = found else { preconditionFailure("\(name) is not a counter") }
    return counter
  }

  /// The gauge of that name and those labels: the same object each time.
  public func gauge(_ name: String, help: String, labels: Labels = []) -> Gauge {
    let found = find(name, help: help, kind: "gauge", labels: labels) { .gauge(Gauge()) }
    guard case .gauge(let gauge) = found else { preconditionFailure("\(name) is not a gauge") }
    return gauge
  }

  /// The histogram of that name and those labels: the same object each time.
  public func histogram(
    _ name: String, help: String, labels: Labels = [], buckets: [Double] = Histogram.durationBounds
  ) -> Histogram {
    let found = find(name, help: help, kind: "histogram", labels: labels) {
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
    let kind = isCounter ? "counter" : "gauge"
    _ = find(name, help: help, kind: kind, labels: labels) { .observed(kind: kind, read) }
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
    _ name: String, help: String, kind: String, labels: Labels, make: @Sendable () -> Instrument
  ) -> Instrument {
    precondition(Metrics.isValidName(name), "not a metric name: \(name)")
    let text = Metrics.text(of: labels)
    return families.withLock { families in
      let family: Int
      if let known = families.firstIndex(where: { $0.name == name }) {
        family = known
        precondition(families[known].kind == kind, "\(name) is a \(families[known].kind) already")
      } else {
        families.append(Family(name: name, help: help, kind: kind))
        family = families.count - 1
      }
      if let place = families[family].places[text] { return families[family].series[place].instrument }
      let made = make()
      families[family].places[text] = families[family].series.count
      families[family].series.append(Series(labels: text, instrument: made))
      return made
    }
  }

  /// Writes all metrics in Prometheus' text format 0.0.4.
  public func writePrometheus(to buffer: ByteBuffer) {
    let families = families.withLock { $0 }
    for family in families {
      buffer.append(
        "# HELP \(family.name) \(Metrics.escapedHelp(family.help))\n# TYPE \(family.name) \(family.kind)\n")
      var lines = MetricLines(name: family.name, buffer: buffer)
      for series in family.series { Metrics.write(series, &lines) }
    }
  }

  private static func write(_ series: Series, _ lines: inout MetricLines) {
    switch series.instrument {
    case .counter(let counter): lines.write(labels: series.labels, count: counter.value)
    case .gauge(let gauge): lines.write(labels: series.labels, number(gauge.value))
    case .observed(_, let read): lines.write(labels: series.labels, number(read()))
    case .histogram(let histogram): lines.write(histogram, labels: series.labels)
    }
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    return "\(value)"
  }

  private static func text(of labels: Labels) -> String {
    labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",")
  }

  private static func escapedHelp(_ text: String) -> String { escaped(text, quotes: false) }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
