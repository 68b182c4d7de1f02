import Foundation
import Kernels
import ONNX
import Tensors

/// A model with inputs, ready to run again and again.
struct LoadedModel {
  /// The answer to the request that loaded it.
  let report: String
  private let session: Session
  private let inputs: [Tensor]
  private let outputs: [Tensor]

  init(_ request: Request) throws {
    guard let path = request.path else { throw Refusal(description: "no path") }
    let table = KernelTable.forInstructionSet(
      .detect(limit: ProcessInfo.processInfo.environment["SWERVE_CPU"]))
    let pool = ThreadPool(workerCount: (request.threads ?? 1) - 1)
    let engine = Engine(kernels: table, team: ThreadTeam(pool))
    let before = try Memory.current()
    let clock = ContinuousClock()
    let options = SessionOptions(engine: engine)
    var loaded: Session?
    var seconds = Double.infinity
    for _ in 0..<max(request.loads ?? 1, 1) {
      loaded = nil
      let elapsed = try clock.measure { loaded = try Session(path: path, options: options) }
      seconds = min(seconds, elapsed / .seconds(1))
    }
    guard let session = loaded else { throw Refusal(description: "\(path): not loaded") }
    self.session = session
    inputs = try Self.tensors(request.inputs ?? [], of: session)
    outputs = try session.run(inputs)
    if let prefix = request.outputs {
      for (index, output) in outputs.enumerated() {
        let data = Data(bytes: output.data, count: output.byteCount)
        try data.write(to: URL(fileURLWithPath: "\(prefix).\(index)"))
      }
    }
    let names = session.outputs.map { "\"\($0.name)\"" }.joined(separator: ", ")
    report =
      #"{"load": \#(seconds), "peak": \#(try Memory.peak() - before), "names": [\#(names)]}"#
  }

  private static func tensors(_ inputs: [Request.Input], of session: Session) throws -> [Tensor] {
    try session.inputs.map { description in
      guard let input = inputs.first(where: { $0.name == description.name }) else {
        throw Refusal(description: "input '\(description.name)' is not given")
      }
      let data = try Data(contentsOf: URL(fileURLWithPath: input.file))
      guard
        let tensor = Tensor(
          name: description.name, datatype: description.datatype, shape: Shape(input.shape)),
        tensor.byteCount == data.count
      else { throw Refusal(description: "input '\(description.name)': \(data.count) bytes") }
      _ = data.copyBytes(to: UnsafeMutableRawBufferPointer(start: tensor.data, count: data.count))
      return tensor
    }
  }

  private func run(_ recorder: RunRecorder? = nil) throws {
    let sizes = outputs.map(\.byteCount)
    try session.run(
      inputs.map { InputView($0) },
      output: { index, datatype, shape in
        guard (shape.elementCount ?? 0) * datatype.byteCount == sizes[index] else {
          throw Refusal(description: "output \(index) has shape \(shape)")
        }
        return outputs[index].data
      },
      texts: { _, _ in throw Refusal(description: "outputs of texts are not measured") }, recorder: recorder)
  }

  /// The shortest of as many runs as fit the time.
  func shortest(milliseconds: Double, byCPU: Bool) throws -> String {
    let end = nanoseconds(CLOCK_MONOTONIC) + UInt64(milliseconds * 1e6)
    let clock = byCPU ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC
    var best = UInt64.max
    repeat {
      let start = nanoseconds(clock)
      try run()
      best = min(best, nanoseconds(clock) - start)
    } while nanoseconds(CLOCK_MONOTONIC) < end
    return #"{"seconds": \#(Double(best) / 1e9)}"#
  }

  /// Each step's shortest time, longest first.
  func profile(runs: Int, byCPU: Bool) throws -> String {
    let recorder = RunRecorder { nanoseconds(byCPU ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC) }
    var steps: [(name: String, best: UInt64, operations: Double)] = []
    for _ in 0..<runs {
      recorder.reset()
      try run(recorder)
      if steps.isEmpty { steps = recorder.steps.map { ("\($0.operation) \($0.node)", .max, $0.arithmetic) } }
      for (index, step) in recorder.steps.enumerated() where index < steps.count {
        steps[index].best = min(steps[index].best, step.nanoseconds)
      }
    }
    let rows = steps.map { #"["\#($0.name)", \#($0.best), \#($0.operations)]"# }
    return #"{"steps": [\#(rows.joined(separator: ", "))]}"#
  }
}

private func nanoseconds(_ clock: clockid_t) -> UInt64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
