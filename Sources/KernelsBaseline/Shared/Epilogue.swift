public import CKernels

extension kernels_epilogue {
  /// The values are stored as they are, or as the activation alone makes them.
  @inline(__always)
  var isActivationOnly: Bool {
    column_scale == nil && row_scale == nil && column_bias == nil && row_bias == nil && residual == nil
      && alpha == 1 && beta == 0
  }

  /// Nothing but sums with bias and residual, and bounds: what the micro-kernel does in its registers.
  @inline(__always)
  var isClip: Bool {
    column_scale == nil && row_scale == nil && alpha == 1 && beta == 0
      && (activation.rawValue == 0 || activation.rawValue == kernels_activation.clip.rawValue)
  }

  @inline(__always)
  var isPlain: Bool { isActivationOnly && activation.rawValue == 0 }
}

extension Level {
  /// Stores the values of `source` [rows, columns] into `c` by an epilogue, whose pointers are those for
  /// this row and column; `c` may be `source`.
  public static func finish(
    _ epilogue: UnsafePointer<kernels_epilogue>, _ source: UnsafePointer<Float>, sourceRow: Int,
    _ c: UnsafeMutablePointer<Float>, cRow: Int, rows: Int, columns: Int
  ) {
    @inline(__always)
    func by<Function: LaneFunction>(_ function: Function.Type) {
      finishRows(function, epilogue, source, sourceRow, c, cRow, rows, columns)
    }
    switch epilogue.pointee.activation {
    case .clip: by(Clip.self)
    case .leakyRelu: by(LeakyRelu.self)
    case .sigmoid: by(Sigmoid.self)
    case .tanh: by(Tanh.self)
    case .gelu: by(Gelu.self)
    case .geluTanh: by(GeluTanh.self)
    case .silu: by(Silu.self)
    case .hardSigmoid: by(HardSigmoid.self)
    case .hardSwish: by(HardSwish.self)
    case .exp: by(Exponential.self)
    case .log: by(Logarithm.self)
    case .erf: by(ErrorFunction.self)
    case .sqrt: by(SquareRoot.self)
    case .negate: by(Negation.self)
    case .absolute: by(Absolute.self)
    case .reciprocal: by(Reciprocal.self)
    case .floor: by(Floor.self)
    case .ceiling: by(Ceiling.self)
    case .sine: by(Sine.self)
    case .cosine: by(Cosine.self)
    default: by(Identity.self)
    }
  }
}

private func finishRows<Function: LaneFunction>(
  _ function: Function.Type, _ epilogue: UnsafePointer<kernels_epilogue>, _ source: UnsafePointer<Float>,
  _ sourceRow: Int, _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ rows: Int, _ columns: Int
) {
  let isActivationOnly = epilogue.pointee.isActivationOnly
  for row in 0..<rows {
    let from = source + row * sourceRow
    let to = c + row * cRow
    if isActivationOnly {
      mapRow(function, epilogue, from, to, columns)
    } else {
      finishRow(function, epilogue, row, from, to, columns)
    }
  }
}

@inline(__always)
private func mapRow<Function: LaneFunction>(
  _ function: Function.Type, _ epilogue: UnsafePointer<kernels_epilogue>, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ count: Int
) {
  let first = splat(epilogue.pointee.first)
  let second = splat(epilogue.pointee.second)
  forEachPart(count) { index, part in
    storePart(y + index, function.apply(loadPart(x + index, part), first, second), part)
  }
}

@inline(__always)
private func finishRow<Function: LaneFunction>(
  _ function: Function.Type, _ epilogue: UnsafePointer<kernels_epilogue>, _ row: Int,
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
) {
  let first = splat(epilogue.pointee.first)
  let second = splat(epilogue.pointee.second)
  let factor = splat(epilogue.pointee.alpha * (epilogue.pointee.row_scale?[row] ?? 1))
  let offset = splat(epilogue.pointee.row_bias?[row] ?? 0)
  let beta = epilogue.pointee.beta
  let columnScale = epilogue.pointee.column_scale
  let columnBias = epilogue.pointee.column_bias
  let residual = epilogue.pointee.residual.map { $0 + row * Int(epilogue.pointee.residual_stride) }
  forEachPart(count) { index, part in
    var value = loadPart(x + index, part)
    if let columnScale { value *= loadPart(columnScale + index, part) }
    value = lanes_multiply_add(value, factor, offset)
    if beta != 0 { value = lanes_multiply_add(loadPart(y + index, part), splat(beta), value) }
    if let columnBias { value += loadPart(columnBias + index, part) }
    if let residual { value += loadPart(residual + index, part) }
    storePart(y + index, function.apply(value, first, second), part)
  }
}
