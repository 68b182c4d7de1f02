internal import CKernels

/// How floats stand as 8-bit integers: value = (stored − zeroPoint) · scale.
public struct Quantization: Sendable, Hashable {
  public var scale: Float
  public var zeroPoint: Int32
  /// Int8 rather than UInt8.
  public var isSigned: Bool

  public init(scale: Float, zeroPoint: Int32 = 0, isSigned: Bool = false) {
    self.scale = scale
    self.zeroPoint = zeroPoint
    self.isSigned = isSigned
  }

  /// Unsigned bytes that cover a range and 0, by ONNX DynamicQuantizeLinear's rule; scale 1 for a range of 0 only.
  public init(coveringFrom least: Float, to greatest: Float) {
    let (low, high) = (min(least, 0), max(greatest, 0))
    let step = (high - low) / 255
    scale = step > 0 ? step : 1
    let exact = (-low / scale).rounded(.toNearestOrEven)
    zeroPoint = exact.isFinite ? Int32(min(max(exact, 0), 255)) : 0
    isSigned = false
  }
}

extension KernelTable {
  /// ONNX DynamicQuantizeLinear: y = x as unsigned bytes, by a quantisation that covers x's range.
  public func dynamicQuantize(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>, count: Int, team: ThreadTeam
  ) -> Quantization {
    var (least, greatest): (Float, Float) = (0, 0)
    level.range(x, count: count, &least, &greatest)
    let quantization = Quantization(coveringFrom: least, to: greatest)
    quantize(x, UnsafeMutableRawPointer(y), count: count, quantization, team: team)
    return quantization
  }

  /// ONNX QuantizeLinear: y = saturate(round(x / scale) + zeroPoint), ties to even; NaN saturates below.
  public func quantize(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutableRawPointer, count: Int, _ quantization: Quantization,
    team: ThreadTeam
  ) {
    let bounds = Requantization.bounds(isSigned: quantization.isSigned)
    forEachSpan(count, team) { span in
      level.quantize(
        x + span.lowerBound, count: span.count, scale: quantization.scale, zeroPoint: quantization.zeroPoint,
        low: bounds.lowerBound, high: bounds.upperBound, isWide: false, y + span.lowerBound)
    }
  }

  /// ONNX DequantizeLinear: y = (x − zeroPoint) · scale.
  public func dequantize(
    _ x: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>, count: Int, _ quantization: Quantization,
    team: ThreadTeam
  ) {
    forEachSpan(count, team) { span in
      level.dequantize(
        (x + span.lowerBound).assumingMemoryBound(to: UInt8.self), isSigned: quantization.isSigned,
        count: span.count, scale: quantization.scale, zeroPoint: quantization.zeroPoint, y + span.lowerBound)
    }
  }
}
