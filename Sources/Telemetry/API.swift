public import Bytes

public typealias Labels = [(String, String)]

/// A number that only grows. Cheap from any thread: the cells are sharded by thread.
public final class Counter: Sendable {
  public func add(_ n: UInt64 = 1) { fatalError() }
  public var value: UInt64 { fatalError() }
}
/// A number that goes up and down.
public final class Gauge: Sendable {
  public func set(_ value: Double) { fatalError() }
  public func add(_ delta: Double) { fatalError() }
}
/// A distribution over fixed buckets.
public final class Histogram: Sendable {
  public func observe(_ value: Double) { fatalError() }
}

/// Every metric of the process; written as Prometheus text.
public final class Metrics: Sendable {
  public init() {}
  /// The same object again for the same name and labels.
  public func counter(_ name: String, help: String, labels: Labels = []) -> Counter { fatalError() }
  public func gauge(_ name: String, help: String, labels: Labels = []) -> Gauge { fatalError() }
  public func histogram(_ name: String, help: String, labels: Labels = [], buckets: [Double]) -> Histogram { fatalError() }
  /// Prometheus text format 0.0.4.
  public func writePrometheus(to buffer: ByteBuffer) { fatalError() }
}

/// Structured log lines, one record a line; text a client sent cannot forge one.
public final class Log: Sendable {
  public enum Level: Int, Sendable, Comparable {
    case debug, info, warning, error
    public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
  }
  public init(level: Level = .info, json: Bool = false) { fatalError() }
  public func write(_ level: Level, _ message: @autoclosure () -> String, _ fields: [(String, String)] = []) { fatalError() }
}
