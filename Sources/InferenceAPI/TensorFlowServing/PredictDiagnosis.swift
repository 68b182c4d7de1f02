import JSON
import PluginHost
import Tensors

/// Says in TensorFlow Serving's words what is wrong with a `:predict` request that could not be
/// read. It reads the text again, slowly: the words name levels, sizes and element kinds that the
/// quick pass does not keep.
struct PredictDiagnosis {
  /// A longer text is not read again: counting the elements of every level takes as many passes as
  /// there are levels.
  static let maximumByteCount = 1 << 20

  let text: UnsafeRawBufferPointer
  let inputs: [TensorSpec]
  let limits: APILimits

  func explain(_ error: JSONError) -> APIFailure {
    if let syntax = syntaxFault() { return .badRequest(syntax) }
    let found = text.count <= PredictDiagnosis.maximumByteCount ? try? walk() : nil
    let position = TextPosition(offset: error.offset, in: text)
    let path = error.path.isEmpty ? "" : "\(error.path): "
    return .badRequest(found ?? "\(path)\(error.message) at \(position)")
  }

  private func makeReader() -> JSONReader { JSONReader(text, maximumDepth: limits.maximumJSONDepth) }

  private func syntaxFault() -> String? {
    var reader = makeReader()
    do throws(JSONError) {
      _ = try reader.skipValue()
      return nil
    } catch {
      let position = TextPosition(offset: error.offset, in: text)
      return
        "JSON Parse error: \(error.message) at offset: \(position.offset) (line \(position.line), column "
        + "\(position.column))"
    }
  }

  private func walk() throws(JSONError) -> String? {
    var reader = makeReader()
    try reader.beginObject()
    while let key = try reader.nextKey() {
      switch key {
      case "instances":
        if let fault = try explainInstances(&reader) { return fault }
      case "inputs":
        if let fault = try explainColumns(&reader) { return fault }
      default: _ = try reader.skipValue()
      }
    }
    return nil
  }

  // MARK: - Rows

  private func explainInstances(_ reader: inout JSONReader) throws(JSONError) -> String? {
    var first: NestedShape?
    var row = 0
    try reader.beginArray()
    while try reader.nextElement() {
      if try JSONText.isNamedObject(reader) {
        // The first row decides: a plain list has no named rows.
        if first != nil { return "Expecting value/list but got object at item \(row) of input list" }
        if let fault = try explainObjectRow(&reader, row: row) { return fault }
      } else {
        let shape = try NestedShape(&reader)
        if let fault = try explainValue(&reader, shape, inputs[0].datatype, path: "instances[\(row)]") {
          return RowStack.elementFault(row: row, key: nil, fault)
        }
        if let first, let fault = RowStack.mismatch(expected: first.shape, actual: shape.shape) {
          return RowStack.elementFault(row: row, key: nil, fault)
        }
        first = first ?? shape
      }
      row += 1
    }
    return nil
  }

  private func explainObjectRow(_ reader: inout JSONReader, row: Int) throws(JSONError) -> String? {
    try reader.beginObject()
    while let key = try reader.nextKey() {
      guard let spec = inputs.first(where: { $0.name == key }) else {
        _ = try reader.skipValue()
        continue
      }
      let shape = try NestedShape(&reader)
      if let fault = try explainValue(&reader, shape, spec.datatype, path: rowPath(row, key)) {
        return RowStack.elementFault(row: row, key: key, fault)
      }
    }
    return nil
  }

  // MARK: - Columns

  private func explainColumns(_ reader: inout JSONReader) throws(JSONError) -> String? {
    guard try JSONText.isNamedObject(reader) else {
      let shape = try NestedShape(&reader)
      return try explainValue(&reader, shape, inputs[0].datatype, path: "inputs")
    }
    try reader.beginObject()
    while let key = try reader.nextKey() {
      guard let spec = inputs.first(where: { $0.name == key }) else {
        _ = try reader.skipValue()
        continue
      }
      let shape = try NestedShape(&reader)
      if let fault = try explainValue(&reader, shape, spec.datatype, path: "inputs.\(key)") { return fault }
    }
    return nil
  }

