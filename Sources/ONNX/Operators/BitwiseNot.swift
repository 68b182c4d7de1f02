import Tensors

/// The ONNX operator BitwiseNot.
enum BitwiseNot {
  static let description = OperatorDescription("BitwiseNot", inputs: 1...1, support: "all integers") { _ in
    ElementTest(name: "BitwiseNot", datatypes: Datatype.integers, output: .int64) { x, datatype, y, count in
      let source = x.assumingMemoryBound(to: UInt8.self)
      let target = y.assumingMemoryBound(to: UInt8.self)
      for index in 0..<count * datatype.byteCount { target[index] = ~source[index] }
    }
  }
}
