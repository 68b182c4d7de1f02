import Bytes

/// The forms in which metrics are served.
public enum MetricsFormat: Sendable {
  /// Prometheus' text format 0.0.4.
  case prometheus
  /// OpenMetrics 1.0.
  case openMetrics

  public var contentType: StaticString {
    switch self {
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }
}

/// Writes samples in one of the formats.
struct MetricsPage {
  let format: MetricsFormat
  let buffer: ByteBuffer

  func write(_ samples: MetricSamples) {
    for family in samples.families { write(family) }
    if format == .openMetrics { buffer.append("# EOF\n") }
  }

  private func write(_ family: MetricSamples.Family) {
    let (name, kind) = head(of: family)
    buffer.append("# HELP \(name) \(Self.escaped(family.help, quotes: format == .openMetrics))\n")
    buffer.append("# TYPE \(name) \(kind)\n")
    for (labels, value) in family.samples { write(value, labels, of: family.name) }
  }

  /// The name and type of a family. OpenMetrics names a counter without the `_total` of its samples, and knows
  /// no counter whose samples lack it.
  private func head(of family: MetricSamples.Family) -> (name: String, kind: String) {
    guard format == .openMetrics, family.kind == .counter else { return (family.name, family.kind.rawValue) }
    guard family.name.hasSuffix("_total") else { return (family.name, "unknown") }
    return (String(family.name.dropLast("_total".count)), "counter")
  }

  private func write(_ value: MetricSamples.Value, _ labels: String, of name: String) {
    switch value {
    case .number(let number): line(name, "", labels, Self.text(of: number))
    case .count(let count): line(name, "", labels, String(count))
    case .distribution(let bounds, let counts, let sum):
      let prefix = labels.isEmpty ? "" : labels + ","
      var running: UInt64 = 0
      for (bucket, count) in counts.enumerated() {
        running &+= count
        let bound = bucket < bounds.count ? bounds[bucket] : .infinity
        line(name, "_bucket", "\(prefix)le=\"\(boundText(bound))\"", String(running))
      }
      line(name, "_sum", labels, Self.text(of: sum))
      line(name, "_count", labels, String(running))
    }
  }

  private func line(_ name: String, _ suffix: String, _ labels: String, _ value: String) {
    buffer.append(labels.isEmpty ? "\(name)\(suffix) \(value)\n" : "\(name)\(suffix){\(labels)} \(value)\n")
  }

  /// OpenMetrics wants a bound that is whole to look like a number with a fraction.
  private func boundText(_ bound: Double) -> String {
    let text = Self.text(of: bound)
    return format == .openMetrics && text.allSatisfy(\.isNumber) ? text + ".0" : text
  }

  static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    return "\(value)"
  }

  static func escaped(_ text: String, quotes: Bool) -> String {
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
