import Tensors

/// The ONNX operator SequenceMap: a graph run on each element of sequences.
struct SequenceMap: Evaluation, SubgraphHolder {
  static let description = OperatorDescription(
    "SequenceMap", inputs: 1...Int.max, outputs: 1...Int.max, support: "all values"
  ) { reader in SequenceMap(body: try reader.subgraph("body"), inputCount: reader.inputCount) }

  let name = "SequenceMap"
  var body: Subgraph
  let inputCount: Int

  func prepared(_ inputs: [TensorFact?], _ engine: Engine) throws -> any Operation {
    SequenceMap(body: try body.prepared(inputs, engine), inputCount: inputCount)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let count = try node.sequence(0).count
    var results = [[Value]](repeating: [], count: body.outputCount)
    for index in 0..<count {
      let arguments = try (0..<inputCount).map { place -> Value? in
        guard case .sequence(let values) = try node.value(place) else { return node.inputs[place] }
        guard values.count == count else {
          throw ONNXError(.invalid, "sequences of \(count) and of \(values.count) elements")
        }
        return values[index]
      }
      for (place, result) in try body.run(arguments, node: node).enumerated() {
        guard let result else { throw ONNXError(.invalid, "the body gives no output \(place)") }
        results[place].append(result)
      }
    }
    return results.map { .sequence($0) }
  }
}
