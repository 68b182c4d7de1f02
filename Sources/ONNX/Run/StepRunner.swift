import Kernels
import Locks
import Tensors

/// Runs a node by its step over tensors with memory of their own. Steps are kept for the shapes that
/// came last.
final class StepRunner: Sendable {
  private struct Entry {
    let inputs: [Signature?]
    /// By place: the elements of inputs that the step was made for.
    let contents: [Int: [UInt8]]
    let step: Step
    let operands: (inputs: [Operand?], outputs: [Operand?])
    let slotCount: Int
  }

  private struct Signature: Equatable {
    let datatype: Datatype
    let shape: Shape
  }

  private static let keptSteps = 8

  private let node: Graph.Node
  private let entries = Lock<[Entry]>([])

  init(_ node: Graph.Node) { self.node = node }

  /// - Parameter isConstant: by place, whether the input is the same in every run.
  func run(_ inputs: [Tensor?], isConstant: [Bool], _ engine: Engine) throws -> [Tensor?] {
    let entry = try find(inputs) ?? make(inputs, isConstant, engine)
    if let view = entry.step.viewOfInput, let source = inputs[view], let output = entry.operands.outputs[0] {
      return [source.viewed(as: output.datatype, output.shape)]
    }
    let outputs = try entry.operands.outputs.map { operand in
      try operand.map { try Tensor.make($0.datatype, $0.shape, engine.limits) }
    }
    guard let scratch = TensorMemory(byteCount: entry.step.scratchBytes) else {
      throw ONNXError(.outOfMemory, "no memory for \(entry.step.scratchBytes) bytes of scratch")
    }
    try withExtendedLifetime((inputs, outputs)) {
      try withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: max(entry.slotCount, 1)) {
        slots in
        guard let base = slots.baseAddress else { return }
        for (operand, tensor) in zip(entry.operands.inputs + entry.operands.outputs, inputs + outputs) {
          if let operand, let tensor { (base + operand.slot).initialize(to: tensor.data) }
        }
        try entry.step.body(
          StepMemory(slots: base, scratch: scratch.base, kernels: engine.kernels, team: engine.team))
      }
      // Texts still lie where those of the inputs do.
    }
    return try withExtendedLifetime(inputs) {
      try outputs.map { try $0.map { $0.datatype == .bytes ? try $0.packed(engine.limits) : $0 } }
    }
  }

  private func find(_ inputs: [Tensor?]) -> Entry? {
    entries.withLock { entries in
      entries.first { entry in
        entry.inputs.elementsEqual(inputs) { known, tensor in
          known?.datatype == tensor?.datatype && known?.shape == tensor?.shape
        }
          && entry.contents.allSatisfy { place, bytes in
            inputs[place].map {
              UnsafeRawBufferPointer(start: $0.data, count: $0.byteCount).elementsEqual(bytes)
            }
              ?? false
          }
      }
    }
  }

  private func make(_ inputs: [Tensor?], _ isConstant: [Bool], _ engine: Engine) throws -> Entry {
    let operation = HalfPrecision.adapted(node.operation, inputs.map { $0?.datatype })
    var known = Set(inputs.indices.filter { isConstant[$0] })
    var facts: [TensorFact?] = []
    var results: [TensorFact] = []
    // A rule that misses the elements of an input is asked again with them.
    for _ in 0...inputs.count {
      facts = inputs.enumerated().map { place, tensor in tensor?.fact(withElements: known.contains(place)) }
      let rule = NodeFacts(inputs: facts, outputCount: node.outputs.count, symbols: SymbolSource())
      var isOpen = false
      do { results = try operation.infer(rule) } catch is OpenShape { isOpen = true }
      let missing = rule.missingContents.subtracting(known)
      if missing.isEmpty {
        if isOpen { results = try operation.infer(rule) }
        break
      }
      known.formUnion(missing)
    }
    let entry = try entry(operation, inputs, facts, results, known.filter { !isConstant[$0] }, engine)
    entries.withLock { entries in
      if entries.count >= StepRunner.keptSteps { entries.removeFirst() }
      entries.append(entry)
    }
    return entry
  }

  private func entry(
    _ operation: any Operation, _ inputs: [Tensor?], _ facts: [TensorFact?], _ results: [TensorFact],
    _ contents: Set<Int>, _ engine: Engine
  ) throws -> Entry {
    var slots = 0
    func operand(_ fact: TensorFact) throws -> Operand {
      defer { slots += 1 }
      return try Operand(slot: slots, fact: fact, limits: engine.limits)
    }
    let inputOperands = try facts.map { try $0.map(operand) }
    let outputOperands = try node.outputs.enumerated().map { place, output -> Operand? in
      guard output != nil else { return nil }
      guard place < results.count else { throw ONNXError(.unsupported, "output \(place) is not supported") }
      return try operand(results[place])
    }
    let step = try operation.step(
      StepRequest(
        inputs: inputOperands, outputs: outputOperands, kernels: engine.kernels, team: engine.team,
        limits: engine.limits))
    var elements: [Int: [UInt8]] = [:]
    for place in contents {
      if let tensor = inputs[place] {
        elements[place] = Array(UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))
      }
    }
    return Entry(
      inputs: inputs.map { $0.map { Signature(datatype: $0.datatype, shape: $0.shape) } }, contents: elements,
      step: step, operands: (inputOperands, outputOperands), slotCount: slots)
  }
}
