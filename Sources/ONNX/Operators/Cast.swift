import Tensors

/// The ONNX operator Cast.
struct Cast: Evaluation {
  static let description = OperatorDescription(
    "Cast", inputs: 1...1, support: "all datatypes; between BYTES and numbers as decimal text"
  ) { reader in
    let number = try reader.opset < 6 ? castTarget(reader) : reader.required("to", try reader.int("to"))
    guard let datatype = ElementType.datatype(number) else {
      throw ONNXError(.unsupported, "a cast to \(ElementType.name(number))")
    }
    return Cast(target: datatype)
  }

  /// Before opset 6 the target was a word.
  private static func castTarget(_ reader: NodeReader) throws -> Int {
    let word = try reader.required("to", try reader.string("to"))
    let names = [
      "FLOAT": 1, "UINT8": 2, "INT8": 3, "UINT16": 4, "INT16": 5, "INT32": 6, "INT64": 7, "STRING": 8,
      "BOOL": 9,
      "FLOAT16": 10, "DOUBLE": 11, "UINT32": 12, "UINT64": 13,
    ]
    guard let number = names[word] else { throw ONNXError(.unsupported, "a cast to \(word)") }
    return number
  }

  let name = "Cast"
  let target: Datatype

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    // Texts that are made here have no place in a planned run.
    if target == .bytes && x.datatype != .bytes { throw OpenShape("a cast to BYTES") }
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
      if x.datatype == .bytes {
        try TextConversion.read(
          memory.elements(x, as: BytesElement.self), memory[y], y.datatype, count: x.count)
      } else {
        ElementConversion.convert(memory[x], x.datatype, memory[y], y.datatype, count: x.count)
      }
    }
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    if x.datatype == target { return [.tensor(x)] }
    if target == .bytes { return [try node.tensor(x.shape, texts: try TextConversion.texts(x))] }
    let y = try Tensor.make(target, x.shape, node.engine.limits)
    if x.datatype == .bytes {
      let elements = x.elements(as: BytesElement.self)
      if let base = elements.baseAddress {
        try TextConversion.read(base, y.data, target, count: x.elementCount)
      }
    } else {
      ElementConversion.convert(x.data, x.datatype, y.data, target, count: x.elementCount)
    }
    return [.tensor(y)]
  }
}
