import Tensors

/// The ONNX operator NonZero: the indices of the elements that are not zero, a column each.
struct NonZero: Evaluation {
  static let description = OperatorDescription("NonZero", inputs: 1...1, support: "all numbers and BOOL") {
    _ in
    NonZero()
  }

  let name = "NonZero"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    guard x.datatype != .bytes else { throw ONNXError(.unsupported, "elements of BYTES") }
    let isSet = x.isFloat ? x.doubles().map { $0 != 0 } : x.integers().map { $0 != 0 }
    var columns: [[Int]] = []
    x.shape.forEachPlace { place, index in
      if isSet[place] { columns.append(index) }
    }
    var values: [Int] = []
    for axis in 0..<x.shape.rank { values += columns.map { $0[axis] } }
    return [try node.tensor(.int64, [x.shape.rank, columns.count], integers: values)]
  }
}
