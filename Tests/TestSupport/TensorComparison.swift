import Foundation
public import Tensors

extension Tensor {
  /// The elements as Doubles; nil for `bytes`.
  public func doubles() -> [Double]? {
    switch datatype {
    case .bool, .uint8: elements(as: UInt8.self).map { Double($0) }
    case .uint16: elements(as: UInt16.self).map { Double($0) }
    case .uint32: elements(as: UInt32.self).map { Double($0) }
    case .uint64: elements(as: UInt64.self).map { Double($0) }
    case .int8: elements(as: Int8.self).map { Double($0) }
    case .int16: elements(as: Int16.self).map { Double($0) }
    case .int32: elements(as: Int32.self).map { Double($0) }
    case .int64: elements(as: Int64.self).map { Double($0) }
    case .fp16: elements(as: UInt16.self).map { Double(Float16(bitPattern: $0)) }
    case .bf16: elements(as: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .fp32: elements(as: Float.self).map { Double($0) }
    case .fp64: Array(elements(as: Double.self))
    case .bytes: nil
    }
  }

  /// What differs from `expected` by more than the tolerance; nil when nothing does.
  public func difference(from expected: Tensor, relative: Double, absolute: Double) -> String? {
    if datatype != expected.datatype { return "\(datatype.name), expected \(expected.datatype.name)" }
    if shape != expected.shape { return "shape \(shape), expected \(expected.shape)" }
    guard let own = doubles(), let other = expected.doubles() else { return "texts are not compared" }
    for index in own.indices {
      let (a, b) = (own[index], other[index])
      if a == b || (a.isNaN && b.isNaN) || abs(a - b) <= absolute + relative * abs(b) { continue }
      return "element \(index) is \(a), expected \(b)"
    }
    return nil
  }
}
