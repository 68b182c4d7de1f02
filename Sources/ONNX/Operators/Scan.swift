import Tensors

/// The ONNX operator Scan. Before opset 9 it ran once for each row of a batch.
struct Scan: Evaluation, SubgraphHolder {
  static let description = OperatorDescription(
    "Scan", inputs: 1...Int.max, outputs: 1...Int.max, support: "all datatypes"
  ) { reader in
    let body = try reader.subgraph("body")
    let scanned = try reader.required("num_scan_inputs", try reader.int("num_scan_inputs"))
    let first = reader.opset < 9 ? 1 : 0
    guard scanned >= 1, scanned + first <= reader.inputCount, body.formals.count == reader.inputCount - first
    else { throw ONNXError(.invalid, "\(scanned) scan inputs and a body of \(body.formals.count) inputs") }
    let states = reader.inputCount - first - scanned
    guard body.outputCount >= states else {
      throw ONNXError(.invalid, "a body of \(body.outputCount) outputs")
    }
    return Scan(
      body: body, stateCount: states, scanCount: scanned, hasBatch: first == 1,
      inputAxes: try reader.ints("scan_input_axes"), outputAxes: try reader.ints("scan_output_axes"),
      inputDirections: try reader.ints(first == 1 ? "directions" : "scan_input_directions"),
      outputDirections: try reader.ints("scan_output_directions"))
  }

  let name = "Scan"
  var body: Subgraph
  let stateCount: Int
  let scanCount: Int
  let hasBatch: Bool
  let inputAxes: [Int]?
  let outputAxes: [Int]?
  let inputDirections: [Int]?
  let outputDirections: [Int]?

  func prepared(_ inputs: [TensorFact?], _ engine: Engine) throws -> any Operation {
    var result = self
    result.body = try body.prepared(inputs, engine)
    return result
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let first = hasBatch ? 1 : 0
    let tensors = try (first..<first + stateCount + scanCount).map { try node.input($0) }
    guard hasBatch else { return try scan(tensors, length: nil, node).map { .tensor($0) } }
    guard let rows = tensors.first?.shape.first, tensors.allSatisfy({ $0.shape.first == rows }), rows > 0
    else {
      throw ONNXError(.invalid, "inputs without a common batch")
    }
    let lengths = node.has(0) ? try node.integers(0) : nil
    var results: [[Tensor]] = []
    for row in 0..<rows {
      let parts = try tensors.map { try node.slice(of: $0, axis: 0, at: row) }
      results.append(try scan(parts, length: lengths.map { $0[row] }, node))
    }
    return try results[0].indices.map { place in
      .tensor(try node.stacked(results.map { $0[place] }, axis: 0))
    }
  }

  private func scan(_ tensors: [Tensor], length: Int?, _ node: EvaluationRequest) throws -> [Tensor] {
    var states = Array(tensors[..<stateCount])
    let inputs = Array(tensors[stateCount...])
    let axes = try inputs.enumerated().map { place, tensor in
      try normalizedAxis(element(inputAxes, place), rank: tensor.shape.rank)
    }
    let count = inputs[0].shape[axes[0]]
    guard zip(inputs, axes).allSatisfy({ $0.shape[$1] == count }), length ?? count <= count, length ?? 0 >= 0
    else {
      throw ONNXError(.invalid, "scan inputs of different lengths")
    }
    var scanned = [[Tensor]](repeating: [], count: body.outputCount - stateCount)
    for step in 0..<(length ?? count) {
      let slices = try inputs.enumerated().map { place, tensor in
        let index = element(inputDirections, place) == 0 ? step : count - 1 - step
        return try node.slice(of: tensor, axis: axes[place], at: index)
      }
      let results = try body.run((states + slices).map { .tensor($0) }, node: node).enumerated().map {
        guard let value = $1 else { throw ONNXError(.invalid, "the body gives no output \($0)") }
        return try value.tensor("output \($0) of the body")
      }
      states = Array(results[..<stateCount])
      for place in scanned.indices { scanned[place].append(results[stateCount + place]) }
    }
    return states + (try scanned.enumerated().map { try stacked($1, $0, node) })
  }

  private func stacked(_ parts: [Tensor], _ place: Int, _ node: EvaluationRequest) throws -> Tensor {
    guard let first = parts.first else { return try body.emptyOutput(stateCount + place, node.engine.limits) }
    let axis = try normalizedAxis(element(outputAxes, place), rank: first.shape.rank + 1)
    return try node.stacked(element(outputDirections, place) == 0 ? parts : parts.reversed(), axis: axis)
  }

  private func element(_ list: [Int]?, _ place: Int) -> Int {
    guard let list, place < list.count else { return 0 }
    return list[place]
  }
}
