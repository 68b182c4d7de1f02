import Tensors

/// The ONNX operator BitCast: the same bits as another datatype of the same size.
struct BitCast: Operation {
  static let description = OperatorDescription(
    "BitCast", inputs: 1...1, support: "all numbers and BOOL"
  ) { reader in
    let number = try reader.required("to", try reader.int("to"))
    guard let datatype = ElementType.datatype(number), datatype != .bytes else {
      throw ONNXError(.unsupported, "elements of \(ElementType.name(number))")
    }
    return BitCast(target: datatype)
  }

  let name = "BitCast"
  let target: Datatype

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.datatype != .bytes, x.datatype.byteCount == target.byteCount else {
      throw ONNXError(.invalid, "the bits of \(x.datatype.name) as \(target.name)")
    }
    return [TensorFact(target, x.dimensions, rows: x.rows)]
  }

  func step(_ node: StepRequest) throws -> Step { try .view(node) }
}
