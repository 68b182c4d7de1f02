import Tensors

/// The ONNX operator Not.
enum Not {
  static let description = OperatorDescription("Not", inputs: 1...1, support: "BOOL") { _ in
    ElementTest(name: "Not", datatypes: [.bool], output: nil) { x, _, y, count in
      let source = x.assumingMemoryBound(to: UInt8.self)
      let target = y.assumingMemoryBound(to: UInt8.self)
      for index in 0..<count { target[index] = source[index] == 0 ? 1 : 0 }
    }
  }
}
