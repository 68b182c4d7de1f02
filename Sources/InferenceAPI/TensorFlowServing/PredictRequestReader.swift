import JSON
import PluginHost
import Tensors

/// Reads a `:predict` request in one pass: the model's description says what each value is, and the
/// nesting of the first elements says the shape.
///
/// What is wrong is worded by `PredictDiagnosis` when the quick pass has failed.
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
      throw PredictDiagnosis(text: text, inputs: inputs, limits: limits).explain(error)
    } catch {
      throw APIFailure(500, "reading the request failed: \(error)")
    }
  }

  private mutating func readRequest() throws -> PredictRequest {
    guard text.contains(where: { !JSONText.isSpace($0) }) else {
      throw APIFailure.badRequest("JSON Parse error: The document is empty")
    }
    guard try reader.peekKind() == .object else {
      throw APIFailure.badRequest("JSON Value: \(excerpt(try reader.skipValue())) Is not object")
    }
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
    return [try reader.readNested(name: inputs[0].name, datatype: inputs[0].datatype, path: "instances")]
  }

  private mutating func readObjectRows() throws -> [Tensor] {
    var stacks = inputs.map { RowStack(spec: $0) }
    var row = 0
    try reader.beginArray()
    while try reader.nextElement() {
      guard try JSONText.isNamedObject(reader) else {
        throw APIFailure.badRequest("Expecting object but got list at item \(row) of input list")
      }
      try readObjectRow(row, into: &stacks)
      row += 1
    }
    var tensors: [Tensor] = []
    for stack in stacks where !stack.isEmpty { tensors.append(try stack.tensor()) }
    return tensors
  }

  private mutating func readObjectRow(_ row: Int, into stacks: inout [RowStack]) throws {
    var probe = reader
    func wrongKeys() throws -> APIFailure {
      let names = inputs.map(\.name).sorted().joined(separator: ",")
      return .badRequest(
        "Failed to process element: \(row) of 'instances' list. JSON object: \(excerpt(try probe.skipValue())) "
          + "keys must be equal to: \(names)")
    }
    try reader.beginObject()
    while let key = try reader.nextKey() {
      guard let index = stacks.firstIndex(where: { $0.spec.name == key }), stacks[index].count == row else {
        throw try wrongKeys()
      }
      let value = try reader.readNested(
        name: key, datatype: stacks[index].spec.datatype, path: rowPath(row, key))
      try stacks[index].append(value, row: row)
    }
    let isComplete = stacks.allSatisfy { $0.count == row + 1 || ($0.spec.isOptional && $0.isEmpty) }
    guard isComplete else { throw try wrongKeys() }
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

/// The place of one value of an object row.
func rowPath(_ row: Int, _ key: String) -> String { "instances[\(row)].\(key)" }
