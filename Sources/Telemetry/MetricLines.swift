import Bytes

/// Writes the lines of one metric's series. A page of a thousand models has a hundred thousand of them: each is put
/// together in the buffer, without a text of its own.
struct MetricLines {
  let name: String
  let buffer: ByteBuffer
  /// The bounds that were written last, and how they are written: the same for all series of most metrics.
  private var bounds: [Double] = []
  private var boundTexts: [String] = []

  init(name: String, buffer: ByteBuffer) {
    self.name = name
    self.buffer = buffer
  }

  func write(labels: String, count: UInt64) {
    begin("", labels)
    buffer.append(decimal: Int(clamping: count))
    buffer.append(UInt8(ascii: "\n"))
  }

  func write(_ suffix: StaticString = "", labels: String, _ value: String) {
    begin(suffix, labels)
    buffer.append(value)
    buffer.append(UInt8(ascii: "\n"))
  }

  mutating func write(_ histogram: Histogram, labels: String) {
    if bounds != histogram.bounds {
      bounds = histogram.bounds
      boundTexts = bounds.map(Metrics.number)
    }
    var running: UInt64 = 0
    for (bucket, count) in histogram.counts.enumerated() {
      running &+= count
      buffer.append(name)
      buffer.append("_bucket{")
      if !labels.isEmpty {
        buffer.append(labels)
        buffer.append(UInt8(ascii: ","))
      }
      buffer.append("le=\"")
      buffer.append(bucket < boundTexts.count ? boundTexts[bucket] : "+Inf")
      buffer.append("\"} ")
      buffer.append(decimal: Int(clamping: running))
      buffer.append(UInt8(ascii: "\n"))
    }
    write("_sum", labels: labels, Metrics.number(histogram.sum))
    begin("_count", labels)
    buffer.append(decimal: Int(clamping: running))
    buffer.append(UInt8(ascii: "\n"))
  }

  private func begin(_ suffix: StaticString, _ labels: String) {
    buffer.append(name)
    buffer.append(suffix)
    if !labels.isEmpty {
      buffer.append(UInt8(ascii: "{"))
      buffer.append(labels)
      buffer.append(UInt8(ascii: "}"))
    }
    buffer.append(UInt8(ascii: " "))
  }
}
