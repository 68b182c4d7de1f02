import Tensors

/// The ONNX operator Loop.
struct Loop: Evaluation, SubgraphHolder {
  static let description = OperatorDescription(
    "Loop", inputs: 2...Int.max, outputs: 1...Int.max, support: "all values"
  ) { reader in
    let body = try reader.subgraph("body")
    let carried = max(reader.inputCount - 2, 0)
    guard body.formals.count == 2 + carried, body.outputCount >= 1 + carried else {
      throw ONNXError(
        .invalid,
        "a body of \(body.formals.count) inputs and \(body.outputCount) outputs for \(carried) values")
    }
    return Loop(body: body, carriedCount: carried)
  }

  let name = "Loop"
  var body: Subgraph
  let carriedCount: Int

  func prepared(_ inputs: [TensorFact?], _ engine: Engine) throws -> any Operation {
    Loop(body: try body.prepared(inputs, engine), carriedCount: carriedCount)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let trips = try node.integer(0) ?? .max
    var goesOn = try node.has(1) ? isTrue(try node.input(1)) : true
    var carried = Array(node.inputs[2..<2 + carriedCount])
    var scanned = [[Tensor]](repeating: [], count: body.outputCount - 1 - carriedCount)
    var trip = 0
    while trip < trips, goesOn {
      guard trip < node.engine.limits.iterations else {
        throw ONNXError(.limit, "more than \(node.engine.limits.iterations) iterations")
      }
      let head = [try node.tensor(.int64, [], integers: [trip]), try node.tensor([], bools: [goesOn])]
      let results = try body.run(head + carried, node: node)
      guard let condition = results[0] else { throw ONNXError(.invalid, "the body gives no condition") }
      goesOn = try isTrue(try condition.tensor("the condition"))
      carried = Array(results[1..<1 + carriedCount])
      for place in scanned.indices {
        guard let result = results[1 + carriedCount + place] else {
          throw ONNXError(.invalid, "the body gives no output \(1 + carriedCount + place)")
        }
        scanned[place].append(try result.tensor("output \(1 + carriedCount + place) of the body"))
      }
      trip += 1
    }
    return carried
      + (try scanned.enumerated().map { place, parts in
        .tensor(
          parts.isEmpty
            ? try body.emptyOutput(1 + carriedCount + place, node.engine.limits)
            : try node.stacked(parts, axis: 0))
      })
  }

  private func isTrue(_ tensor: Tensor) throws -> Bool {
    guard tensor.datatype == .bool, tensor.elementCount == 1 else {
      throw ONNXError(.invalid, "a condition of \(tensor.datatype.name)\(tensor.shape), expected one BOOL")
    }
    return tensor.integers()[0] != 0
  }
}

extension Subgraph {
  /// What the parts of output `place` of no run at all make: a tensor without slices.
  func emptyOutput(_ place: Int, _ limits: Limits) throws -> Tensor {
    guard case .tensor(let datatype, let dimensions)? = graph.declaredOutputs[place] else {
      throw ONNXError(.unsupported, "no iteration, and no declared type of output \(place)")
    }
    let sizes = (dimensions ?? []).map { dimension in
      if case .known(let size) = dimension { return size }
      return 0
    }
    guard sizes.count < Shape.maximumRank else {
      throw ONNXError(.limit, "a tensor of \(sizes.count + 1) dimensions")
    }
    return try Tensor.make(datatype, Shape([0] + sizes), limits)
  }
}
