import Tensors

extension Datatype {
  /// TensorFlow's name in messages, for example `float`.
  var tensorFlowWord: String {
    switch self {
    case .bool: "bool"
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .fp16: "half"
    case .bf16: "bfloat16"
    case .fp32: "float"
    case .fp64: "double"
    case .bytes: "string"
    }
  }

  /// TensorFlow's name in metadata, for example `DT_FLOAT`.
  var tensorFlowName: String { "DT_" + tensorFlowWord.uppercased() }
}
