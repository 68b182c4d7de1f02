import Kernels
import Tensors

/// The ONNX operator MatMul, with what fusion added to it: a bias for each column, a residual, an
/// activation.
///
/// Inputs: A, B, and after fusion bias and residual. Once packed, B is no input any more.
struct MatMul: Operation {
  static let description = OperatorDescription(
    "MatMul", inputs: 2...2,
    support: "FP16, BF16, FP32, FP64, INT32, INT64, UINT32, UINT64; batches with broadcasting"
  ) { _ in MatMul() }

  let name = "MatMul"
  var activation = Activation.none
  var packed: MatrixWeights?

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32, .fp64, .int32, .int64, .uint32, .uint64)
    let a = try node.input(0)
    let b: TensorFact
    if let packed {
      b = TensorFact(.fp32, [Dimension(packed.k), Dimension(packed.n)])
    } else {
      try node.requireSameDatatype(0..<2)
      b = try node.input(1)
    }
    guard a.rank > 0, b.rank > 0 else {
      throw ONNXError(.invalid, "a scalar; matrices or vectors are expected")
    }
    let left = a.rank == 1 ? [.one, a.dimensions[0]] : a.dimensions
    let right = b.rank == 1 ? [b.dimensions[0], .one] : b.dimensions
    if let k = left[left.count - 1].known, let other = right[right.count - 2].known, k != other {
      throw ONNXError(
        .invalid, "shapes \(a.shapeText) and \(b.shapeText): \(k) columns do not meet \(other) rows")
    }
    let batch = try Broadcasting.dimensions([batchFact(a, left), batchFact(b, right)], node)
    var dimensions = batch
    if a.rank > 1 { dimensions.append(left[left.count - 2]) }
    if b.rank > 1 { dimensions.append(right[right.count - 1]) }
    return [TensorFact(a.datatype, dimensions, rows: rows(a, b, dimensions))]
  }

  /// The axes before the matrix, as a fact.
  private func batchFact(_ fact: TensorFact, _ dimensions: [Dimension]) -> TensorFact {
    TensorFact(fact.datatype, Array(dimensions.dropLast(2)), rows: fact.rows)
  }

  private func rows(_ a: TensorFact, _ b: TensorFact, _ output: [Dimension]) -> Rows {
    if a.rows == .shared && b.rows == .shared { return .shared }
    guard a.rank > 1, b.rank > 1 else { return vectorRows(a, b) }
    // The rows of A's matrices, with the same B for all of them.
    if case .axis(let axis) = a.rows, axis == a.rank - 2, b.rows == .shared { return .axis(output.count - 2) }
    if case .axis(let axis) = b.rows, axis == b.rank - 1, a.rows == .shared { return .axis(output.count - 1) }
    // A batch of products: the batch axes broadcast as elements do.
    for fact in [a, b] {
      if case .axis(let axis) = fact.rows, axis >= fact.rank - 2 { return .mixed }
    }
    return Broadcasting.rows([withoutMatrix(a), withoutMatrix(b)], output: Array(output.dropLast(2)))
  }

  private func withoutMatrix(_ fact: TensorFact) -> TensorFact {
    TensorFact(fact.datatype, Array(fact.dimensions.dropLast(2)), rows: fact.rows)
  }

  private func vectorRows(_ a: TensorFact, _ b: TensorFact) -> Rows {
    if b.rank == 1, b.rows == .shared, case .axis(let axis) = a.rows, axis < a.rank - 1 { return .axis(axis) }
    return .mixed
  }

  func step(_ node: StepRequest) throws -> Step {
    let a = try node.input(0)
    let y = try node.output()
    if y.count == 0 { return Step { _ in } }
    if let packed { return packedStep(node, a, y, packed) }
    let layout = MatMulLayout(a.shape, try node.input(1).shape)
    switch a.datatype {
    case .fp32: return try floatStep(node, layout)
    case .fp64: return try loop(node, layout, Double(0)) { $0 + $1 * $2 }
    case .int32: return try loop(node, layout, Int32(0)) { $0 &+ $1 &* $2 }
    case .int64: return try loop(node, layout, Int64(0)) { $0 &+ $1 &* $2 }
    case .uint32: return try loop(node, layout, UInt32(0)) { $0 &+ $1 &* $2 }
    default: return try loop(node, layout, UInt64(0)) { $0 &+ $1 &* $2 }
    }
  }

  private func packedStep(_ node: StepRequest, _ a: Operand, _ y: Operand, _ packed: MatrixWeights) -> Step {
    let shape = MatmulShape(m: y.count / packed.n, n: packed.n, k: packed.k)
    let bias = node.optional(2)
    let residual = node.optional(3)
    let activation = activation
    let scratch = packed.scratchBytes(shape, node.kernels, node.team)
    return Step(scratchBytes: scratch, arithmetic: shape.arithmetic) { memory in
      let epilogue = Epilogue(
        columnBias: bias.map { UnsafePointer(memory.floats($0)) },
        residual: residual.map { UnsafePointer(memory.floats($0)) }, activation: activation)
      packed.multiply(shape, memory.floats(a), memory.floats(y), epilogue, memory)
    }
  }

  private func floatStep(_ node: StepRequest, _ layout: MatMulLayout) throws -> Step {
    let a = try node.input(0)
    let b = try node.input(1)
    let y = try node.output()
    let bias = node.optional(2)
    let residual = node.optional(3)
    let activation = activation
    let scratch = node.kernels.matmulScratchByteCount(layout.matrix, packed: false, team: node.team)
    return Step(scratchBytes: scratch, arithmetic: layout.matrix.arithmetic * Double(layout.count)) {
      memory in
      for (left, right, batch, index) in layout.runs {
        let offset = index * layout.matrix.m * layout.matrix.n
        let epilogue = Epilogue(
          columnBias: bias.map { UnsafePointer(memory.floats($0)) },
          residual: residual.map { UnsafePointer(memory.floats($0)) + offset }, activation: activation)
        memory.kernels.batchedMatmul(
          layout.matrix, batch: batch, a: memory.floats(a) + left * layout.matrix.m * layout.matrix.k,
          b: memory.floats(b) + right * layout.matrix.k * layout.matrix.n, c: memory.floats(y) + offset,
          epilogue: epilogue, scratch: memory.scratch, team: memory.team)
      }
    }
  }

  private func loop<Element: Sendable>(
    _ node: StepRequest, _ layout: MatMulLayout, _ zero: Element,
    _ fused: @escaping @Sendable (Element, Element, Element) -> Element
  ) throws -> Step {
    let a = try node.input(0)
    let b = try node.input(1)
    let y = try node.output()
    let matrix = layout.matrix
    return Step { memory in
      for index in 0..<layout.count {
        Product.run(
          matrix, memory.elements(a, as: Element.self) + layout.left[index] * matrix.m * matrix.k,
          memory.elements(b, as: Element.self) + layout.right[index] * matrix.k * matrix.n,
          memory.elements(y, as: Element.self) + index * matrix.m * matrix.n, zero: zero, fused: fused)
      }
    }
  }
}

