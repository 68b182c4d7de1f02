import Kernels
import Tensors

/// Runs a node at once when all its inputs are constants.
enum ConstantEvaluation {
  /// The outputs of an evaluation that has no shape rule; nil when its inputs are not all known, or an
  /// output is no tensor or too large.
  static func evaluate(_ node: Graph.Node, _ inputs: [TensorFact?], _ engine: Engine) throws -> [Constant?]? {
    guard let evaluation = node.operation as? any Evaluation, !node.operation.isRandom, !inputs.isEmpty,
      inputs.allSatisfy({ $0 == nil || $0?.constant != nil })
    else { return nil }
    let tensors = try inputs.map { fact -> Value? in
      guard let constant = try fact?.constant?.aligned() else { return nil }
      return .tensor(try constant.tensorView())
    }
    var limited = engine
    limited.limits.tensorBytes = min(engine.limits.tensorBytes, engine.limits.foldedBytes)
    let results: [Value?]
    do {
      results = try evaluation.evaluate(
        EvaluationRequest(inputs: tensors, wanted: node.outputs.map { $0 != nil }, engine: limited))
    } catch let error as ONNXError where error.kind == .limit { return nil }
    var constants: [Constant?] = []
    for result in results {
      guard let result else {
        constants.append(nil)
        continue
      }
      guard case .tensor(let tensor) = result else { return nil }
      constants.append(Constant(tensor))
    }
    return constants
  }

  /// Sets the constants of `results` when they can be computed and are not too large.
  static func evaluate(
    _ node: Graph.Node, _ inputs: [TensorFact?], _ results: inout [TensorFact], _ engine: Engine
  ) throws {
    guard results.contains(where: { $0.constant == nil }), !inputs.isEmpty, !node.operation.isRandom,
      inputs.allSatisfy({ $0 == nil || $0?.constant != nil })
    else { return }
    let bytes = results.map { fact in
      fact.shape?.elementCount.map { $0.multipliedReportingOverflow(by: fact.datatype.byteCount) }
    }
    guard
      bytes.allSatisfy({ $0.map { !$0.overflow && $0.partialValue <= engine.limits.foldedBytes } ?? false })
    else { return }
    let constants = try compute(node.operation, inputs, results, node.outputs, engine)
    for index in results.indices {
      if let constant = constants[index] {
        results[index].constant = constant
        results[index].rows = .shared
      }
    }
  }

  private static func compute(
    _ operation: any Operation, _ inputs: [TensorFact?], _ results: [TensorFact], _ outputs: [ValueID?],
    _ engine: Engine
  ) throws -> [Constant?] {
    var slots: [UnsafeMutableRawPointer] = []
    var sources: [Constant] = []
    func operand(_ fact: TensorFact, _ pointer: UnsafeMutableRawPointer) throws -> Operand {
      slots.append(pointer)
      return try Operand(slot: slots.count - 1, fact: fact, limits: engine.limits)
    }
    let inputOperands = try inputs.map { fact -> Operand? in
      guard let fact, let constant = try fact.constant?.aligned() else { return nil }
      sources.append(constant)
      return try operand(fact, constant.pointer)
    }
    var tensors: [Tensor?] = []
    let outputOperands = try results.enumerated().map { index, fact -> Operand? in
      guard index < outputs.count, outputs[index] != nil, let shape = fact.shape else {
        tensors.append(nil)
        return nil
      }
      guard let tensor = Tensor(name: "", datatype: fact.datatype, shape: shape) else {
        throw ONNXError(.outOfMemory, "no memory for a tensor of shape \(shape)")
      }
      tensors.append(tensor)
      return try operand(fact, tensor.data)
    }
    let step = try operation.step(
      StepRequest(
        inputs: inputOperands, outputs: outputOperands, kernels: engine.kernels, team: .single,
        limits: engine.limits))
    try run(step, &slots, engine)
    return withExtendedLifetime(sources) {
      tensors.map { tensor in
        tensor.map { tensor in
          let payloads = Payloads(sources.filter { $0.datatype == .bytes })
          return Constant(
            datatype: tensor.datatype, shape: tensor.shape,
            bytes: UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount), owner: tensor.memory,
            payload: tensor.datatype == .bytes ? payloads : nil)
        }
      }
    }
  }

  private static func run(_ step: Step, _ slots: inout [UnsafeMutableRawPointer], _ engine: Engine) throws {
    guard let scratch = TensorMemory(byteCount: step.scratchBytes) else {
      throw ONNXError(.outOfMemory, "no memory for \(step.scratchBytes) bytes of scratch")
    }
    try slots.withUnsafeMutableBufferPointer { slots in
      guard let base = slots.baseAddress else { return }
      try step.body(
        StepMemory(slots: base, scratch: scratch.base, kernels: engine.kernels, team: .single))
    }
  }
}

/// Keeps the constants alive whose texts a computed `bytes` constant points to.
private final class Payloads: Sendable {
  let constants: [Constant]

  init(_ constants: [Constant]) { self.constants = constants }
}

extension Constant {
  /// The elements' address. They must not be written.
  var pointer: UnsafeMutableRawPointer {
    // An empty tensor has no memory; any aligned address serves, since nothing is read there.
    UnsafeMutableRawPointer(mutating: bytes.baseAddress) ?? Constant.nowhere
  }

  // Never read or written: the address of tensors without elements.
  nonisolated(unsafe) private static let nowhere = UnsafeMutableRawPointer.allocate(
    byteCount: 64, alignment: 64)

  /// This constant, or a copy when its elements do not lie at addresses that their datatype needs.
  func aligned() throws -> Constant {
    let alignment = min(datatype.byteCount, 8)
    return UInt(bitPattern: bytes.baseAddress) % UInt(alignment) == 0 ? self : try copied()
  }
}
