import CPeak
import Glibc
import Kernels

/// A case that is set up: its weights packed, its operands filled.
struct Workload {
  /// Once through; returns the operations done.
  let run: () -> Double
  /// How the table computes it.
  let method: String
  /// What it reads and writes, where that is what takes the time; else 0.
  let byteCount: Int

  init(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws {
    switch request.kind {
    case .peak: self = .peak(team)
    case .copy: self = .copy(try require(request.byteCount, "byteCount"), team)
    case .conv: self = try .convolution(request, table, team)
    case .gemm: self = try .product(request, table, team)
    case .int8: self = try .dynamicProduct(request, table, team)
    case .bf16: self = try .bfloatProduct(request, table, team)
    case .integerConv: self = try .integerConvolution(request, table, team)
    case .values: self = try .values(request, table, team)
    case .attention: self = try .attention(request, table, team)
    case .recurrent: self = try .recurrent(request, table, team)
    }
  }

  init(method: String, byteCount: Int = 0, run: @escaping () -> Double) {
    self.method = method
    self.byteCount = byteCount
    self.run = run
  }

  /// The machine's ceiling: nothing but multiply-adds in registers.
  private static func peak(_ team: ThreadTeam) -> Workload {
    Workload(method: "fma") {
      team.parallelFor(team.width) { _ in _ = peak_run_float32(100) }
      return Double(team.width) * 100e6
    }
  }

  /// The ceiling of what only moves values: a copy that reads and writes as many bytes.
  private static func copy(_ byteCount: Int, _ team: ThreadTeam) -> Workload {
    let part = max(byteCount / 2 / team.width / 64 * 64, 64)
    let (source, target) = (Floats(part * team.width / 4), Floats(part * team.width / 4))
    return Workload(method: "copy", byteCount: 2 * part * team.width) {
      team.parallelFor(team.width) { index in
        memcpy(target.base + index * part / 4, source.base + index * part / 4, part)
      }
      return 2 * Double(part * team.width)
    }
  }

  static func convolutionParameters(_ request: Case) throws -> ConvolutionParameters {
    let (kernel, stride) = (try require(request.kernel, "kernel"), try require(request.stride, "stride"))
    var parameters = ConvolutionParameters(
      inputChannels: try require(request.inputs, "inputs"),
      outputChannels: try require(request.outputs, "outputs"), kernelHeight: kernel, kernelWidth: kernel)
    parameters.groups = try require(request.groups, "groups")
    (parameters.strideY, parameters.strideX) = (stride, stride)
    (parameters.padTop, parameters.padLeft) = (kernel / 2, kernel / 2)
    (parameters.padBottom, parameters.padRight) = (kernel / 2, kernel / 2)
    return parameters
  }

  private static func convolution(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws
    -> Workload
  {
    let parameters = try convolutionParameters(request)
    let (inputs, outputs) = (parameters.inputChannels, parameters.outputChannels)
    let (size, batch) = (try require(request.size, "size"), try require(request.batch, "batch"))
    let kernel = parameters.kernelWidth
    let depth = inputs / parameters.groups * kernel * kernel
    let outputSize = try require(parameters.outputSize(height: size, width: size), "size")
    let layout: ImageLayout = request.layout == "channels-last" ? .channelsLast : .channelsFirst
    let (weights, bias) = (Floats(outputs * depth), Floats(outputs))
    let convolution = withExtendedLifetime((weights, bias)) {
      Convolution(
        parameters, weights: weights.base, bias: bias.base, activation: .relu, layout: layout,
        image: ImageSize(height: size, width: size), table: table)
    }
    let outputCount = batch * outputs * outputSize.height * outputSize.width
    let (input, output) = (Floats(batch * inputs * size * size), Floats(outputCount))
    let scratch = Floats(
      convolution.scratchByteCount(batch: batch, height: size, width: size, team: team) / 4)
    let operations = 2 * Double(outputCount) * Double(depth)
    return Workload(method: convolution.method.rawValue) {
      convolution.run(
        input.base, batch: batch, height: size, width: size, output: output.base, scratch: scratch.base,
        team: team)
      return operations
    }
  }

  private static func product(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws -> Workload {
    let (m, k, n) = (try require(request.m, "m"), try require(request.k, "k"), try require(request.n, "n"))
    let shape = MatmulShape(m: m, n: n, k: k)
    let weights = Floats(k * n)
    let layers = try withExtendedLifetime(weights) {
      (0..<(try require(request.layers, "layers"))).map { _ in
        PackedMatrix(weights.base, k: k, n: n, table: table)
      }
    }
    let (a, c, bias) = (Floats(m * k), Floats(m * n), Floats(n))
    let scratch = Floats(table.matmulScratchByteCount(shape, packed: true, team: team) / 4)
    let operations = 2 * Double(m) * Double(n) * Double(k) * Double(layers.count)
    return Workload(method: "packed") {
      for layer in layers {
        table.matmul(
          shape, a: a.base, b: layer, c: c.base, epilogue: Epilogue(columnBias: UnsafePointer(bias.base)),
          scratch: scratch.base, team: team)
      }
      return operations
    }
  }
}