extension MatmulShape {
  /// Multiplications and additions.
  var arithmetic: Double { 2 * Double(m) * Double(n) * Double(k) }
}

/// Which matrices of two stacks meet in a broadcast product.
struct MatMulLayout: Sendable {
  let matrix: MatmulShape
  /// Products in all.
  let count: Int
  let left: BroadcastIndex
  let right: BroadcastIndex
  /// Runs of products whose matrices follow one another regularly: the first matrix of A, of B, the
  /// run, and the first product's number.
  let runs: [(left: Int, right: Int, batch: MatmulBatch, index: Int)]

  init(_ a: Shape, _ b: Shape) {
    let first = a.rank == 1 ? Shape([1, a[0]]) : a
    let second = b.rank == 1 ? Shape([b[0], 1]) : b
    let aBatch = Shape(first.dropLast(2))
    let bBatch = Shape(second.dropLast(2))
    let batch = aBatch.broadcast(with: bBatch) ?? []
    let k = first[first.rank - 1]
    let n = second[second.rank - 1]
    var m = first[first.rank - 2]
    left = BroadcastIndex(aBatch, to: batch)
    right = BroadcastIndex(bBatch, to: batch)
    let products = batch.elementCount ?? 0
    if bBatch.elementCount == 1 && aBatch.elementCount == products && products > 0 {
      // One B for all: the matrices of A are one tall matrix.
      m *= products
      count = 1
      matrix = MatmulShape(m: m, n: n, k: k)
      runs = [(0, 0, MatmulBatch(count: 1, strideA: 0, strideB: 0, strideC: 0), 0)]
      return
    }
    count = products
    matrix = MatmulShape(m: m, n: n, k: k)
    var runs: [(left: Int, right: Int, batch: MatmulBatch, index: Int)] = []
    var start = 0
    while start < products {
      let (length, stepA, stepB) = MatMulLayout.run(from: start, products, left, right)
      let strides = MatmulBatch(count: length, strideA: stepA * m * k, strideB: stepB * k * n, strideC: m * n)
      runs.append((left[start], right[start], strides, start))
      start += length
    }
    self.runs = runs
  }

  /// How many products from `start` on take their matrices at regular steps, and the steps.
  private static func run(
    from start: Int, _ count: Int, _ left: BroadcastIndex, _ right: BroadcastIndex
  ) -> (length: Int, stepA: Int, stepB: Int) {
    guard start + 1 < count else { return (1, 0, 0) }
    let stepA = left[start + 1] - left[start]
    let stepB = right[start + 1] - right[start]
    guard stepA >= 0, stepB >= 0 else { return (1, 0, 0) }
    var end = start + 2
    while end < count, left[end] - left[end - 1] == stepA, right[end] - right[end - 1] == stepB { end += 1 }
    return (end - start, stepA, stepB)
  }
}
