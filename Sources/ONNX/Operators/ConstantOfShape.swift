import Tensors

/// The ONNX operator ConstantOfShape.
struct ConstantOfShape: Operation {
  static let description = OperatorDescription(
    "ConstantOfShape", inputs: 1...1, support: "all datatypes but BYTES; shape known before the run"
  ) { reader in
    guard let attribute = reader.attributes["value"] else {
      return ConstantOfShape(value: try .make(floats: [0]))
    }
    guard case .tensor(let value) = attribute, value.elementCount == 1, value.datatype != .bytes else {
      throw ONNXError(.invalid, "attribute 'value' is \(attribute.kindName), expected a TENSOR of one number")
    }
    return ConstantOfShape(value: try value.copied())
  }

  let name = "ConstantOfShape"
  let value: Constant

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    guard let shape = try node.contents(0) else {
      return [TensorFact(value.datatype, node.freshDimensions(try node.listLength(0)), rows: .mixed)]
    }
    guard shape.count <= Shape.maximumRank, shape.allSatisfy({ $0.known ?? 0 >= 0 }) else {
      throw ONNXError(.invalid, "a shape of \(shape.map(\.description))")
    }
    let countsRows = shape.contains { $0.contains(.batch) }
    return [TensorFact(value.datatype, shape, rows: countsRows ? .mixed : .shared)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let y = try node.output()
    let value = value
    let fill = StridedCopy(
      shape: y.shape, strides: Shape(repeatElement(0, count: y.shape.rank)), start: 0,
      elementBytes: y.datatype.byteCount)
    return Step { memory in fill.run(value.pointer, memory[y]) }
  }
}
