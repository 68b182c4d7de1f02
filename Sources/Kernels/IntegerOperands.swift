/// What is taken from stored integers before they are multiplied.
public enum ZeroPoint {
  case uniform(Int32)
  /// One a row of A, or one a column of B.
  case each(UnsafePointer<Int32>)
}

/// A matrix of 8-bit integers, whose values are (stored − zero point). The pointers are read during the
/// call only.
public struct IntegerMatrix {
  public var bytes: UnsafeRawPointer
  /// Int8 rather than UInt8.
  public var isSigned: Bool
  public var zeroPoint: ZeroPoint

  public init(_ bytes: UnsafePointer<UInt8>, zeroPoint: ZeroPoint = .uniform(0)) {
    self.bytes = UnsafeRawPointer(bytes)
    self.zeroPoint = zeroPoint
    isSigned = false
  }

  public init(_ bytes: UnsafePointer<Int8>, zeroPoint: ZeroPoint = .uniform(0)) {
    self.bytes = UnsafeRawPointer(bytes)
    self.zeroPoint = zeroPoint
    isSigned = true
  }
}

extension IntegerMatrix {
  /// The integer that is stored at an offset.
  func stored(_ offset: Int) -> Int32 {
    let byte = bytes.load(fromByteOffset: offset, as: UInt8.self)
    return isSigned ? Int32(Int8(bitPattern: byte)) : Int32(byte)
  }
}

extension ZeroPoint {
  subscript(_ index: Int) -> Int32 {
    switch self {
    case .uniform(let value): value
    case .each(let values): values[index]
    }
  }
}

/// Where the sums of a product of integers go, and what becomes of them on the way.
public enum IntegerOutput {
  /// As they are: ONNX MatMulInteger and ConvInteger.
  case sums(UnsafeMutablePointer<Int32>)
  /// activation(scale · columnScale · sum + bias + residual) as float32.
  case floats(UnsafeMutablePointer<Float>, IntegerScale, Epilogue = Epilogue())
  /// saturate(round(scale · columnScale · (sum + bias)) + zeroPoint), ties to even: QLinearMatMul and
  /// QLinearConv.
  case quantized(UnsafeMutableRawPointer, IntegerScale, Requantization)
}

extension IntegerOutput {
  var pointer: UnsafeMutableRawPointer {
    switch self {
    case .sums(let pointer): UnsafeMutableRawPointer(pointer)
    case .floats(let pointer, _, _): UnsafeMutableRawPointer(pointer)
    case .quantized(let pointer, _, _): pointer
    }
  }

  var elementByteCount: Int {
    switch self {
    case .sums, .floats: 4
    case .quantized: 1
    }
  }

  /// The same results at another place.
  func moved(to target: UnsafeMutableRawPointer) -> IntegerOutput {
    switch self {
    case .sums: .sums(target.assumingMemoryBound(to: Int32.self))
    case .floats(_, let scale, let epilogue):
      .floats(target.assumingMemoryBound(to: Float.self), scale, epilogue)
    case .quantized(_, let scale, let requantization): .quantized(target, scale, requantization)
    }
  }

  /// The output of the part of C that begins at an element, in a column.
  func from(element: Int, column: Int = 0, strideC: Int) -> IntegerOutput {
    let target = pointer + element * elementByteCount
    switch moved(to: target) {
    case .floats(let pointer, var scale, var epilogue):
      scale.columnScales = scale.columnScales.map { $0 + column }
      epilogue.columnBias = epilogue.columnBias.map { $0 + column }
      if let residual = epilogue.residual {
        let stride = epilogue.residualStride ?? strideC
        epilogue.residualStride = stride
        epilogue.residual = residual + (element - column) / strideC * stride + column
      }
      return .floats(pointer, scale, epilogue)
    case .quantized(let pointer, var scale, var requantization):
      scale.columnScales = scale.columnScales.map { $0 + column }
      requantization.bias = requantization.bias.map { $0 + column }
      return .quantized(pointer, scale, requantization)
    case let sums: return sums
    }
  }
}

/// What a sum is multiplied with: both operands' scales, and the inverse of the result's if it has one.
public struct IntegerScale {
  public var scale: Float
  /// One value a column of C (an output feature) that is a factor too, or nil.
  public var columnScales: UnsafePointer<Float>?

  public init(_ scale: Float, columnScales: UnsafePointer<Float>? = nil) {
    self.scale = scale
    self.columnScales = columnScales
  }
}

/// How sums become 8-bit integers again.
public struct Requantization {
  public var zeroPoint: Int32
  /// The result is Int8 rather than UInt8.
  public var isSigned: Bool
  /// One value a column, in units of both operands' scales, that is added to the sums; or nil.
  public var bias: UnsafePointer<Int32>?
  /// The stored results are held between these, and within their type: a fused Relu or Clip.
  public var range: ClosedRange<Int32>

  public init(
    zeroPoint: Int32, isSigned: Bool, bias: UnsafePointer<Int32>? = nil, range: ClosedRange<Int32>? = nil
  ) {
    self.zeroPoint = zeroPoint
    self.isSigned = isSigned
    self.bias = bias
    let all = Requantization.bounds(isSigned: isSigned)
    self.range = range.map { $0.clamped(to: all) } ?? all
  }

  /// What Int8 or UInt8 holds.
  static func bounds(isSigned: Bool) -> ClosedRange<Int32> { isSigned ? -128...127 : 0...255 }
}
