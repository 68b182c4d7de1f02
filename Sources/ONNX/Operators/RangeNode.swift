import Tensors

/// The ONNX operator Range.
struct RangeNode: Evaluation {
  static let description = OperatorDescription("Range", inputs: 3...3, support: "all numbers") { _ in
    RangeNode()
  }

  let name = "Range"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<3)
    let datatype = try node.input(0).datatype
    if datatype == .int64 || datatype == .int32 {
      let (start, limit, delta) = (try node.contents(0), try node.contents(1), try node.contents(2))
      guard let start = start?.first, let limit = limit?.first, let delta = delta?.first else {
        return [TensorFact(datatype, [node.freshDimension()], rows: .mixed)]
      }
      let rows: Rows = [start, limit, delta].contains { $0.contains(.batch) } ? .mixed : .shared
      if start.known == 0, delta.isOne, limit.known ?? 0 >= 0 {
        return [TensorFact(datatype, [limit], rows: rows)]
      }
      guard let first = start.known, let last = limit.known, let step = delta.known else {
        return [TensorFact(datatype, [node.freshDimension()], rows: rows)]
      }
      return [TensorFact(datatype, [Dimension(try Self.count(first, last, step))], rows: rows)]
    }
    let constants = [try node.constant(0), try node.constant(1), try node.constant(2)]
    guard let all = try? constants.compactMap({ try $0?.tensor().doubles().first }), all.count == 3 else {
      return [TensorFact(datatype, [node.freshDimension()], rows: .mixed)]
    }
    return [TensorFact(datatype, [Dimension(try Self.count(all[0], all[1], all[2]))])]
  }

  private static func count(_ start: Int, _ limit: Int, _ delta: Int) throws -> Int {
    guard delta != 0, delta != .min else { throw ONNXError(.argument, "a delta of \(delta)") }
    let (distance, overflow) = limit.subtractingReportingOverflow(start)
    guard !overflow else { throw ONNXError(.limit, "a range from \(start) to \(limit)") }
    if distance == 0 || (distance > 0) != (delta > 0) { return 0 }
    return (distance.magnitude - 1).quotientAndRemainder(dividingBy: delta.magnitude).quotient.asCount + 1
  }

  private static func count(_ start: Double, _ limit: Double, _ delta: Double) throws -> Int {
    let count = ((limit - start) / delta).rounded(.up)
    guard delta != 0, let exact = Int(exactly: max(count, 0)) else {
      throw ONNXError(.argument, "a range from \(start) to \(limit) by \(delta)")
    }
    return exact
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let first = try node.input(0)
    for index in 0..<3
    where try node.input(index).elementCount != 1 || node.input(index).datatype != first.datatype {
      throw ONNXError(.invalid, "input \(index) is no number of \(first.datatype.name)")
    }
    try node.requireNumber(0)
    if first.isFloat {
      let numbers = try (0..<3).map { try node.input($0).doubles()[0] }
      let count = try Self.count(numbers[0], numbers[1], numbers[2])
      let shape = try node.shape([count])
      return [
        try node.tensor(first.datatype, shape, (0..<count).map { numbers[0] + Double($0) * numbers[2] })
      ]
    }
    let numbers = try (0..<3).map { try node.input($0).integers()[0] }
    let count = try Self.count(numbers[0], numbers[1], numbers[2])
    let shape = try node.shape([count])
    return [
      try node.tensor(first.datatype, shape, integers: (0..<count).map { numbers[0] &+ $0 &* numbers[2] })
    ]
  }
}

extension UInt {
  fileprivate var asCount: Int { Int(clamping: self) }
}
