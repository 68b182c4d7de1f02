/// How much later than predicted things ended of late, as round-trip times are followed (RFC 6298).
struct PredictionError {
  private var mean = 0.0
  private var deviation = 0.0

  /// Takes in that something ended so many nanoseconds after it was predicted to; below 0: before.
  mutating func learn(_ error: Int64) {
    let difference = Double(error) - mean
    mean += difference / 8
    deviation += (difference.magnitude - deviation) / 4
  }

  /// Nanoseconds to add to a prediction of `duration` so that it is kept nearly always, but no more than a quarter:
  /// where nothing can be foretold, trying is better than refusing.
  func allowance(for duration: Double) -> Double { min(max(mean + 2 * deviation, 0), duration / 4) }
}
