import Serving
import Synchronization
import Telemetry

/// What is counted of the requests of one dialect for one version of a model.
final class RequestMetrics: Sendable {
  private let metrics: Metrics
  private let labels: Labels
  private let succeeded: Counter
  let total: Histogram
  private let parse: Histogram
  private let serialize: Histogram

  init(_ metrics: Metrics, model: String, version: String, dialect: Dialect) {
    self.metrics = metrics
    labels = [("model", model), ("version", version), ("protocol", dialect.rawValue)]
    succeeded = RequestMetrics.requests(metrics, labels, status: 200)
    total = metrics.histogram(
      "swerve_request_duration_seconds",
      help: "Time from the first byte of an inference request to its written answer.", labels: labels)
    parse = metrics.histogram(
      "swerve_parse_duration_seconds", help: "Time to read a request's body into tensors.", labels: labels)
    serialize = metrics.histogram(
      "swerve_serialize_duration_seconds", help: "Time to write the outputs of an answer.", labels: labels)
  }

  private static func requests(_ metrics: Metrics, _ labels: Labels, status: Int) -> Counter {
    metrics.counter(
      "swerve_requests_total", help: "Inference requests, by the status of their answer.",
      labels: labels + [("code", String(status))])
  }

  /// The model and version that it counts for.
  var identity: Labels { Array(labels.prefix(2)) }

  /// Counts a request that was answered with its outputs. Durations in nanoseconds.
  func recordSuccess(parse: Int64, serialize: Int64, total: Int64) {
    succeeded.add()
    self.parse.observe(Double(parse) * 1e-9)
    self.serialize.observe(Double(serialize) * 1e-9)
    self.total.observe(Double(total) * 1e-9)
  }

  /// How many answers were written, and how long that took.
  var serialized: ModelStatistics.Sum {
    ModelStatistics.Sum(
      count: Int(serialize.counts.reduce(0, +)), nanoseconds: Int64(serialize.sum * 1e9))
  }

  /// Counts a request that was refused or failed. Looks the counter up, which takes a lock.
  func recordFailure(status: Int, total: Int64) {
    RequestMetrics.requests(metrics, labels, status: status).add()
    self.total.observe(Double(total) * 1e-9)
  }
}

/// The metrics of every model that was asked for, found without a lock.
///
/// A hash table that only grows: buckets are lists whose links are set once. Its size is that of the
/// set of models ever served, which clients cannot enlarge.
final class RequestMetricsTable: Sendable {
  private final class Entry: Sendable {
    let model: String
    let version: Int
    let dialect: Dialect
    let metrics: RequestMetrics
    let next = AtomicLazyReference<Entry>()

    init(model: String, version: Int, dialect: Dialect, metrics: RequestMetrics) {
      self.model = model
      self.version = version
      self.dialect = dialect
      self.metrics = metrics
    }

    func isFor(_ model: String, _ version: Int, _ dialect: Dialect) -> Bool {
      self.version == version && self.dialect == dialect && self.model == model
    }
  }

  private final class Bucket: Sendable {
    let first = AtomicLazyReference<Entry>()
  }

  private let metrics: Metrics
  private let buckets = (0..<256).map { _ in Bucket() }
  private let unknown: [RequestMetrics]

  init(_ metrics: Metrics) {
    self.metrics = metrics
    unknown = Dialect.allCases.map { RequestMetrics(metrics, model: "", version: "", dialect: $0) }
  }

  /// For requests whose model is unknown: their names would let a client add series at will.
  func unknownModel(_ dialect: Dialect) -> RequestMetrics { unknown[dialect == .openInference ? 0 : 1] }

  /// The durations of all requests for a version of a model, by dialect.
  func totals(model: String, version: Int) -> [Histogram] {
    Dialect.allCases.map { metrics(model: model, version: version, dialect: $0).total }
  }

  /// How many answers of a version of a model were written, in all dialects, and how long that took.
  func serialized(model: String, version: Int) -> ModelStatistics.Sum {
    var sum = ModelStatistics.Sum()
    for dialect in Dialect.allCases {
      let own = metrics(model: model, version: version, dialect: dialect).serialized
      sum.count += own.count
      sum.nanoseconds += own.nanoseconds
    }
    return sum
  }

  func metrics(model: String, version: Int, dialect: Dialect) -> RequestMetrics {
    var hasher = Hasher()
    hasher.combine(model)
    hasher.combine(version)
    let bucket = buckets[Int(UInt(bitPattern: hasher.finalize()) % UInt(buckets.count))]
    guard var entry = bucket.first.load() else {
      let stored = bucket.first.storeIfNil(makeEntry(model, version, dialect))
      return find(from: stored, model, version, dialect)
    }
    if entry.isFor(model, version, dialect) { return entry.metrics }
    while let next = entry.next.load() {
      entry = next
      if entry.isFor(model, version, dialect) { return entry.metrics }
    }
    return find(from: entry, model, version, dialect)
  }

  /// Goes on from `entry`, and adds to the list's end what it does not hold.
  private func find(
    from entry: Entry, _ model: String, _ version: Int, _ dialect: Dialect
  ) -> RequestMetrics {
    var entry = entry
    while !entry.isFor(model, version, dialect) {
      entry = entry.next.load() ?? entry.next.storeIfNil(makeEntry(model, version, dialect))
    }
    return entry.metrics
  }

  private func makeEntry(_ model: String, _ version: Int, _ dialect: Dialect) -> Entry {
    Entry(
      model: model, version: version, dialect: dialect,
      metrics: RequestMetrics(metrics, model: model, version: String(version), dialect: dialect))
  }
}
