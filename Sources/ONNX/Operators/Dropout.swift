import Glibc
import Tensors

/// The ONNX operator Dropout as it is in inference: the identity, with a mask of ones when asked for.
struct Dropout: Operation {
  static let description = OperatorDescription(
    "Dropout", inputs: 1...3, outputs: 1...2, support: "all datatypes; training mode"
  ) { reader in
    // Before opset 7 a model was in training unless it said otherwise.
    if reader.opset < 7, try !reader.flag("is_test", default: false) {
      throw ONNXError(.unsupported, "is_test 0 before opset 7")
    }
    if reader.inputCount > 2 { return DropoutTraining(seed: try reader.int("seed")) }
    return Dropout(maskIsBool: reader.opset >= 10)
  }

  let name = "Dropout"
  /// Before opset 10 the mask had the datatype of the data.
  let maskIsBool: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [x, TensorFact(maskIsBool ? .bool : x.datatype, x.dimensions, rows: x.rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = node.outputs[0]
    guard node.outputs.count > 1, let mask = node.outputs[1] else { return try .view(node) }
    guard mask.datatype == .bool else {
      throw ONNXError(.unsupported, "the mask output before opset 10")
    }
    return Step { memory in
      if let y { memory[y].copyMemory(from: memory[x], byteCount: x.byteCount) }
      memset(memory[mask], 1, mask.byteCount)
    }
  }
}
