/// An operator as the registry knows it.
struct OperatorDescription: Sendable {
  let type: String
  /// The domain; the empty word for the default one.
  let domain: String
  let inputs: ClosedRange<Int>
  let outputs: ClosedRange<Int>
  /// What of the operator is supported: datatypes, and what is left out.
  let support: String
  let make: @Sendable (NodeReader) throws -> any Operation

  init(
    _ type: String, domain: String = "", inputs: ClosedRange<Int>, outputs: ClosedRange<Int> = 1...1,
    support: String, make: @escaping @Sendable (NodeReader) throws -> any Operation
  ) {
    self.type = type
    self.domain = domain
    self.inputs = inputs
    self.outputs = outputs
    self.support = support
    self.make = make
  }

  func checkCounts(inputs inputCount: Int, outputs outputCount: Int) throws {
    guard inputs.contains(inputCount) else {
      throw ONNXError(.invalid, "\(inputCount) inputs, expected \(Self.text(inputs))")
    }
    guard outputs.contains(outputCount) else {
      throw ONNXError(.invalid, "\(outputCount) outputs, expected \(Self.text(outputs))")
    }
  }

  private static func text(_ range: ClosedRange<Int>) -> String {
    if range.lowerBound == range.upperBound { return "\(range.lowerBound)" }
    return range.upperBound == .max
      ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
  }
}
