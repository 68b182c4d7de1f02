internal import CKernels

extension Activation {
  /// The code and the parameters by which the kernels know this function.
  var code: (code: kernels_activation, first: Float, second: Float) {
    switch self {
    case .none: (.identity, 0, 0)
    case .relu: (.clip, 0, .infinity)
    case .clip(let low, let high): (.clip, low, high)
    case .leakyRelu(let slope): (.leakyRelu, slope, 0)
    case .sigmoid: (.sigmoid, 0, 0)
    case .tanh: (.tanh, 0, 0)
    case .gelu: (.gelu, 0, 0)
    case .geluTanh: (.geluTanh, 0, 0)
    case .silu: (.silu, 0, 0)
    case .hardSigmoid(let slope, let offset): (.hardSigmoid, slope, offset)
    case .hardSwish: (.hardSwish, 0, 0)
    }
  }
}

extension Activation {
  /// Nothing but bounds, or not even that.
  var isClip: Bool { code.code == .clip || code.code == .identity }

  /// Bounds that do what this does if it `isClip`, and nothing otherwise.
  var clipBounds: (low: Float, high: Float) {
    code.code == .clip ? (code.first, code.second) : (-.infinity, .infinity)
  }
}

extension UnaryOperation {
  var code: (code: kernels_activation, first: Float, second: Float) {
    switch self {
    case .activation(let activation): activation.code
    case .exp: (.exp, 0, 0)
    case .log: (.log, 0, 0)
    case .erf: (.erf, 0, 0)
    case .sqrt: (.sqrt, 0, 0)
    case .negate: (.negate, 0, 0)
    case .absolute: (.absolute, 0, 0)
    case .reciprocal: (.reciprocal, 0, 0)
    case .floor: (.floor, 0, 0)
    case .ceiling: (.ceiling, 0, 0)
    case .sin: (.sine, 0, 0)
    case .cos: (.cosine, 0, 0)
    }
  }
}

extension kernels_epilogue {
  /// The activation alone.
  init(_ code: (code: kernels_activation, first: Float, second: Float)) {
    self.init()
    alpha = 1
    activation = code.code
    first = code.first
    second = code.second
  }

  init(_ epilogue: Epilogue, alpha: Float, beta: Float, strideC: Int) {
    self.init(epilogue.activation.code)
    column_bias = epilogue.columnBias
    row_bias = epilogue.rowBias
    residual = epilogue.residual
    residual_stride = Int64(epilogue.residualStride ?? strideC)
    self.alpha = alpha
    self.beta = beta
  }
}
