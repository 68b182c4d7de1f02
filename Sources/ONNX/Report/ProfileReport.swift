public import Tensors

/// Where a model's time goes: the steps of the shortest of several runs.
public struct ProfileReport: Sendable {
  /// In the order of the run.
  public let steps: [RecordedStep]
  /// Nanoseconds of the shortest run.
  public let total: UInt64
  public let runs: Int
  /// Floating-point operations a second that the machine reaches on the threads used; 0 if unknown.
  public let peak: Double
  /// Bytes between inputs and outputs; nil when only a run tells.
  public let runBytes: Int?

  /// Runs the model `runs` times.
  ///
  /// - Parameters:
  ///   - clock: nanoseconds that never go back.
  ///   - peak: see `peak`.
  public init(
    _ session: Session, _ inputs: [Tensor], runs: Int, peak: Double, clock: @escaping () -> UInt64
  ) throws {
    let recorder = RunRecorder(clock: clock)
    var best: [RecordedStep] = []
    var total = UInt64.max
    // The first run plans and touches memory for the first time.
    _ = try session.run(inputs)
    for _ in 0..<max(runs, 1) {
      recorder.reset()
      let start = clock()
      _ = try session.run(inputs, recorder: recorder)
      let elapsed = clock() - start
      if elapsed < total { (total, best) = (elapsed, recorder.steps) }
    }
    steps = best
    self.total = total
    self.runs = max(runs, 1)
    self.peak = peak
    runBytes = try session.runBytes(inputs.map(\.shape))
  }

  /// Nanoseconds and operations of all steps of an operator.
  private struct Sum {
    var operation: String
    var count = 0
    var nanoseconds: UInt64 = 0
    var arithmetic = 0.0
    var bytes = 0
  }

  private var byOperator: [Sum] {
    var sums: [String: Sum] = [:]
    for step in steps {
      var sum = sums[step.operation] ?? Sum(operation: step.operation)
      sum.count += 1
      sum.nanoseconds += step.nanoseconds
      sum.arithmetic += step.arithmetic
      sum.bytes += step.bytes
      sums[step.operation] = sum
    }
    return sums.values.sorted { ($1.nanoseconds, $0.operation) < ($0.nanoseconds, $1.operation) }
  }

  // MARK: text

  /// Two tables: the operators, and the steps in the order of the run.
  public var text: String {
    var lines = ["shortest of \(runs) runs: \(milliseconds(total)) ms, \(steps.count) steps"]
    if let runBytes { lines.append("memory of a run: \(runBytes) bytes beside inputs, outputs and weights") }
    lines += ["", row("operator", "count", "ms", "share", "GFLOP/s", "peak", "MB")]
    for sum in byOperator {
      lines.append(
        row(
          sum.operation, "\(sum.count)", milliseconds(sum.nanoseconds), share(sum.nanoseconds),
          rate(sum.arithmetic, sum.nanoseconds), ofPeak(sum.arithmetic, sum.nanoseconds), megabytes(sum.bytes)
        ))
    }
    lines += ["", row("step", "operator", "ms", "share", "GFLOP/s", "peak", "MB")]
    for step in steps {
      lines.append(
        row(
          step.node, step.operation, milliseconds(step.nanoseconds), share(step.nanoseconds),
          rate(step.arithmetic, step.nanoseconds), ofPeak(step.arithmetic, step.nanoseconds),
          megabytes(step.bytes)))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func row(_ name: String, _ columns: String...) -> String {
    let widths = [22, 9, 7, 9, 7, 9]
    return zip(columns, widths).reduce(Self.padded(name, 44, isLeft: true)) { line, column in
      line + " " + Self.padded(column.0, column.1, isLeft: false)
    }
  }

  private static func padded(_ text: String, _ width: Int, isLeft: Bool) -> String {
    let cut = text.count > width ? "…" + text.suffix(width - 1) : text
    let room = String(repeating: " ", count: width - cut.count)
    return isLeft ? cut + room : room + cut
  }

  private func milliseconds(_ nanoseconds: UInt64) -> String { fixed(Double(nanoseconds) / 1e6, 3) }
  private func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, 2) }
  private func share(_ nanoseconds: UInt64) -> String {
    total == 0 ? "" : fixed(100 * Double(nanoseconds) / Double(total), 1) + "%"
  }
  private func rate(_ arithmetic: Double, _ nanoseconds: UInt64) -> String {
    arithmetic == 0 || nanoseconds == 0 ? "" : fixed(arithmetic / Double(nanoseconds), 1)
  }
  private func ofPeak(_ arithmetic: Double, _ nanoseconds: UInt64) -> String {
    guard arithmetic > 0, nanoseconds > 0, peak > 0 else { return "" }
    return fixed(100 * arithmetic / Double(nanoseconds) * 1e9 / peak, 0) + "%"
  }

  /// A number with as many digits behind the point.
  private func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
    let scaled = (abs(value) * Double(scale)).rounded()
    guard scaled < 1e18 else { return "\(value)" }
    let whole = Int(scaled)
    let sign = value < 0 && whole > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let rest = String(whole % scale)
    return "\(sign)\(whole / scale)." + String(repeating: "0", count: digits - rest.count) + rest
  }

  // MARK: JSON

  /// The same as one JSON object.
  public var json: String {
    let rows = steps.map { step in
      "{\"node\": \(quoted(step.node)), \"operator\": \(quoted(step.operation)), \"nanoseconds\": \(step.nanoseconds), "
        + "\"operations\": \(Int(step.arithmetic)), \"bytes\": \(step.bytes)}"
    }
    let operators = byOperator.map { sum in
      "{\"operator\": \(quoted(sum.operation)), \"count\": \(sum.count), \"nanoseconds\": \(sum.nanoseconds), "
        + "\"operations\": \(Int(sum.arithmetic))}"
    }
    return "{\"runs\": \(runs), \"nanoseconds\": \(total), \"peak_operations_per_second\": \(Int(peak)), "
      + "\"run_bytes\": \(runBytes.map { "\($0)" } ?? "null"),\n \"operators\": [\n  "
      + operators.joined(separator: ",\n  ") + "],\n \"steps\": [\n  " + rows.joined(separator: ",\n  ")
      + "]}\n"
  }

  /// One run as a trace that chrome://tracing and Perfetto open.
  public var trace: String {
    let first = steps.first?.start ?? 0
    let events = steps.map { step in
      "{\"name\": \(quoted(step.node)), \"cat\": \(quoted(step.operation)), \"ph\": \"X\", \"pid\": 1, \"tid\": 1, "
        + "\"ts\": \(Double(step.start - first) / 1000), \"dur\": \(Double(step.nanoseconds) / 1000), "
        + "\"args\": {\"operator\": \(quoted(step.operation)), \"operations\": \(Int(step.arithmetic)), "
        + "\"bytes\": \(step.bytes)}}"
    }
    return "{\"traceEvents\": [\n" + events.joined(separator: ",\n") + "]}\n"
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 32:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
