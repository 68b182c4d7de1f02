public import CSwervePlugin

/// The type of a tensor's elements; raw values of the ABI (`swerve_dtype`).
public enum ElementType: Int32, Sendable, CaseIterable {
  case bool = 1
  case uint8, uint16, uint32, uint64
  case int8, int16, int32, int64
  case float16, bfloat16, float32, float64
  /// Byte strings, each element a `swerve_bytes`.
  case bytes
}

/// A Swift type that lies in a tensor's memory as it is.
public protocol TensorElement {
  static var elementType: ElementType { get }
}

extension Bool: TensorElement { public static var elementType: ElementType { .bool } }
extension UInt8: TensorElement { public static var elementType: ElementType { .uint8 } }
extension UInt16: TensorElement { public static var elementType: ElementType { .uint16 } }
extension UInt32: TensorElement { public static var elementType: ElementType { .uint32 } }
extension UInt64: TensorElement { public static var elementType: ElementType { .uint64 } }
extension Int8: TensorElement { public static var elementType: ElementType { .int8 } }
extension Int16: TensorElement { public static var elementType: ElementType { .int16 } }
extension Int32: TensorElement { public static var elementType: ElementType { .int32 } }
extension Int64: TensorElement { public static var elementType: ElementType { .int64 } }
extension Float16: TensorElement { public static var elementType: ElementType { .float16 } }
extension Float: TensorElement { public static var elementType: ElementType { .float32 } }
extension Double: TensorElement { public static var elementType: ElementType { .float64 } }
extension swerve_bytes: TensorElement { public static var elementType: ElementType { .bytes } }
