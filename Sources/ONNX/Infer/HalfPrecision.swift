import Tensors

/// An operation on FP16 or BF16 tensors that is computed in FP32: its inputs are widened, its FP32
/// outputs rounded.
struct HalfPrecision: Operation {
  let base: any Operation
  /// The datatype of the tensors.
  let datatype: Datatype

  var name: String { base.name }
  var readsElements: Bool { base.readsElements }

  /// `operation` as it works on inputs of these datatypes.
  static func adapted(_ operation: any Operation, _ inputs: [Datatype?]) -> any Operation {
    guard operation.computesInFloat,
      let half = inputs.lazy.compactMap(\.self).first(where: { $0 == .fp16 || $0 == .bf16 })
    else { return operation }
    return HalfPrecision(base: operation, datatype: half)
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let wide = node.replacing(try node.inputs.map { try $0.map(widened) })
    defer { node.note(wide.missingContents) }
    return try base.infer(wide).map { fact in
      var fact = fact
      if fact.datatype == .fp32 {
        fact.datatype = datatype
        fact.constant = nil
      }
      return fact
    }
  }

  private func widened(_ fact: TensorFact) throws -> TensorFact {
    guard fact.datatype == datatype else { return fact }
    var wide = TensorFact(.fp32, fact.dimensions, rows: fact.rows)
    // Bounds and the like are small; weights are widened in the run.
    if let constant = fact.constant, constant.elementCount <= TensorFact.maximumContents {
      wide.constant = try Constant.make(.fp32, constant.shape) { memory in
        let source = try constant.aligned()
        ElementConversion.convert(source.pointer, datatype, memory, .fp32, count: constant.elementCount)
      }
    }
    return wide
  }

  func step(_ node: StepRequest) throws -> Step {
    // Wide operands follow the node's own in a table of pointers that the step makes.
    var moves: [(operand: Operand, wide: Operand, offset: Int, isInput: Bool)] = []
    var slots = 0
    var bytes = 0
    var keeps: [(operand: Operand, slot: Int)] = []
    func place(_ operand: Operand, isInput: Bool) throws -> Operand {
      defer { slots += 1 }
      guard operand.datatype == datatype else {
        keeps.append((operand, slots))
        return operand.moved(to: slots)
      }
      let wide = try Operand(slot: slots, fact: widened(operand.fact), limits: node.limits)
      moves.append((operand, wide, bytes, isInput))
      bytes += (wide.byteCount + 63) / 64 * 64
      return wide
    }
    let inputs = try node.inputs.map { try $0.map { try place($0, isInput: true) } }
    let outputs = try node.outputs.map { try $0.map { try place($0, isInput: false) } }
    let step = try base.step(
      StepRequest(
        inputs: inputs, outputs: outputs, kernels: node.kernels, team: node.team, limits: node.limits))
    let (count, moved, kept, own, half) = (slots, moves, keeps, bytes, datatype)
    return Step(scratchBytes: own + step.scratchBytes) { memory in
      try withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: max(count, 1)) { table in
        for (operand, slot) in kept { table[slot] = memory[operand] }
        for move in moved {
          let wide = memory.scratch + move.offset
          table[move.wide.slot] = wide
          if move.isInput {
            ElementConversion.convert(memory[move.operand], half, wide, .fp32, count: move.operand.count)
          }
        }
        guard let base = table.baseAddress else { return }
        try step.body(
          StepMemory(slots: base, scratch: memory.scratch + own, kernels: memory.kernels, team: memory.team))
        for move in moved where !move.isInput {
          ElementConversion.convert(
            memory.scratch + move.offset, .fp32, memory[move.operand], half, count: move.operand.count)
        }
      }
    }
  }
}

extension Operand {
  /// What is known of the operand's tensor.
  var fact: TensorFact {
    var fact = TensorFact(datatype, shape.map { Dimension($0) })
    fact.constant = constant
    return fact
  }
}
