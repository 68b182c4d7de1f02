import Kernels
import Tensors

/// The scale and zero point of a whole tensor of 8-bit integers, when they are known before the run.
struct QuantizationScale: Sendable, Equatable {
  let scale: Float
  let zeroPoint: Int32
  let isSigned: Bool

  init(scale: Float, zeroPoint: Int32, isSigned: Bool) {
    (self.scale, self.zeroPoint, self.isSigned) = (scale, zeroPoint, isSigned)
  }

  /// - Parameters:
  ///   - zeroPoint: nil stands for 0.
  ///   - datatype: of the integers.
  init?(scale: Constant?, zeroPoint: Constant?, _ datatype: Datatype) {
    guard let scale, scale.datatype == .fp32, scale.elementCount == 1,
      datatype == .int8 || datatype == .uint8,
      zeroPoint.map({ $0.datatype == datatype && $0.elementCount == 1 }) ?? true, scale.float(at: 0) > 0
    else { return nil }
    self.init(
      scale: scale.float(at: 0), zeroPoint: Int32(zeroPoint?.integer(at: 0) ?? 0), isSigned: datatype == .int8
    )
  }

  var datatype: Datatype { isSigned ? .int8 : .uint8 }

  /// As the kernels have it.
  var kernel: Quantization { Quantization(scale: scale, zeroPoint: zeroPoint, isSigned: isSigned) }

  /// Bytes that lie in memory, as the kernels take them.
  func matrix(_ bytes: UnsafeMutableRawPointer) -> IntegerMatrix {
    isSigned
      ? IntegerMatrix(UnsafePointer(bytes.assumingMemoryBound(to: Int8.self)), zeroPoint: .uniform(zeroPoint))
      : IntegerMatrix(
        UnsafePointer(bytes.assumingMemoryBound(to: UInt8.self)), zeroPoint: .uniform(zeroPoint))
  }
}

/// Constant weights of 8-bit integers, with one scale and zero point or one an output channel.
struct QuantizedWeights: Sendable {
  /// Aligned, and independent of the file.
  let values: Constant
  /// One a channel.
  let scales: [Float]
  let zeroPoints: [Int32]

  /// - Parameter channels: of the outputs.
  init?(_ values: Constant?, scale: Constant?, zeroPoint: Constant?, channels: Int) throws {
    guard let values, values.datatype == .int8 || values.datatype == .uint8, let scales = scale?.floats,
      scales.count == 1 || scales.count == channels, values.elementCount > 0,
      zeroPoint.map({
        $0.datatype == values.datatype && ($0.elementCount == 1 || $0.elementCount == channels)
      })
        ?? true
    else { return nil }
    self.values = try values.copied()
    let zeros = zeroPoint?.integers ?? [0]
    self.scales = scales.count == channels ? scales : [Float](repeating: scales[0], count: channels)
    zeroPoints = (0..<channels).map { Int32(zeros[zeros.count == channels ? $0 : 0]) }
  }

  /// Calls `body` with the values as the kernels take them.
  func withMatrix<Result>(_ body: (IntegerMatrix) -> Result) -> Result {
    withExtendedLifetime(values) {
      zeroPoints.withUnsafeBufferPointer { zeros in
        let isUniform = zeroPoints.allSatisfy { $0 == zeroPoints[0] }
        let zeroPoint = zeros.baseAddress.map { isUniform ? ZeroPoint.uniform(zeroPoints[0]) : .each($0) }
        let bytes = values.pointer
        return body(
          values.datatype == .int8
            ? IntegerMatrix(
              UnsafePointer(bytes.assumingMemoryBound(to: Int8.self)), zeroPoint: zeroPoint ?? .uniform(0))
            : IntegerMatrix(
              UnsafePointer(bytes.assumingMemoryBound(to: UInt8.self)), zeroPoint: zeroPoint ?? .uniform(0)))
      }
    }
  }
}

/// What becomes of the sums of a product of integers: the scales and biases of the output's channels, which
/// stand ready for the kernels.
struct QuantizedOutput: Sendable {
  /// Of the result; nil when it is FP32.
  let target: QuantizationScale?
  /// The input's scale times each channel's.
  private let scales: Constant
  /// INT32 in units of `scales` for 8-bit results, FP32 for others.
  private let bias: Constant?
  private let low: Int32
  private let high: Int32

  /// - Parameter bias: in units of the result, one a channel.
  init(
    input: QuantizationScale, weights: QuantizedWeights, bias: [Float]?, target: QuantizationScale?,
    activation: Activation
  ) throws {
    self.target = target
    let factors = weights.scales.map { input.scale * $0 }
    let inverse = target.map { 1 / $0.scale } ?? 1
    scales = try Constant.make(floats: factors.map { $0 * inverse })
    guard target != nil, let bias else {
      self.bias = try bias.map { try Constant.make(floats: $0) }
      (low, high) = Self.bounds(activation, target)
      return
    }
    self.bias = try Constant.make(.int32, [bias.count]) { memory in
      for (index, value) in bias.enumerated() {
        let level = (value / factors[index]).rounded(.toNearestOrEven)
        let held = min(max(level, -2_147_483_648), 2_147_483_520)
        memory.storeBytes(of: Int32(held), toByteOffset: index * 4, as: Int32.self)
      }
    }
    (low, high) = Self.bounds(activation, target)
  }

  /// The levels between which an activation holds the result.
  private static func bounds(_ activation: Activation, _ target: QuantizationScale?) -> (Int32, Int32) {
    guard let target else { return (.min, .max) }
    func level(_ value: Float) -> Int32 {
      let level = (value / target.scale).rounded(.toNearestOrEven) + Float(target.zeroPoint)
      return Int32(min(max(level, -128), 255))
    }
    switch activation {
    case .relu: return (level(0), .max)
    case .clip(let low, let high): return (level(low), level(high))
    default: return (.min, .max)
    }
  }

  func output(
    _ pointer: UnsafeMutableRawPointer, activation: Activation, residual: UnsafePointer<Float>? = nil
  ) -> IntegerOutput {
    let scale = IntegerScale(
      1, columnScales: UnsafePointer(scales.pointer.assumingMemoryBound(to: Float.self)))
    guard let target else {
      let bias = bias.map { UnsafePointer($0.pointer.assumingMemoryBound(to: Float.self)) }
      return .floats(
        pointer.assumingMemoryBound(to: Float.self), scale,
        Epilogue(columnBias: bias, residual: residual, activation: activation))
    }
    let bias = bias.map { UnsafePointer($0.pointer.assumingMemoryBound(to: Int32.self)) }
    return .quantized(
      pointer, scale,
      Kernels.Requantization(
        zeroPoint: target.zeroPoint, isSigned: target.isSigned, bias: bias, range: low...max(low, high)))
  }
}
