import Tensors

/// The ONNX operator Constant.
struct ConstantNode: Operation {
  static let description = OperatorDescription(
    "Constant", inputs: 0...0, support: "value, value_float(s), value_int(s), value_string(s)"
  ) { reader in ConstantNode(value: try value(reader)) }

  let name = "Constant"
  var value: Constant

  private static func value(_ reader: NodeReader) throws -> Constant {
    switch reader.attributes.first(where: { $0.key.hasPrefix("value") || $0.key == "sparse_value" })?.value {
    case .tensor(let constant): return constant
    case .float(let value): return try .make(floats: [value], shape: [])
    case .floats(let values): return try .make(floats: values)
    case .int(let value): return try .make(integers: [value], shape: [])
    case .ints(let values): return try .make(integers: values)
    case .string(let text): return try strings([text], shape: [])
    case .strings(let texts): return try strings(texts, shape: [texts.count])
    case let other?: throw ONNXError(.unsupported, "a constant of \(other.kindName)")
    case nil: throw ONNXError(.invalid, "no attribute holds the value")
    }
  }

  private static func strings(_ texts: [String], shape: Shape) throws -> Constant {
    let bytes = texts.map { Array($0.utf8) }
    let elements = try Constant.make(.bytes, shape) { memory in
      for (index, text) in bytes.enumerated() {
        text.withUnsafeBufferPointer {
          let element = BytesElement(data: $0.baseAddress, count: $0.count)
          memory.storeBytes(
            of: element, toByteOffset: index * MemoryLayout<BytesElement>.stride, as: BytesElement.self)
        }
      }
    }
    // The records point into `bytes`, which lives until they are copied.
    return try withExtendedLifetime(bytes) { try elements.copied() }
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] { [TensorFact(value)] }

  func step(_ node: StepRequest) throws -> Step {
    let y = try node.output()
    let value = value
    return Step { memory in
      if let base = value.bytes.baseAddress { memory[y].copyMemory(from: base, byteCount: y.byteCount) }
    }
  }
}
