internal import CKernels

/// A function that a loop over vectors is specialised for. Its types have no values: the metadata of
/// others would bring weak copies of the runtime's helpers into the objects of each instruction set.
protocol LaneFunction {
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32
}

enum Identity: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { x }
}

enum Clip: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ low: lanes_f32, _ high: lanes_f32) -> lanes_f32 {
    lanes_less(high, lanes_greater(low, x))
  }
}

enum LeakyRelu: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ slope: lanes_f32, _ second: lanes_f32) -> lanes_f32 {
    lanes_select_less(x, splat(0), x * slope, x)
  }
}

enum HardSigmoid: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ slope: lanes_f32, _ offset: lanes_f32) -> lanes_f32 {
    lanes_less(splat(1), lanes_greater(splat(0), lanes_multiply_add(x, slope, offset)))
  }
}

enum HardSwish: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 {
    x * HardSigmoid.apply(x, splat(1 / 6), splat(0.5))
  }
}

enum Sigmoid: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { sigmoid(x) }
}

enum Tanh: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 {
    hyperbolicTangent(x)
  }
}

enum Gelu: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { gelu(x) }
}

enum GeluTanh: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { geluTanh(x) }
}

enum Silu: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { silu(x) }
}

enum Exponential: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { exponential(x) }
}

enum Logarithm: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { logarithm(x) }
}

enum ErrorFunction: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { errorFunction(x) }
}

enum SquareRoot: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 {
    lanes_square_root(x)
  }
}

enum Negation: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { -x }
}

enum Absolute: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 {
    lanes_absolute(x)
  }
}

enum Reciprocal: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { splat(1) / x }
}

enum Floor: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { lanes_floor(x) }
}

enum Ceiling: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { lanes_ceiling(x) }
}

enum Sine: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { sine(x) }
}

enum Cosine: LaneFunction {
  @inline(__always)
  static func apply(_ x: lanes_f32, _ first: lanes_f32, _ second: lanes_f32) -> lanes_f32 { cosine(x) }
}