  // MARK: - One value

  /// Reads one value that should have `shape`; the first fault in it, with its place.
  private func explainValue(
    _ reader: inout JSONReader, _ expected: NestedShape, _ datatype: Datatype, path: String, level: Int = 0
  ) throws(JSONError) -> String? {
    guard try reader.peekKind() == .array else {
      return try explainScalar(&reader, expected, datatype, path: path, level: level)
    }
    if level >= expected.sizes.count {
      return "Encountered list at unexpected level: \(level) expected < \(expected.sizes.count) (\(path))"
    }
    let size = try NestedShape.count(reader)
    if size != expected.sizes[level] {
      return "Encountered list at unexpected size: \(size) at level: \(level) expected size: "
        + "\(expected.sizes[level]) (\(path))"
    }
    try reader.beginArray()
    var index = 0
    while try reader.nextElement() {
      let fault = try explainValue(&reader, expected, datatype, path: "\(path)[\(index)]", level: level + 1)
      if let fault { return fault }
      index += 1
    }
    return nil
  }

  private func explainScalar(
    _ reader: inout JSONReader, _ expected: NestedShape, _ datatype: Datatype, path: String, level: Int
  ) throws(JSONError) -> String? {
    let isBase64 = try JSONText.isBase64Object(reader)
    let kind = try reader.peekKind()
    let value = try reader.skipValue()
    if level != expected.sizes.count {
      return
        "JSON Value: \(excerpt(value)) found at incorrect level: \(level + 1) in the JSON DOM. Expected at "
        + "level: \(expected.sizes.count) (\(path))"
    }
    if PredictDiagnosis.admits(value, kind, isBase64: isBase64, as: datatype) { return nil }
    let word = PredictDiagnosis.typeWord(kind, value)
    return
      "JSON Value: \(excerpt(value)) Type: \(word) is not of expected type: \(datatype.tensorFlowWord) (\(path))"
  }

  private static func admits(
    _ value: UnsafeRawBufferPointer, _ kind: JSONReader.Kind, isBase64: Bool, as datatype: Datatype
  ) -> Bool {
    switch datatype {
    case .bytes: kind == .string || isBase64
    case .bool:
      kind == .bool || (kind == .number && value.count == 1 && (value[0] == 0x30 || value[0] == 0x31))
    case .fp16, .bf16, .fp32, .fp64: kind == .number
    default: kind == .number && value.allSatisfy { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }
    }
  }

  /// The words of rapidjson's types, which TensorFlow Serving's clients see.
  private static func typeWord(_ kind: JSONReader.Kind, _ value: UnsafeRawBufferPointer) -> String {
    switch kind {
    case .object: "Object"
    case .array: "Array"
    case .string: "String"
    case .number: "Number"
    case .bool: value.first == UInt8(ascii: "t") ? "True" : "False"
    case .null: "Null"
    }
  }
}

/// The sizes of nested lists, as their first elements say.
struct NestedShape {
  var sizes: [Int] = []

  /// Looks at the next value of `reader` without moving it.
  init(_ reader: inout JSONReader) throws(JSONError) {
    var probe = reader
    while try probe.peekKind() == .array {
      sizes.append(try NestedShape.count(probe))
      try probe.beginArray()
      guard try probe.nextElement() else { return }
    }
  }

  var shape: Shape { Shape(sizes.prefix(Shape.maximumRank)) }

  /// How many elements the array has that comes next.
  static func count(_ reader: JSONReader) throws(JSONError) -> Int {
    var reader = reader
    var count = 0
    try reader.beginArray()
    while try reader.nextElement() {
      _ = try reader.skipValue()
      count += 1
    }
    return count
  }
}
