internal import CSwervePlugin
internal import Glibc
internal import Kernels
internal import Locks
internal import Tensors

func makeKernelsTable(_ instructionSet: InstructionSet) -> swerve_kernels {
  var table = swerve_kernels()
  table.struct_size = MemoryLayout<swerve_kernels>.size
  table.sgemm = {
    host, transposeA, transposeB, m, n, k, alpha, a, strideA, b, strideB, beta, c, strideC in
    guard let binding = HostBinding.behind(host), var shape = MatmulShape(m, n, k) else {
      return swerve_status(SWERVE_INVALID_ARGUMENT)
    }
    shape.transposeA = transposeA
    shape.transposeB = transposeB
    shape.strideA = Int(strideA)
    shape.strideB = Int(strideB)
    shape.strideC = Int(strideC)
    return binding.services.kernels.multiply(shape, alpha, a, b, beta, c, team: binding.team)
  }
  table.conv2d = { host, shape, x, weights, bias, y in
    guard let binding = HostBinding.behind(host), let shape else {
      return swerve_status(SWERVE_INVALID_ARGUMENT)
    }
    let call = ConvolutionCall(adopt(UnsafeRawPointer(shape), as: swerve_conv2d.self))
    return binding.services.kernels.convolve(call, x, weights, bias, y, team: binding.team)
  }
  let name: StaticString =
    switch instructionSet {
    case .portable: "portable"
    case .avx2: "avx2"
    case .avx512: "avx512"
    }
  table.instruction_set = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
  return table
}

/// kernels/1 over this machine's kernels. The memory they need beside their operands is kept.
final class KernelsService: Sendable {
  private let table: KernelTable
  private let idleScratch = Lock<[TensorMemory]>([])

  init(_ instructionSet: InstructionSet) { table = .forInstructionSet(instructionSet) }

  func multiply(
    _ shape: MatmulShape, _ alpha: Float, _ a: UnsafePointer<Float>?, _ b: UnsafePointer<Float>?,
    _ beta: Float, _ c: UnsafeMutablePointer<Float>?, team: ThreadTeam
  ) -> swerve_status {
    let (aRows, aColumns) = shape.transposeA ? (shape.k, shape.m) : (shape.m, shape.k)
    let (bRows, bColumns) = shape.transposeB ? (shape.n, shape.k) : (shape.k, shape.n)
    guard fits(aRows, aColumns, shape.strideA), fits(bRows, bColumns, shape.strideB),
      fits(shape.m, shape.n, shape.strideC), a != nil || aRows == 0 || aColumns == 0,
      b != nil || bRows == 0 || bColumns == 0, c != nil || shape.m == 0 || shape.n == 0
    else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
    guard let c else { return swerve_status(SWERVE_OK) }
    // An empty operand is not read, but must have an address.
    let a = a ?? UnsafePointer(c)
    let b = b ?? UnsafePointer(c)
    return withScratch(table.matmulScratchByteCount(shape, packed: false, team: team)) { scratch in
      table.matmul(shape, alpha: alpha, a: a, b: b, beta: beta, c: c, scratch: scratch, team: team)
    }
  }

  func convolve(
    _ call: ConvolutionCall, _ x: UnsafePointer<Float>?, _ weights: UnsafePointer<Float>?,
    _ bias: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>?, team: ThreadTeam
  ) -> swerve_status {
    guard let parameters = call.parameters else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
    if call.batch == 0 { return swerve_status(SWERVE_OK) }
    guard let x, let weights, let y else { return swerve_status(SWERVE_INVALID_ARGUMENT) }
    let convolution = Convolution(parameters, weights: weights, bias: bias, table: table)
    let scratch = convolution.scratchByteCount(
      batch: call.batch, height: call.height, width: call.width, team: team)
    return withScratch(scratch) { scratch in
      convolution.run(
        x, batch: call.batch, height: call.height, width: call.width, output: y, scratch: scratch, team: team)
    }
  }

  /// Whether a matrix of so many rows can be in memory.
  private func fits(_ rows: Int, _ columns: Int, _ stride: Int) -> Bool {
    guard rows >= 0, columns >= 0, stride >= columns else { return false }
    return ConvolutionCall.product([rows, stride]) != nil
  }

  private func withScratch(_ byteCount: Int, _ body: (UnsafeMutableRawPointer?) -> Void) -> swerve_status {
    if byteCount == 0 {
      body(nil)
      return swerve_status(SWERVE_OK)
    }
    let kept = idleScratch.withLock { $0.popLast() }.flatMap { $0.byteCount >= byteCount ? $0 : nil }
    guard let memory = kept ?? TensorMemory(byteCount: byteCount) else {
      return swerve_status(SWERVE_OUT_OF_MEMORY)
    }
    body(memory.base)
    idleScratch.withLock { $0.append(memory) }
    return swerve_status(SWERVE_OK)
  }
}

/// A `swerve_conv2d` whose numbers are proven to fit each other.
struct ConvolutionCall {
  private(set) var batch = 0
  private(set) var height = 0
  private(set) var width = 0
  /// Nil if the numbers do not fit each other.
  private(set) var parameters: ConvolutionParameters?

  init(_ shape: swerve_conv2d) {
    guard shape.struct_size >= MemoryLayout<swerve_conv2d>.size, shape.in_channels > 0,
      shape.out_channels > 0,
      shape.batch >= 0, shape.groups > 0, shape.in_channels % shape.groups == 0,
      shape.out_channels % shape.groups == 0
    else { return }
    batch = Int(shape.batch)
    height = Int(shape.height)
    width = Int(shape.width)
    var parameters = ConvolutionParameters(
      inputChannels: Int(shape.in_channels), outputChannels: Int(shape.out_channels),
      kernelHeight: Int(shape.kernel_height), kernelWidth: Int(shape.kernel_width))
    parameters.groups = Int(shape.groups)
    parameters.strideY = Int(shape.stride_y)
    parameters.strideX = Int(shape.stride_x)
    parameters.dilationY = Int(shape.dilation_y)
    parameters.dilationX = Int(shape.dilation_x)
    parameters.padTop = Int(shape.pad_top)
    parameters.padLeft = Int(shape.pad_left)
    parameters.padBottom = Int(shape.pad_bottom)
    parameters.padRight = Int(shape.pad_right)
    guard let size = parameters.outputSize(height: height, width: width),
      Self.product([batch, parameters.inputChannels, height, width]) != nil,
      Self.product([batch, parameters.outputChannels, size.height, size.width]) != nil,
      Self.product([
        parameters.outputChannels, parameters.inputChannels / parameters.groups, parameters.kernelHeight,
        parameters.kernelWidth,
      ]) != nil
    else { return }
    self.parameters = parameters
  }

  /// The product of sizes of at least 0, if so many floats can be in memory.
  static func product(_ sizes: [Int]) -> Int? {
    var product = 4
    for size in sizes {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
      guard !overflow, next < 1 << 46 else { return nil }
      product = next
    }
    return product
  }
}

extension MatmulShape {
  /// Nil for a negative size.
  fileprivate init?(_ m: Int64, _ n: Int64, _ k: Int64) {
    guard m >= 0, n >= 0, k >= 0 else { return nil }
    self.init(m: Int(m), n: Int(n), k: Int(k))
  }
}
