import Kernels
import Tensors

/// One node's work: an operator with its attributes read. Its shape rule and its evaluation stand
/// together, in one file an operator.
public protocol Operation: Sendable {
  /// The operator's name, for messages and listings.
  var name: String { get }
  /// Whether the outputs depend on the inputs' elements, and not on their shapes alone.
  var readsElements: Bool { get }
  /// Whether FP16 and BF16 tensors may be computed as FP32 and rounded.
  var computesInFloat: Bool { get }
  /// Whether the outputs differ from run to run.
  var isRandom: Bool { get }
  /// The shape rule: what is known of the outputs, from what is known of the inputs.
  func infer(_ node: NodeFacts) throws -> [TensorFact]
  /// The work for operands of these shapes, with all that can be decided before the run decided.
  func step(_ node: StepRequest) throws -> Step
}

extension Operation {
  public var readsElements: Bool { true }
  public var computesInFloat: Bool { false }
  public var isRandom: Bool { false }
}

/// A tensor that a step reads or writes: its shape, and where its pointer stands during a run.
public struct Operand: Sendable {
  let slot: Int
  let datatype: Datatype
  let shape: Shape
  /// Elements in the shape.
  let count: Int
  /// The elements, when they are known before the run.
  let constant: Constant?

  init(slot: Int, fact: TensorFact, limits: Limits) throws {
    guard let shape = fact.shape else {
      throw ONNXError(
        .unsupported, "a shape that depends on the elements of another tensor: \(fact.shapeText)")
    }
    guard let count = shape.elementCount,
      case (let bytes, let overflow) = count.multipliedReportingOverflow(by: fact.datatype.byteCount),
      !overflow,
      bytes <= limits.tensorBytes
    else { throw ONNXError(.limit, "a tensor of shape \(shape), beyond \(limits.tensorBytes) bytes") }
    // Strides of an empty tensor are products of its other dimensions, which must be countable too.
    guard Shape(shape.map { max($0, 1) }).elementCount.map({ $0 <= limits.tensorBytes }) ?? false else {
      throw ONNXError(.limit, "a tensor of shape \(shape), beyond \(limits.tensorBytes) elements")
    }
    self.slot = slot
    datatype = fact.datatype
    self.shape = shape
    self.count = count
    constant = fact.constant
  }

  var byteCount: Int { count * datatype.byteCount }

  /// The same operand at another place of a table of pointers.
  func moved(to slot: Int) -> Operand { Operand(self, slot: slot) }

  /// The same elements under another shape of as many.
  func reshaped(_ rule: (Shape) -> Shape) -> Operand { Operand(self, slot: slot, shape: rule(shape)) }

  private init(_ operand: Operand, slot: Int, shape: Shape? = nil) {
    self.slot = slot
    datatype = operand.datatype
    self.shape = shape ?? operand.shape
    count = operand.count
    constant = operand.constant
  }
}

/// What an operation plans a step from.
public struct StepRequest {
  /// Nil where an optional input is left out.
  let inputs: [Operand?]
  /// Nil where nobody asks for the output.
  let outputs: [Operand?]
  let kernels: KernelTable
  let team: ThreadTeam
  var limits = Limits()

  func input(_ index: Int) throws -> Operand {
    guard index < inputs.count, let operand = inputs[index] else {
      throw ONNXError(.invalid, "input \(index) is missing")
    }
    return operand
  }

  func optional(_ index: Int) -> Operand? { index < inputs.count ? inputs[index] : nil }

  func output(_ index: Int = 0) throws -> Operand {
    guard index < outputs.count, let operand = outputs[index] else {
      throw ONNXError(.invalid, "output \(index) is missing")
    }
    return operand
  }
}

/// A node's work over operands of known shapes. It allocates nothing when it runs and may run on
/// several threads at once, each with a memory of its own.
public struct Step: Sendable {
  typealias Body = @Sendable (borrowing StepMemory) throws -> Void

  /// Bytes of scratch the body needs.
  var scratchBytes = 0
  /// The input whose memory the output may take, if nobody needs the input afterwards.
  var inPlaceInput: Int?
  /// The input of which the output is a view: there is nothing to do.
  var viewOfInput: Int?
  /// Multiplications and additions of the body, for a profile; 0 where they are not counted.
  var arithmetic = 0.0
  let body: Body

  init(
    scratchBytes: Int = 0, inPlaceInput: Int? = nil, arithmetic: Double = 0, _ body: @escaping Body
  ) {
    self.scratchBytes = scratchBytes
    self.inPlaceInput = inPlaceInput
    self.arithmetic = arithmetic
    self.body = body
  }

  /// The output is the input under another shape or name.
  static func view(of input: Int = 0, _ node: StepRequest) throws -> Step {
    let source = try node.input(input)
    let target = try node.output()
    guard source.byteCount == target.byteCount else {
      throw ONNXError(
        .invalid, "shape \(source.shape) and shape \(target.shape) have different numbers of elements")
    }
    var step = Step { memory in
      memory[target].copyMemory(from: memory[source], byteCount: source.byteCount)
    }
    step.viewOfInput = input
    return step
  }
}

/// Where the operands of a run lie.
struct StepMemory: ~Copyable {
  let slots: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let scratch: UnsafeMutableRawPointer
  let kernels: KernelTable
  let team: ThreadTeam

  subscript(operand: Operand) -> UnsafeMutableRawPointer { slots[operand.slot] }

  /// The operand's elements. Precondition: `Element` is what its datatype holds.
  func elements<Element>(_ operand: Operand, as _: Element.Type) -> UnsafeMutablePointer<Element> {
    slots[operand.slot].assumingMemoryBound(to: Element.self)
  }

  func floats(_ operand: Operand) -> UnsafeMutablePointer<Float> {
    slots[operand.slot].assumingMemoryBound(to: Float.self)
  }
}
