import JSON
import PluginHost
import Tensors

/// Reads a `:predict` request in one pass: the model's description says what each value is, and the
/// nesting of the first elements says the shape.
///
/// Rows that are plain values are read as one nested list; when that fails they are read once more,
/// row by row, because TensorFlow Serving's words count rows.
struct PredictRequestReader {
  static let defaultSignature = "serving_default"

  private let text: UnsafeRawBufferPointer
  private let inputs: [TensorSpec]
  private let limits: APILimits
  private var reader: JSONReader

  init(text: UnsafeRawBufferPointer, description: ModelDescription, limits: APILimits) {
    self.text = text
    inputs = description.inputs
    self.limits = limits
    reader = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
  }

  mutating func read() throws(APIFailure) -> PredictRequest {
    do {
      return try readRequest()
    } catch let failure as APIFailure {
      throw failure
    } catch let error as JSONError {
      throw PredictRequestReader.describe(error, in: text, limits)
    } catch {
      throw APIFailure(500, "reading the request failed: \(error)")
    }
  }

  /// A text that is no JSON is one fault; JSON that does not fit the model is another.
  static func describe(
    _ error: JSONError, in text: UnsafeRawBufferPointer, _ limits: APILimits
  ) -> APIFailure {
    var whole = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
    do throws(JSONError) {
      _ = try whole.skipValue()
    } catch {
      let position = TextPosition(offset: error.offset, in: text)
      return .badRequest(
        "JSON Parse error: \(error.message) at offset: \(position.offset) (line \(position.line), column "
          + "\(position.column))")
    }
    return .badRequest(error.path.isEmpty ? error.message : "\(error.message) (\(error.path))")
  }

  /// Refuses an empty text, and one that is no object.
  static func requireObject(_ text: UnsafeRawBufferPointer, _ limits: APILimits) throws {
    guard text.contains(where: { !JSONText.isSpace($0) }) else {
      throw APIFailure.badRequest("JSON Parse error: The document is empty")
    }
    var reader = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
    guard try reader.peekKind() == .object else {
      throw APIFailure.badRequest("JSON Value: \(excerpt(try reader.skipValue())) Is not object")
    }
  }

