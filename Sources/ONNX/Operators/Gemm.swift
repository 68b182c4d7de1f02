import Kernels
import Tensors

/// The ONNX operator Gemm: alpha · op(A) · op(B) + beta · C, with the activation that fusion added.
///
/// Once packed, B is no input any more; a C with one value a column is a bias of the kernel.
struct Gemm: Operation {
  static let description = OperatorDescription(
    "Gemm", inputs: 2...3, support: "FP16, BF16, FP32, FP64, INT32, INT64, UINT32, UINT64"
  ) { reader in
    Gemm(
      alpha: try reader.float("alpha", default: 1), beta: try reader.float("beta", default: 1),
      transposeA: try reader.flag("transA", default: false),
      transposeB: try reader.flag("transB", default: false))
  }

  let name = "Gemm"
  let alpha: Float
  let beta: Float
  let transposeA: Bool
  let transposeB: Bool
  var activation = Activation.none
  var packed: PackedMatrix?

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32, .fp64, .int32, .int64, .uint32, .uint64)
    let a = try node.input(0)
    let b: TensorFact
    if let packed {
      let sizes = [Dimension(packed.k), Dimension(packed.n)]
      b = TensorFact(.fp32, transposeB ? sizes.reversed() : sizes)
    } else {
      try node.requireSameDatatype(0..<2)
      b = try node.input(1)
    }
    guard a.rank == 2, b.rank == 2 else {
      throw ONNXError(.invalid, "shapes \(a.shapeText) and \(b.shapeText); two matrices are expected")
    }
    let (m, k) = transposeA ? (1, 0) : (0, 1)
    let (rows, n) = transposeB ? (1, 0) : (0, 1)
    if let columns = a.dimensions[k].known, let other = b.dimensions[rows].known, columns != other {
      throw ONNXError(
        .invalid, "shapes \(a.shapeText) and \(b.shapeText): inner sizes \(columns) and \(other) differ")
    }
    let output = [a.dimensions[m], b.dimensions[n]]
    var product = TensorFact(a.datatype, output)
    product.rows = productRows(a, b, m)
    if let c = node.optional(2) {
      try checkAddend(c, product, node)
      product.rows = Broadcasting.rows([product, c], output: output)
    }
    return [product]
  }

  private func productRows(_ a: TensorFact, _ b: TensorFact, _ m: Int) -> Rows {
    if a.rows == .shared && b.rows == .shared { return .shared }
    return a.rows == .axis(m) && b.rows == .shared ? .axis(0) : .mixed
  }

  private func checkAddend(_ c: TensorFact, _ product: TensorFact, _ node: NodeFacts) throws {
    guard c.datatype == product.datatype, c.rank <= 2 else {
      throw ONNXError(.invalid, "C is \(c.datatype.name)\(c.shapeText), expected at most 2 dimensions")
    }
    let sum = try Broadcasting.dimensions([product, c], node)
    for (a, b) in zip(sum, product.dimensions) {
      if let a = a.known, let b = b.known, a != b {
        throw ONNXError(.invalid, "C of shape \(c.shapeText) is larger than the product \(product.shapeText)")
      }
    }
  }

  func step(_ node: StepRequest) throws -> Step {
    let a = try node.input(0)
    let y = try node.output()
    if y.count == 0 { return Step { _ in } }
    let shape = MatmulShape(
      m: y.shape[0], n: y.shape[1], k: transposeA ? a.shape[0] : a.shape[1], transposeA: transposeA,
      transposeB: transposeB)
    switch a.datatype {
    case .fp32: return try floatStep(node, shape)
    case .fp64:
      let factors = (Double(alpha), Double(beta))
      return try loop(node, shape, Double(0), { $0 + $1 * $2 }, { factors.0 * $0 + factors.1 * $1 })
    case .int32: return try integerLoop(node, shape, Int32.self)
    case .int64: return try integerLoop(node, shape, Int64.self)
    case .uint32: return try integerLoop(node, shape, UInt32.self)
    default: return try integerLoop(node, shape, UInt64.self)
    }
  }

  private func floatStep(_ node: StepRequest, _ shape: MatmulShape) throws -> Step {
    let a = try node.input(0)
    let b = node.optional(1)
    let y = try node.output()
    let c = node.optional(2)
    // C with a value for each column is the kernel's bias; any other is laid into the output first.
    let isBias = beta == 1 && (c.map { $0.count == shape.n && $0.shape.last == shape.n } ?? false)
    let addend = c.map { c in
      StridedCopy(
        shape: y.shape, strides: BroadcastIndex.strides(c.shape, to: y.shape), start: 0, elementBytes: 4)
    }
    let packed = packed
    let (alpha, activation) = (alpha, activation)
    let laid = c == nil || isBias ? 0 : beta
    let scratch = node.kernels.matmulScratchByteCount(shape, packed: packed != nil, team: node.team)
    return Step(scratchBytes: scratch, arithmetic: shape.arithmetic) { memory in
      let target = memory.floats(y)
      let bias = isBias ? c.map { UnsafePointer(memory.floats($0)) } : nil
      if laid != 0, let c { addend?.run(memory[c], target) }
      let epilogue = Epilogue(columnBias: bias, activation: activation)
      if let packed {
        memory.kernels.matmul(
          shape, alpha: alpha, a: memory.floats(a), b: packed, beta: laid, c: target, epilogue: epilogue,
          scratch: memory.scratch, team: memory.team)
      } else if let b {
        memory.kernels.matmul(
          shape, alpha: alpha, a: memory.floats(a), b: UnsafePointer(memory.floats(b)), beta: laid, c: target,
          epilogue: epilogue, scratch: memory.scratch, team: memory.team)
      }
    }
  }

  private func integerLoop<Element: FixedWidthInteger & Sendable>(
    _ node: StepRequest, _ shape: MatmulShape, _: Element.Type
  ) throws -> Step {
    guard let alpha = Element(exactly: alpha), let beta = Element(exactly: beta) else {
      throw ONNXError(
        .unsupported, "alpha \(alpha) and beta \(beta) of a Gemm of integers; whole numbers are supported")
    }
    return try loop(node, shape, Element(0), { $0 &+ $1 &* $2 }, { alpha &* $0 &+ beta &* $1 })
  }

  private func loop<Element: Sendable>(
    _ node: StepRequest, _ shape: MatmulShape, _ zero: Element,
    _ fused: @escaping @Sendable (Element, Element, Element) -> Element,
    _ combined: @escaping @Sendable (Element, Element) -> Element
  ) throws -> Step {
    let a = try node.input(0)
    let b = try node.input(1)
    let y = try node.output()
    let c = node.optional(2)
    let places = c.map { BroadcastIndex($0.shape, to: y.shape) }
    return Step { memory in
      let target = memory.elements(y, as: Element.self)
      Product.run(
        shape, memory.elements(a, as: Element.self), memory.elements(b, as: Element.self), target, zero: zero,
        fused: fused)
      let addends = c.map { memory.elements($0, as: Element.self) }
      for index in 0..<y.count {
        var addend = zero
        if let addends, let places { addend = addends[places[index]] }
        target[index] = combined(target[index], addend)
      }
    }
  }
}
