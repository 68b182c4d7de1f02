import Tensors

/// The ONNX operator EyeLike: ones on a diagonal of a matrix.
struct EyeLike: Evaluation {
  static let description = OperatorDescription("EyeLike", inputs: 1...1, support: "all numbers and BOOL") {
    reader in
    let number = try reader.int("dtype")
    let datatype = number.flatMap { ElementType.datatype($0) }
    guard number == nil || datatype != nil && datatype != .bytes else {
      throw ONNXError(.unsupported, "elements of \(ElementType.name(number ?? 0))")
    }
    return EyeLike(datatype: datatype, diagonal: try reader.int("k", default: 0))
  }

  let name = "EyeLike"
  let datatype: Datatype?
  let diagonal: Int
  var readsElements: Bool { false }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let countsRows = x.dimensions.contains { $0.contains(.batch) }
    return [TensorFact(datatype ?? x.datatype, x.dimensions, rows: countsRows ? .mixed : .shared)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    guard x.shape.rank == 2, x.datatype != .bytes else {
      throw ONNXError(.invalid, "a tensor of shape \(x.shape); a matrix is expected")
    }
    let columns = x.shape[1]
    let values = (0..<x.elementCount).map { $0 % columns &- $0 / columns == diagonal ? 1 : 0 }
    return [try node.tensor(datatype ?? x.datatype, x.shape, integers: values)]
  }
}