  private mutating func readRequest() throws -> PredictRequest {
    try PredictRequestReader.requireObject(text, limits)
    var request: PredictRequest?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      switch key {
      case "signature_name":
        try readSignature()
      case "instances":
        if request != nil { throw twoForms() }
        request = PredictRequest(format: .rows, inputs: try readInstances())
      case "inputs":
        if request != nil { throw twoForms() }
        request = PredictRequest(format: .columns, inputs: try readColumns())
      default:
        _ = try reader.skipValue()
      }
    }
    guard let request else { throw APIFailure.badRequest("Missing 'inputs' or 'instances' key") }
    return request
  }

  private func twoForms() -> APIFailure {
    .badRequest(
      "JSON Value: \(excerpt(text)) Not formatted correctly expecting only one of 'inputs' or 'instances' keys "
        + "to exist ")
  }

  private mutating func readSignature() throws {
    guard try reader.peekKind() == .string else {
      throw APIFailure.badRequest(
        "JSON Value: \(excerpt(text)) not formatted correctly. 'signature_name' key must be a string value.")
    }
    let name = try reader.readString()
    guard name.isEmpty || name == PredictRequestReader.defaultSignature else {
      throw APIFailure.badRequest(
        "Serving signature name: \"\(excerpt(name))\" not found in signature def; the only one is "
          + "\"\(PredictRequestReader.defaultSignature)\"")
    }
  }

  // MARK: - Rows

  private mutating func readInstances() throws -> [Tensor] {
    guard try reader.peekKind() == .array else {
      throw APIFailure.badRequest("Expecting 'instances' to be an list/array")
    }
    var probe = reader
    try probe.beginArray()
    guard try probe.nextElement() else { throw APIFailure.badRequest("No values in 'instances' array") }
    if try JSONText.isNamedObject(probe) { return try readObjectRows() }
    guard inputs.count == 1 else {
      throw APIFailure.badRequest(
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
          + "tensorinfo_map")
    }
    var rows = reader
    do throws(JSONError) {
      return [try reader.readNested(name: inputs[0].name, datatype: inputs[0].datatype, path: "instances")]
    } catch {
      try explainPlainRows(&rows)
      throw error
    }
  }

  /// Throws the first row's fault, in words that count rows.
  private func explainPlainRows(_ reader: inout JSONReader) throws {
    let rows = TensorAccumulator(datatype: inputs[0].datatype)
    try reader.beginArray()
    while try reader.nextElement() {
      if try JSONText.isNamedObject(reader) {
        throw APIFailure.badRequest("Expecting value/list but got object at item \(rows.count) of input list")
      }
      try append(to: rows, key: nil, from: &reader)
    }
  }

  /// Reads one row's value of one input.
  private func append(to rows: TensorAccumulator, key: String?, from reader: inout JSONReader) throws {
    let row = rows.count
    do throws(JSONError) {
      try rows.append(from: &reader, path: "")
    } catch {
      // What is no JSON at all is told as that.
      var whole = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
      _ = try whole.skipValue()
      let member = key.map { ".\($0)" } ?? ""
      throw APIFailure.badRequest(
        "Failed to process element: \(row)\(key.map { " key: \($0)" } ?? "") of 'instances' list. Error: "
          + "INVALID_ARGUMENT: \(error.message) (instances[\(row)]\(member)\(error.path))")
    }
  }

  private mutating func readObjectRows() throws -> [Tensor] {
    let columns = inputs.map { TensorAccumulator(datatype: $0.datatype) }
    var row = 0
    try reader.beginArray()
    while try reader.nextElement() {
      guard try JSONText.isNamedObject(reader) else {
        throw APIFailure.badRequest("Expecting object but got list at item \(row) of input list")
      }
      try readObjectRow(row, into: columns)
      row += 1
    }
    var tensors: [Tensor] = []
    for (spec, column) in zip(inputs, columns) where column.count > 0 {
      tensors.append(try column.finish(name: spec.name))
    }
    return tensors
  }

  private mutating func readObjectRow(_ row: Int, into columns: [TensorAccumulator]) throws {
    let start = reader
    try reader.beginObject()
    while let key = try reader.nextKey() {
      guard let index = inputs.firstIndex(where: { $0.name == key }), columns[index].count == row else {
        throw try wrongKeys(row, start)
      }
      try append(to: columns[index], key: key, from: &reader)
    }
    let isComplete = zip(inputs, columns).allSatisfy { spec, column in
      column.count == row + 1 || (spec.isOptional && column.count == 0)
    }
    guard isComplete else { throw try wrongKeys(row, start) }
  }

  private func wrongKeys(_ row: Int, _ start: JSONReader) throws(JSONError) -> APIFailure {
    var object = start
    let names = inputs.map(\.name).sorted().joined(separator: ",")
    return .badRequest(
      "Failed to process element: \(row) of 'instances' list. JSON object: \(excerpt(try object.skipValue())) "
        + "keys must be equal to: \(names)")
  }

  // MARK: - Columns

  private mutating func readColumns() throws -> [Tensor] {
    if try JSONText.isNamedObject(reader) { return try readNamedColumns() }
    guard inputs.count == 1 else {
      throw APIFailure.badRequest(
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
          + "tensorinfo_map")
    }
    return [try reader.readNested(name: inputs[0].name, datatype: inputs[0].datatype, path: "inputs")]
  }

  private mutating func readNamedColumns() throws -> [Tensor] {
    var tensors = [Tensor?](repeating: nil, count: inputs.count)
    try reader.beginObject()
    while let key = try reader.nextKey() {
      guard let index = inputs.firstIndex(where: { $0.name == key }) else {
        _ = try reader.skipValue()
        continue
      }
      guard tensors[index] == nil else {
        throw APIFailure.badRequest("inputs.\(excerpt(key)): this input is given twice; give it once")
      }
      tensors[index] = try reader.readNested(
        name: key, datatype: inputs[index].datatype, path: "inputs.\(key)")
    }
    for (spec, tensor) in zip(inputs, tensors) where tensor == nil && !spec.isOptional {
      throw APIFailure.badRequest("Missing named input: \(spec.name) in 'inputs' object.")
    }
    return tensors.compactMap(\.self)
  }
}
