import Bytes
import Foundation
import Telemetry
import Testing

private func page(_ metrics: Metrics) -> String {
  let buffer = ByteBuffer()
  metrics.write(to: buffer)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

@Test func aCounterAddsUpOverThreads() {
  let counter = Metrics().counter("c_total", help: "h")
  DispatchQueue.concurrentPerform(iterations: 8) { _ in
    for _ in 0..<10_000 { counter.add() }
  }
  #expect(counter.value == 80_000)
}

@Test func aHistogramIsCumulativeAndEndsInInf() {
  let metrics = Metrics()
  let histogram = metrics.histogram("d_seconds", help: "h", labels: [("model", "m")], buckets: [0.1, 1])
  for value in [0.05, 0.1, 0.5, 7, Double.nan] { histogram.observe(value) }
  #expect(
    page(metrics) == """
      # HELP d_seconds h
      # TYPE d_seconds histogram
      d_seconds_bucket{model="m",le="0.1"} 2
      d_seconds_bucket{model="m",le="1"} 3
      d_seconds_bucket{model="m",le="+Inf"} 4
      d_seconds_sum{model="m"} 7.65
      d_seconds_count{model="m"} 4

      """)
}

@Test func theSameNameAndLabelsGiveTheSameMetric() {
  let metrics = Metrics()
  metrics.counter("c_total", help: "h", labels: [("a", "1")]).add(2)
  metrics.counter("c_total", help: "h", labels: [("a", "1")]).add(3)
  metrics.counter("c_total", help: "h", labels: [("a", "2")]).add(1)
  #expect(page(metrics).contains("c_total{a=\"1\"} 5\nc_total{a=\"2\"} 1\n"))
  #expect(page(metrics).components(separatedBy: "# TYPE").count == 2)
}

@Test func labelValuesAreEscaped() {
  let metrics = Metrics()
  metrics.gauge("g", help: "a\nb\\", labels: [("x", "q\"\\\n")]).set(1.5)
  #expect(page(metrics) == "# HELP g a\\nb\\\\\n# TYPE g gauge\ng{x=\"q\\\"\\\\\\n\"} 1.5\n")
}

@Test func anObservedGaugeIsReadWhenThePageIsWritten() {
  let metrics = Metrics()
  let counter = metrics.counter("c_total", help: "h")
  metrics.observe("o", help: "h") { Double(counter.value) * 2 }
  counter.add(21)
  #expect(page(metrics).contains("\no 42\n"))
}

@Test(arguments: ["a", "_x:y9", "A_total"]) func wellFormedNamesAreValid(_ name: String) {
  #expect(Metrics.isValidName(name))
}

@Test(arguments: ["", "9a", "a b", "a-b", "é"]) func otherNamesAreNot(_ name: String) {
  #expect(!Metrics.isValidName(name))
}

@Test func processMetricsAreNumbersOfThisProcess() throws {
  let metrics = Metrics()
  ProcessMetrics.register(in: metrics)
  let values = Dictionary(
    uniqueKeysWithValues: page(metrics).split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let parts = line.split(separator: " ")
      return (String(parts[0]), Double(parts[1]) ?? .nan)
    })
  #expect(values.count == 5)
  #expect(try #require(values["process_resident_memory_bytes"]) > 1e6)
  #expect(try #require(values["process_open_fds"]) >= 3)
  #expect(try #require(values["process_cpu_seconds_total"]) >= 0)
  #expect(try #require(values["process_max_fds"]) > 3)
}

private func openMetrics(_ metrics: Metrics) -> String {
  let buffer = ByteBuffer()
  metrics.write(.openMetrics, to: buffer)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

@Test func openMetricsNamesCountersWithoutTheirSuffixAndHasAnEnd() {
  let metrics = Metrics()
  metrics.counter("c_total", help: "say \"h\"", labels: [("a", "1")]).add(2)
  metrics.histogram("d_seconds", help: "h", buckets: [0.5, 1]).observe(1)
  #expect(
    openMetrics(metrics) == """
      # HELP c say \\"h\\"
      # TYPE c counter
      c_total{a="1"} 2
      # HELP d_seconds h
      # TYPE d_seconds histogram
      d_seconds_bucket{le="0.5"} 0
      d_seconds_bucket{le="1.0"} 1
      d_seconds_bucket{le="+Inf"} 1
      d_seconds_sum 1
      d_seconds_count 1
      # EOF

      """)
}

@Test func openMetricsHasNoCounterWithoutTheSuffix() {
  let metrics = Metrics()
  metrics.collect { $0.counter("nv_count", help: "h", 3) }
  #expect(openMetrics(metrics).contains("# TYPE nv_count unknown\nnv_count 3\n"))
  #expect(page(metrics).contains("# TYPE nv_count counter\nnv_count 3\n"))
}

@Test func collectorsAreAskedEachTimeAndJoinTheirFamily() {
  let metrics = Metrics()
  let models = Metrics().counter("models_total", help: "h")
  metrics.gauge("g", help: "h", labels: [("m", "a")]).set(1)
  metrics.collect { samples in
    for index in 0..<models.value { samples.gauge("g", help: "h", labels: [("m", "\(index)")], 7) }
  }
  #expect(page(metrics) == "# HELP g h\n# TYPE g gauge\ng{m=\"a\"} 1\n")
  models.add(2)
  #expect(page(metrics).hasSuffix("g{m=\"a\"} 1\ng{m=\"0\"} 7\ng{m=\"1\"} 7\n"))
}

@Test func aHistogramMayBeToldInAnotherUnit() {
  let metrics = Metrics()
  let histogram = metrics.histogram("d_seconds", help: "h", buckets: [0.001])
  histogram.observe(0.002)
  metrics.collect { $0.histogram("d_us", help: "h", histogram, scale: 1e6) }
  #expect(page(metrics).contains("d_us_bucket{le=\"1000\"} 0\nd_us_bucket{le=\"+Inf\"} 1\nd_us_sum 2000\n"))
}
