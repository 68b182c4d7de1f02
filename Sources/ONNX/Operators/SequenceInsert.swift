/// The ONNX operator SequenceInsert.
struct SequenceInsert: Evaluation {
  static let description = OperatorDescription(
    "SequenceInsert", inputs: 2...3, support: "tensors of all datatypes"
  ) { _ in SequenceInsert() }

  let name = "SequenceInsert"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    var values = try node.sequence(0)
    guard values.count < node.engine.limits.sequence else {
      throw ONNXError(.limit, "a sequence of more than \(node.engine.limits.sequence) elements")
    }
    let index = try node.integer(2) ?? values.count
    // The end is a place to insert at, too.
    let place = index == values.count ? index : try GatherIndex.place(index, values.count)
    values.insert(try node.value(1), at: place)
    return [.sequence(values)]
  }
}
