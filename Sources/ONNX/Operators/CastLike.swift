import Tensors

/// The ONNX operator CastLike: a cast to the datatype of another tensor.
struct CastLike: Evaluation {
  static let description = OperatorDescription(
    "CastLike", inputs: 2...2, support: "all datatypes; between BYTES and numbers as decimal text"
  ) { _ in CastLike() }

  let name = "CastLike"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try Cast(target: try node.input(1).datatype).infer(node)
  }

  func step(_ node: StepRequest) throws -> Step { try Cast(target: try node.output().datatype).step(node) }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try Cast(target: try node.input(1).datatype).evaluate(node)
  }
}
