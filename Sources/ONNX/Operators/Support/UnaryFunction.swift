import Glibc
import Kernels
import Tensors

/// A function of each element by itself. FP32 runs on the kernels, FP64 and integers element by element.
struct UnaryFunction: Operation {
  let name: String
  /// The kernel; nil where there is none.
  let function: UnaryOperation?
  let double: @Sendable (Double) -> Double
  /// Nil where the function has no meaning for integers.
  var integer: (@Sendable (Int) -> Int)?

  /// The function as one that can follow a product.
  var activation: Activation? {
    guard case .activation(let activation) = function else { return nil }
    return activation
  }

  private var datatypes: [Datatype] {
    integer == nil
      ? [.fp32, .fp64] : [.fp32, .fp64, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32]
  }

  static let floatSupport = "FP16, BF16, FP32, FP64"
  static let signedSupport = "FP16, BF16, FP32, FP64, INT8 to INT64, UINT8 to UINT32"

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, datatypes)
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: x.rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let function = function
    let double = double
    switch x.datatype {
    case .fp32:
      guard let function else { return floatStep(x, y) }
      return Step(inPlaceInput: 0) { memory in
        memory.kernels.unary(function, memory.floats(x), memory.floats(y), count: x.count, team: memory.team)
      }
    case .fp64:
      return Step(inPlaceInput: 0) { memory in
        let source = memory.elements(x, as: Double.self)
        let target = memory.elements(y, as: Double.self)
        for index in 0..<x.count { target[index] = double(source[index]) }
      }
    case .int8: return integerStep(x, y, Int8.self)
    case .int16: return integerStep(x, y, Int16.self)
    case .int32: return integerStep(x, y, Int32.self)
    case .uint8: return integerStep(x, y, UInt8.self)
    case .uint16: return integerStep(x, y, UInt16.self)
    case .uint32: return integerStep(x, y, UInt32.self)
    default: return integerStep(x, y, Int64.self)
    }
  }

  private func floatStep(_ x: Operand, _ y: Operand) -> Step {
    let double = double
    return Step(inPlaceInput: 0) { memory in
      let source = memory.floats(x)
      let target = memory.floats(y)
      for index in 0..<x.count { target[index] = Float(double(Double(source[index]))) }
    }
  }

  private func integerStep<Element: FixedWidthInteger & Sendable>(_ x: Operand, _ y: Operand, _: Element.Type)
    -> Step
  {
    let integer = integer ?? { $0 }
    return Step(inPlaceInput: 0) { memory in
      let source = memory.elements(x, as: Element.self)
      let target = memory.elements(y, as: Element.self)
      for index in 0..<x.count { target[index] = Element(truncatingIfNeeded: integer(Int(source[index]))) }
    }
  }

  /// The description of an operator of one input and no attributes.
  static func description(
    _ type: String, _ function: UnaryOperation?, _ double: @escaping @Sendable (Double) -> Double,
    integer: (@Sendable (Int) -> Int)? = nil
  ) -> OperatorDescription {
    let support = integer == nil ? floatSupport : signedSupport
    return OperatorDescription(type, inputs: 1...1, support: support) { _ in
      UnaryFunction(name: type, function: function, double: double, integer: integer)
    }
  }
}

extension UnaryFunction: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    inputs.first??.rank == 4 ? ChannelsLastForm(operation: self, inputs: [true]) : nil
  }
}
