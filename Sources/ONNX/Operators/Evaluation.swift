import Kernels
import Tensors

/// An operation that makes its outputs itself. For operators whose shapes depend on data, that take
/// sequences or subgraphs, or that are seldom hot: one evaluation and, where it is worth it, a shape rule.
///
/// With a shape rule it takes part in planned runs. Without one the graph runs node by node.
protocol Evaluation: Operation {
  /// The outputs, in order; one that nobody asks for may be left out at the end or nil.
  func evaluate(_ node: EvaluationRequest) throws -> [Value?]
}

extension Evaluation {
  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    throw OpenShape("the shape of the output of \(name) depends on its input")
  }

  func step(_ node: StepRequest) throws -> Step { evaluationStep(node) }

  /// A step that evaluates, and copies the results to where the plan wants them.
  func evaluationStep(_ node: StepRequest) -> Step {
    let (inputs, outputs) = (node.inputs, node.outputs)
    let wanted = outputs.map { $0 != nil }
    let limits = node.limits
    return Step { memory in
      // The operands lie still for the length of the step.
      let owner = StepOwner()
      let operands = inputs.map { $0.map { memory.tensor($0, owner: owner) } }
      let engine = Engine(kernels: memory.kernels, team: memory.team, limits: limits)
      let results = try evaluate(
        EvaluationRequest(inputs: operands.map { $0.map { .tensor($0) } }, wanted: wanted, engine: engine))
      for (place, output) in outputs.enumerated() {
        guard let output else { continue }
        guard place < results.count, case .tensor(let result)? = results[place],
          result.datatype == output.datatype, result.shape == output.shape
        else {
          let found = place < results.count ? results[place]?.kindName ?? "nothing" : "nothing"
          throw ONNXError(
            .unsupported, "output \(place) is \(found), planned as \(output.datatype.name)\(output.shape)")
        }
        memory[output].copyMemory(from: result.data, byteCount: output.byteCount)
      }
    }
  }
}

/// Owner of tensors that view the operands of a step.
private final class StepOwner: Sendable {}

extension StepMemory {
  fileprivate func tensor(_ operand: Operand, owner: AnyObject) -> Tensor {
    Tensor(viewing: self[operand], operand.datatype, operand.shape, owner: owner)
  }
}

/// What an evaluation works on.
struct EvaluationRequest {
  /// Nil where an optional input is left out.
  let inputs: [Value?]
  /// Whether somebody asks for the output at each place.
  let wanted: [Bool]
  let engine: Engine

  func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

  func wants(_ index: Int) -> Bool { index < wanted.count && wanted[index] }

  func value(_ index: Int) throws -> Value {
    guard index < inputs.count, let value = inputs[index] else {
      throw ONNXError(.invalid, "input \(index) is missing")
    }
    return value
  }

  func input(_ index: Int) throws -> Tensor { try value(index).tensor("input \(index)") }

  func optional(_ index: Int) throws -> Tensor? { has(index) ? try input(index) : nil }

  func sequence(_ index: Int) throws -> [Value] {
    let value = try value(index)
    guard case .sequence(let values) = value else {
      throw ONNXError(.invalid, "input \(index) is \(value.kindName), expected a sequence")
    }
    return values
  }

  /// The integers of a list or scalar of INT64 or INT32.
  func integers(_ index: Int) throws -> [Int] {
    let tensor = try input(index)
    guard tensor.datatype == .int64 || tensor.datatype == .int32, tensor.shape.rank <= 1 else {
      throw ONNXError(
        .invalid, "input \(index) is \(tensor.datatype.name)\(tensor.shape), expected a list of INT64")
    }
    return tensor.integers()
  }

  /// The one integer of input `index`; nil when the input is left out.
  func integer(_ index: Int) throws -> Int? {
    guard has(index) else { return nil }
    let tensor = try input(index)
    guard tensor.elementCount == 1, let value = tensor.integersIfAny?.first else {
      throw ONNXError(
        .invalid, "input \(index) is \(tensor.datatype.name)\(tensor.shape), expected one integer")
    }
    return value
  }

  /// The one number of input `index`; nil when the input is left out.
  func number(_ index: Int) throws -> Double? {
    guard has(index) else { return nil }
    let tensor = try input(index)
    guard tensor.elementCount == 1, tensor.datatype != .bytes else {
      throw ONNXError(
        .invalid, "input \(index) is \(tensor.datatype.name)\(tensor.shape), expected one number")
    }
    return tensor.doubles()[0]
  }

  func require(_ index: Int, _ datatypes: [Datatype]) throws {
    let datatype = try input(index).datatype
    if !datatypes.contains(datatype) {
      throw ONNXError(
        .unsupported,
        "input \(index) has datatype \(datatype.name); supported: "
          + datatypes.map(\.name).joined(separator: ", "))
    }
  }

  func requireFloat(_ index: Int) throws { try require(index, [.fp16, .bf16, .fp32, .fp64]) }

  func requireNumber(_ index: Int) throws {
    try require(index, Datatype.allCases.filter { $0 != .bytes && $0 != .bool })
  }

  // MARK: outputs

  func tensor(_ datatype: Datatype, _ shape: Shape, _ values: [Double]) throws -> Value {
    let tensor = try Tensor.make(datatype, shape, engine.limits)
    tensor.fill(with: values)
    return .tensor(tensor)
  }

  func tensor(_ datatype: Datatype, _ shape: Shape, integers: [Int]) throws -> Value {
    let tensor = try Tensor.make(datatype, shape, engine.limits)
    tensor.fill(with: integers)
    return .tensor(tensor)
  }

  func tensor(_ shape: Shape, bools: [Bool]) throws -> Value {
    try tensor(.bool, shape, integers: bools.map { $0 ? 1 : 0 })
  }

  func tensor(_ shape: Shape, texts: [[UInt8]]) throws -> Value {
    .tensor(try Tensor.make(shape, texts: texts, engine.limits))
  }
}
