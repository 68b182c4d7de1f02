import Kernels
import Tensors

/// The ONNX operator Cast between numeric datatypes and booleans.
struct Cast: Operation {
  static let description = OperatorDescription(
    "Cast", inputs: 1...1, support: "all datatypes but BYTES"
  ) { reader in
    let number = try reader.required("to", try reader.int("to"))
    guard let datatype = ElementType.datatype(number), datatype != .bytes else {
      throw ONNXError(.unsupported, "a cast to \(ElementType.name(number))")
    }
    return Cast(target: datatype)
  }

  let name = "Cast"
  let target: Datatype

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.datatype != .bytes else { throw ONNXError(.unsupported, "a cast from BYTES") }
    var fact = TensorFact(target, x.dimensions, rows: x.rows)
    if target == .int64 || target == .int32, x.datatype == .int64 || x.datatype == .int32 {
      fact.elements = x.contents
    }
    return [fact]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    if x.datatype == y.datatype { return try .view(node) }
    return Step { memory in
      ElementConversion.convert(memory[x], x.datatype, memory[y], y.datatype, count: x.count)
    }
  }
}
