/// Several histograms over the same buckets, taken together.
public struct HistogramSum: Sendable {
  let bounds: [Double]
  private(set) var counts: [UInt64]
  private(set) var sum: Double

  /// Nil if there is none.
  public init?(_ histograms: [Histogram]) {
    guard let first = histograms.first else { return nil }
    bounds = first.bounds
    counts = first.counts
    sum = first.sum
    for histogram in histograms.dropFirst() {
      precondition(histogram.bounds == bounds, "histograms over other buckets cannot be taken together")
      for (bucket, count) in histogram.counts.enumerated() { counts[bucket] &+= count }
      sum += histogram.sum
    }
  }
}
