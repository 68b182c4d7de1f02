public import Tensors

extension JSONReader {
  /// Reads nested lists whose shape is the nesting of the first elements (TensorFlow Serving's
  /// rule): scalars give shape []. `{"b64": "…"}` stands for a bytes element.
  ///
  /// Elements are those of `readTensor`. Errors speak TensorFlow Serving's words.
  public mutating func readNested(name: String, datatype: Datatype, path: String) throws(JSONError) -> Tensor
  {
    guard var builder = TensorBuilder(datatype) else {
      throw JSONError(message: "no memory for the elements", path: path, offset: offset)
    }
    let shape = try readNestedValue(into: &builder, path: path)
    guard let memory = builder.memory else {
      throw JSONError(message: "no memory for the elements", path: path, offset: offset)
    }
    let payload = builder.finishPayload()
    return Tensor(name: name, datatype: datatype, shape: shape, memory: memory, payload: payload)
  }

  /// Appends the elements of one nested value and returns its shape.
  mutating func readNestedValue(into builder: inout TensorBuilder, path: String) throws(JSONError) -> Shape {
    var nesting = NestedShape()
    repeat {
      skipWhitespace()
      if next == UInt8(ascii: "[") {
        guard allows(levels: nesting.level + 1) else { throw tooDeep() }
        if let fault = nesting.open() { throw nestingFault(fault, nesting, path) }
        cursor += 1
        skipWhitespace()
        if next == UInt8(ascii: "[") { continue }
        try readListOfElements(&nesting, into: &builder, path)
      } else {
        try readElement(&nesting, into: &builder, path, inList: false)
      }
      try leaveNestedLists(&nesting, path)
    } while nesting.level > 0
    return nesting.shape
  }

  /// Behind an opening bracket that no other follows.
  private mutating func readListOfElements(
    _ nesting: inout NestedShape, into builder: inout TensorBuilder, _ path: String
  ) throws(JSONError) {
    if next == UInt8(ascii: "]") {
      cursor += 1
    } else {
      try readElement(&nesting, into: &builder, path, inList: true)
    }
    if let fault = nesting.close() { throw nestingFault(fault, nesting, path) }
  }

  /// Reads the elements up to the list's end, or the one that is in no list.
  private mutating func readElement(
    _ nesting: inout NestedShape, into builder: inout TensorBuilder, _ path: String, inList: Bool
  ) throws(JSONError) {
    if let rank = nesting.requireElementLevel() {
      throw JSONError(
        message: "JSON Value: \(try echo()) found at incorrect level: \(nesting.level) in the JSON DOM. "
          + "Expected at level: \(rank)", path: nesting.place(in: path), offset: offset)
    }
    while true {
      let before = builder.count
      let end = readRun(into: &builder, upTo: builder.capacity, inList: inList)
      if inList { nesting.count(builder.count - before) }
      switch end {
      case .closed: return
      case .full: if !builder.grow() { throw nestedFault(.noMemory, builder.datatype, nesting, path) }
      default: throw nestedFault(end, builder.datatype, nesting, path)
      }
    }
  }

  private mutating func leaveNestedLists(_ nesting: inout NestedShape, _ path: String) throws(JSONError) {
    while nesting.level > 0 {
      nesting.count(1)
      switch JSONReader.separator(&cursor, end) {
      case UInt8(ascii: ","): return
      case UInt8(ascii: "]"):
        if let fault = nesting.close() { throw nestingFault(fault, nesting, path) }
      default: throw nestedFault(.separator, .bytes, nesting, path)
      }
    }
  }

  private func nestingFault(_ fault: String, _ nesting: NestedShape, _ path: String) -> JSONError {
    JSONError(message: fault, path: nesting.place(in: path), offset: offset)
  }

  private func nestedFault(
    _ end: RunEnd, _ datatype: Datatype, _ nesting: NestedShape, _ path: String
  ) -> JSONError {
    let place = nesting.place(in: path)
    do throws(JSONError) {
      var rest = self
      if case .element = end, cursor < self.end, let kind = JSONTypeName(try rest.peekKind(), next) {
        if kind == .array {
          var deeper = nesting
          return JSONError(message: deeper.open() ?? "", path: place, offset: offset)
        }
        var message = "JSON Value: \(try echo()) Type: \(kind.rawValue) is not of expected type: "
        message += datatype.tensorFlowName
        return JSONError(message: message, path: place, offset: offset)
      }
      return runFault(end, datatype, path: place)
    } catch {
      return JSONError(message: error.message, path: place, offset: error.offset)
    }
  }

  /// The value at the cursor as it is written, cut to 256 bytes as TensorFlow Serving does.
  private func echo() throws(JSONError) -> String {
    var rest = self
    return String(decoding: try rest.skipValue().prefix(256), as: UTF8.self)
  }
}

/// What TensorFlow Serving calls a value's kind.
private enum JSONTypeName: String {
  case null = "Null"
  case `false` = "False"
  case `true` = "True"
  case object = "Object"
  case array = "Array"
  case string = "String"
  case number = "Number"

  init?(_ kind: JSONReader.Kind, _ firstByte: UInt8) {
    switch kind {
    case .null: self = .null
    case .bool: self = firstByte == UInt8(ascii: "t") ? .true : .false
    case .object: self = .object
    case .array: self = .array
    case .string: self = .string
    case .number: self = .number
    }
  }
}

extension Datatype {
  /// TensorFlow's name of the type.
  fileprivate var tensorFlowName: String {
    switch self {
    case .fp16: "half"
    case .bf16: "bfloat16"
    case .fp32: "float"
    case .fp64: "double"
    case .bytes: "string"
    default: name.lowercased()
    }
  }
}
