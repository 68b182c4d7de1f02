import Tensors

/// The ONNX operator If.
struct If: Evaluation, SubgraphHolder {
  static let description = OperatorDescription(
    "If", inputs: 1...1, outputs: 1...Int.max, support: "all values"
  ) { reader in
    let (yes, no) = (try reader.subgraph("then_branch"), try reader.subgraph("else_branch"))
    guard yes.formals.isEmpty, no.formals.isEmpty else { throw ONNXError(.invalid, "a branch with inputs") }
    return If(yes: yes, no: no)
  }

  let name = "If"
  var yes: Subgraph
  var no: Subgraph

  func prepared(_ inputs: [TensorFact?], _ engine: Engine) throws -> any Operation {
    If(yes: try yes.prepared(inputs, engine), no: try no.prepared(inputs, engine))
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let condition = try node.input(0)
    guard condition.datatype == .bool, condition.elementCount == 1 else {
      throw ONNXError(
        .invalid, "a condition of \(condition.datatype.name)\(condition.shape), expected one BOOL")
    }
    return try (condition.integers()[0] != 0 ? yes : no).run([], node: node)
  }
}
