import Tensors

/// `TensorProto.DataType` of onnx.proto.
enum ElementType {
  /// The datatype that ONNX numbers so; nil where the protocol has none of the kind.
  static func datatype(_ number: Int) -> Datatype? {
    switch number {
    case 1: .fp32
    case 2: .uint8
    case 3: .int8
    case 4: .uint16
    case 5: .int16
    case 6: .int32
    case 7: .int64
    case 8: .bytes
    case 9: .bool
    case 10: .fp16
    case 11: .fp64
    case 12: .uint32
    case 13: .uint64
    case 16: .bf16
    default: nil
    }
  }

  static func number(_ datatype: Datatype) -> Int {
    switch datatype {
    case .fp32: 1
    case .uint8: 2
    case .int8: 3
    case .uint16: 4
    case .int16: 5
    case .int32: 6
    case .int64: 7
    case .bytes: 8
    case .bool: 9
    case .fp16: 10
    case .fp64: 11
    case .uint32: 12
    case .uint64: 13
    case .bf16: 16
    }
  }

  static func name(_ number: Int) -> String {
    let names: [Int: String] = [
      14: "COMPLEX64", 15: "COMPLEX128", 17: "FLOAT8E4M3FN", 18: "FLOAT8E4M3FNUZ", 19: "FLOAT8E5M2",
      20: "FLOAT8E5M2FNUZ", 21: "UINT4", 22: "INT4", 23: "FLOAT4E2M1", 24: "FLOAT8E8M0", 25: "UINT2",
      26: "INT2",
    ]
    return names[number] ?? datatype(number)?.name ?? "data type \(number)"
  }
}
