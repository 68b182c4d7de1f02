/// The element type of a tensor: the datatypes of the Open Inference Protocol.
///
/// Raw values are those of the plugin ABI (`swerve_dtype`); a test holds the two together.
public enum Datatype: Int32, Sendable, CaseIterable {
  case bool = 1
  case uint8, uint16, uint32, uint64
  case int8, int16, int32, int64
  case fp16, bf16, fp32, fp64
  case bytes

  /// The protocol's name, for example `FP32`.
  public var name: String {
    switch self {
    case .bool: "BOOL"
    case .uint8: "UINT8"
    case .uint16: "UINT16"
    case .uint32: "UINT32"
    case .uint64: "UINT64"
    case .int8: "INT8"
    case .int16: "INT16"
    case .int32: "INT32"
    case .int64: "INT64"
    case .fp16: "FP16"
    case .bf16: "BF16"
    case .fp32: "FP32"
    case .fp64: "FP64"
    case .bytes: "BYTES"
    }
  }

  /// The datatype that the protocol calls `name`, in capitals; nil for any other word.
  public init?(name: String) {
    // Those that models mostly take come first.
    switch name {
    case "FP32": self = .fp32
    case "INT64": self = .int64
    case "BYTES": self = .bytes
    case "INT32": self = .int32
    case "UINT8": self = .uint8
    default:
      guard let match = Datatype.allCases.first(where: { $0.name == name }) else { return nil }
      self = match
    }
  }

  /// Bytes an element takes in tensor memory. A `bytes` element is a `BytesElement`.
  @inlinable public var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .fp16, .bf16: 2
    case .uint32, .int32, .fp32: 4
    case .uint64, .int64, .fp64: 8
    case .bytes: 16
    }
  }
}
