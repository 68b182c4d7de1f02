import Tensors

/// Operators that give a BOOL, or the same integer datatype, for each element by itself.
struct ElementTest: Operation {
  let name: String
  let datatypes: [Datatype]
  /// Nil when the output is BOOL.
  let output: Datatype?
  /// The work for one tensor.
  let run:
    @Sendable (_ x: UnsafeMutableRawPointer, Datatype, _ y: UnsafeMutableRawPointer, _ count: Int) -> Void

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, datatypes)
    let x = try node.input(0)
    return [TensorFact(output == nil ? .bool : x.datatype, x.dimensions, rows: x.rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let run = run
    return Step { memory in run(memory[x], x.datatype, memory[y], x.count) }
  }

  /// A test of floating-point numbers.
  static func floats(_ type: String, _ test: @escaping @Sendable (Double) -> Bool) -> ElementTest {
    ElementTest(name: type, datatypes: Datatype.floats, output: nil) { x, datatype, y, count in
      let target = y.assumingMemoryBound(to: UInt8.self)
      for index in 0..<count {
        var value = 0.0
        ElementConversion.convert(x + index * datatype.byteCount, datatype, &value, .fp64, count: 1)
        target[index] = test(value) ? 1 : 0
      }
    }
  }
}
