/// Names and values that tell apart the series of one metric.
public typealias Labels = [(String, String)]

/// Values of metrics at one moment, by family: what a page is written from.
public struct MetricSamples {
  public enum Kind: String, Sendable { case counter, gauge, histogram }

  enum Value {
    case number(Double)
    case count(UInt64)
    /// Values by bucket, and their sum; one more count than bounds.
    case distribution(bounds: [Double], counts: [UInt64], sum: Double)
  }

  struct Family {
    var name: String
    var help: String
    var kind: Kind
    var samples: [(labels: String, value: Value)] = []
  }

  private(set) var families: [Family] = []
  private var places: [String: Int] = [:]

  init() {}

  public mutating func gauge(_ name: String, help: String, labels: Labels = [], _ value: Double) {
    add(name, help, .gauge, Self.text(of: labels), .number(value))
  }

  public mutating func counter(_ name: String, help: String, labels: Labels = [], _ value: Double) {
    add(name, help, .counter, Self.text(of: labels), .number(value))
  }

  /// - Parameter scale: what bounds and sum are multiplied by: 1e6 shows seconds as microseconds.
  public mutating func histogram(
    _ name: String, help: String, labels: Labels = [], _ histogram: Histogram, scale: Double = 1
  ) {
    add(name, help, .histogram, Self.text(of: labels), histogram.value(scale: scale))
  }

  public mutating func histogram(
    _ name: String, help: String, labels: Labels = [], _ histograms: HistogramSum, scale: Double = 1
  ) {
    let value = Value.distribution(
      bounds: histograms.bounds.map { $0 * scale }, counts: histograms.counts, sum: histograms.sum * scale)
    add(name, help, .histogram, Self.text(of: labels), value)
  }

  /// Families keep the order in which they first came; a second one of a name joins the first.
  mutating func add(_ name: String, _ help: String, _ kind: Kind, _ labels: String, _ value: Value) {
    let place = places[name] ?? families.count
    if place == families.count {
      places[name] = place
      families.append(Family(name: name, help: help, kind: kind))
    }
    families[place].samples.append((labels, value))
  }

  static func text(of labels: Labels) -> String {
    labels.map { "\($0.0)=\"\(MetricsPage.escaped($0.1, quotes: true))\"" }.joined(separator: ",")
  }
}

extension Histogram {
  func value(scale: Double = 1) -> MetricSamples.Value {
    .distribution(bounds: scale == 1 ? bounds : bounds.map { $0 * scale }, counts: counts, sum: sum * scale)
  }
}
