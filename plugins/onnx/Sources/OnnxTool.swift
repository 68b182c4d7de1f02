import Glibc
import Kernels
import ONNX
import PluginKit
import Tensors

/// The commands of this plugin: `swerve onnx show`, `swerve onnx profile` (also `swerve profile`).
enum OnnxTool {
  static let help = """
    swerve onnx show MODEL --stage decoded|graph|inferred|simplified|plan [--shape NAME=1x3x224x224]…
      What the model has become after a stage, a line a node.
    swerve onnx profile MODEL [--format text|json|trace] [--shape NAME=…]… [--input NAME=FILE]… [--runs N] [--threads N]
      Where its time goes.

    """

  static func run(_ arguments: [String], _ host: ModelHost, _ write: (String) -> Void) throws {
    guard let command = arguments.first, command != "help", command != "--help" else { return write(help) }
    let options = try ToolOptions(Array(arguments.dropFirst()))
    let file = try ModelFolder(options.path)
    let pool = ThreadPool(workerCount: max(options.threads, 1) - 1)
    let kernels = KernelTable.forInstructionSet(.detect(limit: host.instructionSet))
    let engine = Engine(kernels: kernels, team: ThreadTeam(pool))
    do {
      switch command {
      case "show":
        guard let stage = StageReport.Stage(rawValue: options.stage) else {
          let stages = StageReport.Stage.allCases.map(\.rawValue).joined(separator: ", ")
          throw ModelError(.invalidArgument, "--stage \(options.stage): expected one of \(stages)")
        }
        write(
          try StageReport.text(
            path: file.modelPath, stage: stage, options: SessionOptions(engine: engine),
            shapes: options.shapes))
      case "profile": write(try profile(file.modelPath, options, engine))
      default: throw ModelError(.invalidArgument, "no command '\(command)'; there are: show, profile, help")
      }
    } catch let error as ONNXError { throw ModelError(error) }
  }

  private static func profile(_ path: String, _ options: ToolOptions, _ engine: Engine) throws -> String {
    let session = try Session(path: path, options: SessionOptions(engine: engine))
    let inputs = try session.inputs.map { try options.tensor($0) }
    let report = try ProfileReport(
      session, inputs, runs: options.runs, peak: MachinePeak.measured(engine), clock: MachinePeak.nanoseconds)
    switch options.format {
    case "text": return report.text
    case "json": return report.json
    case "trace": return report.trace
    case let other: throw ModelError(.invalidArgument, "--format \(other): expected text, json or trace")
    }
  }
}

/// What follows a command.
struct ToolOptions {
  private(set) var path = ""
  private(set) var stage = "simplified"
  private(set) var format = "text"
  private(set) var runs = 20
  private(set) var threads = 1
  private(set) var shapes: [String: Shape] = [:]
  private var files: [String: String] = [:]

  init(_ arguments: [String]) throws(ModelError) {
    var rest = arguments[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("--") else {
        path = word
        continue
      }
      guard let value = rest.popFirst() else { throw ModelError(.invalidArgument, "\(word) without a value") }
      switch word {
      case "--stage": stage = value
      case "--format": format = value
      case "--runs": runs = try ToolOptions.number(word, value)
      case "--threads": threads = try ToolOptions.number(word, value)
      case "--shape":
        let (name, text) = try ToolOptions.pair(word, value)
        var shape = Shape()
        for size in text.split(separator: "x") { shape.append(try ToolOptions.number(word, String(size))) }
        shapes[name] = shape
      case "--input":
        let (name, file) = try ToolOptions.pair(word, value)
        files[name] = file
      default: throw ModelError(.invalidArgument, "no option \(word)")
      }
    }
    guard !path.isEmpty else { throw ModelError(.invalidArgument, "no model is named") }
  }

  private static func number(_ option: String, _ text: String) throws(ModelError) -> Int {
    guard let number = Int(text), number > 0, number < 1 << 32 else {
      throw ModelError(.invalidArgument, "\(option) \(text): expected a number of at least 1")
    }
    return number
  }

  private static func pair(_ option: String, _ text: String) throws(ModelError) -> (String, String) {
    guard let sign = text.firstIndex(of: "=") else {
      throw ModelError(.invalidArgument, "\(option) \(text): expected NAME=VALUE")
    }
    return (String(text[..<sign]), String(text[text.index(after: sign)...]))
  }

  /// An input: from its file, or with random values, 0 or 1 where they are no floats.
  func tensor(_ description: ONNX.TensorDescription) throws(ModelError) -> Tensor {
    let shape = shapes[description.name] ?? Shape(description.shape.map { $0 < 0 ? 1 : $0 })
    guard let tensor = Tensor(name: description.name, datatype: description.datatype, shape: shape),
      description.datatype != .bytes
    else {
      throw ModelError(.unsupported, "input '\(description.name)' of \(description.datatype.name)\(shape)")
    }
    if let file = files[description.name] {
      try ToolOptions.read(file, into: tensor)
    } else {
      var state: UInt32 = 1
      for offset in 0..<tensor.byteCount / description.datatype.byteCount {
        state = state &* 1_664_525 &+ 1_013_904_223
        let place = tensor.data + offset * description.datatype.byteCount
        if description.datatype == .fp32 {
          place.storeBytes(of: Float(state >> 8) / Float(1 << 24) - 0.5, as: Float.self)
        } else {
          memset(place, 0, description.datatype.byteCount)
          if ![.fp16, .bf16, .fp64].contains(description.datatype) {
            place.storeBytes(of: UInt8(state >> 31), as: UInt8.self)
          }
        }
      }
    }
    return tensor
  }

  private static func read(_ path: String, into tensor: Tensor) throws(ModelError) {
    guard let file = fopen(path, "re") else {
      throw ModelError(.notFound, "\(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    guard fread(tensor.data, 1, tensor.byteCount, file) == tensor.byteCount, fgetc(file) == EOF else {
      throw ModelError(
        .invalidArgument,
        "\(path): expected \(tensor.byteCount) bytes for input '\(tensor.name)' \(tensor.shape)")
    }
  }
}

/// What the machine's kernels reach, measured.
enum MachinePeak {
  @Sendable static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Operations a second of a product that stays in the cache, on the engine's threads.
  static func measured(_ engine: Engine) -> Double {
    let size = 256
    let values = [Float](repeating: 0.5, count: size * size)
    let shape = MatmulShape(m: size, n: size, k: size)
    let packed = PackedMatrix(values, k: size, n: size, transposed: false, table: engine.kernels)
    var result = [Float](repeating: 0, count: size * size)
    let bytes = engine.kernels.matmulScratchByteCount(shape, packed: true, team: engine.team)
    var best = UInt64.max
    withUnsafeTemporaryAllocation(byteCount: max(bytes, 64), alignment: 64) { scratch in
      for _ in 0..<50 {
        let start = nanoseconds()
        engine.kernels.matmul(
          shape, a: values, b: packed, c: &result, scratch: scratch.baseAddress, team: engine.team)
        best = min(best, nanoseconds() - start)
      }
    }
    return 2 * Double(size * size * size) / Double(max(best, 1)) * 1e9
  }
}
