import Tensors

/// The ONNX operator Reshape: 0 keeps a dimension (unless `allowzero`), one -1 takes what is left.
struct Reshape: Operation {
  static let description = OperatorDescription(
    "Reshape", inputs: 2...2, support: "all datatypes; 0, -1 and allowzero"
  ) { reader in Reshape(allowsZero: try reader.flag("allowzero", default: false)) }

  let name = "Reshape"
  let allowsZero: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard let target = try node.contents(1) else {
      var fact = TensorFact(x.datatype, node.freshDimensions(try node.listLength(1)))
      fact.rows = x.rows == .shared ? .shared : .mixed
      return [fact]
    }
    guard target.count <= Shape.maximumRank else {
      throw ONNXError(
        .limit, "a shape of \(target.count) dimensions; at most \(Shape.maximumRank) are supported")
    }
    return [ReshapeRule.fact(x, try dimensions(x, target, node))]
  }

  private func dimensions(_ x: TensorFact, _ target: [Dimension], _ node: NodeFacts) throws -> [Dimension] {
    var result = try target.enumerated().map { axis, size -> Dimension in
      guard size.known == 0, !allowsZero else { return size }
      guard axis < x.rank else {
        throw ONNXError(
          .invalid, "shape \(text(target)) keeps dimension \(axis) of a tensor of \(x.rank) dimensions")
      }
      return x.dimensions[axis]
    }
    let open = result.indices.filter { result[$0].known == -1 }
    guard open.count <= 1, result.allSatisfy({ ($0.known ?? 0) >= -1 }) else {
      throw ONNXError(
        .invalid, "shape \(text(target)); at most one -1 and no other negative number may stand there")
    }
    let total = try Dimension.product(x.dimensions)
    guard let place = open.first else {
      try check(total, try Dimension.product(result), x, target)
      return result
    }
    result[place] = .one
    let others = try Dimension.product(result)
    result[place] = try rest(total, others, x, target, node)
    return result
  }

  /// What -1 stands for.
  private func rest(
    _ total: Dimension, _ others: Dimension, _ x: TensorFact, _ target: [Dimension], _ node: NodeFacts
  ) throws -> Dimension {
    if let total = total.known, let others = others.known {
      guard others != 0 else { return Dimension(0) }
      guard total % others == 0 else { throw mismatch(x, target) }
    }
    return total.divided(by: others) ?? node.freshDimension()
  }

  private func check(_ total: Dimension, _ result: Dimension, _ x: TensorFact, _ target: [Dimension]) throws {
    if let total = total.known, let result = result.known, total != result { throw mismatch(x, target) }
  }

  private func mismatch(_ x: TensorFact, _ target: [Dimension]) -> ONNXError {
    ONNXError(.invalid, "a tensor of shape \(x.shapeText) has no shape \(text(target))")
  }

  private func text(_ target: [Dimension]) -> String {
    "[" + target.map(\.description).joined(separator: ",") + "]"
  }

  func step(_ node: StepRequest) throws -> Step { try .view(node) }
}
