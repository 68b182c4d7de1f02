import JSON
import PluginHost
import Tensors

/// Reads a `:classify` or `:regress` request of TensorFlow Serving: a list of examples, each an object of features.
/// Every feature that names an input of the model is a row of it; `context` holds features for the examples that
/// have none of that name.
///
/// A feature is a value or a flat list. Its row takes the input's shape: what fills `[-1,4]` is a list of 4.
/// Numbers may be written as integers for inputs of floating point, which TensorFlow Serving refuses.
struct ExamplesReader {
  /// Bytes of context that may be read in all: it is read once for each example that needs it.
  static let maximumContextBytes = 64 << 20

  private let text: UnsafeRawBufferPointer
  private let inputs: [TensorSpec]
  private let limits: APILimits
  /// `classify` or `regress`.
  private let verb: String
  private var context: [(name: String, value: UnsafeRawBufferPointer)] = []
  private var contextBytes = 0

  init(text: UnsafeRawBufferPointer, description: ModelDescription, limits: APILimits, verb: String) {
    self.text = text
    inputs = description.inputs
    self.limits = limits
    self.verb = verb
  }

  mutating func read() throws(APIFailure) -> [Tensor] {
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

  private mutating func readRequest() throws -> [Tensor] {
    try PredictRequestReader.requireObject(text, limits)
    var reader = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
    var examples: JSONReader?
    try reader.beginObject()
    while let key = try reader.nextKey() {
      switch key {
      case "signature_name": try checkSignature(&reader)
      case "context": try readContext(&reader)
      case "examples":
        guard examples == nil else {
          throw APIFailure.badRequest("examples: this member is given twice; give it once")
        }
        _ = try reader.peekKind()
        examples = reader
        _ = try reader.skipValue()
      default: _ = try reader.skipValue()
      }
    }
    guard let examples else {
      throw APIFailure.badRequest("When method is \(verb), key 'examples' is expected and was not found")
    }
    return try readExamples(examples)
  }

  /// The verb says which function is meant; models here have one for each.
  private func checkSignature(_ reader: inout JSONReader) throws {
    guard try reader.peekKind() == .string else {
      throw APIFailure.badRequest(
        "JSON Value: \(excerpt(text)) not formatted correctly. 'signature_name' key must be a string value.")
    }
    _ = try reader.skipValue()
  }

  private mutating func readContext(_ reader: inout JSONReader) throws {
    guard try reader.peekKind() == .object else {
      throw APIFailure.badRequest("When method is \(verb), 'context' is expected to be an object")
    }
    try reader.beginObject()
    while let key = try reader.nextKey() {
      let value = try reader.skipValue()
      guard inputs.contains(where: { $0.name == key }) else { continue }
      guard !context.contains(where: { $0.name == key }) else {
        throw APIFailure.badRequest("context.\(excerpt(key)): this feature is given twice; give it once")
      }
      context.append((key, value))
    }
  }

  private mutating func readExamples(_ examples: JSONReader) throws -> [Tensor] {
    var reader = examples
    guard try reader.peekKind() == .array else {
      throw APIFailure.badRequest("When method is \(verb), key 'examples' is expected to be an array")
    }
    let columns = inputs.map { TensorAccumulator(datatype: $0.datatype) }
    var row = 0
    try reader.beginArray()
    while try reader.nextElement() {
      try readExample(row, &reader, into: columns)
      row += 1
    }
    guard row > 0 else {
      throw APIFailure.badRequest(
        "When method is \(verb), key 'examples' is expected and value is an empty array")
    }
    var tensors: [Tensor] = []
    for (spec, column) in zip(inputs, columns) where column.count > 0 {
      tensors.append(try ExamplesReader.shaped(try column.finish(name: spec.name), as: spec))
    }
    return tensors
  }

  private mutating func readExample(_ row: Int, _ reader: inout JSONReader, into columns: [TensorAccumulator])
    throws
  {
    guard try reader.peekKind() == .object else {
      throw APIFailure.badRequest("Example: \(row) is no object; expected one of features (examples[\(row)])")
    }
    try reader.beginObject()
    while let key = try reader.nextKey() {
      guard let index = inputs.firstIndex(where: { $0.name == key }) else {
        _ = try reader.skipValue()
        continue
      }
      guard columns[index].count == row else {
        throw APIFailure.badRequest(
          "Feature: \(excerpt(key)) is given twice, or was missing in an example before (examples[\(row)])")
      }
      try append(to: columns[index], key, row, &reader)
    }
    try fillIn(row, columns)
  }

  /// Takes from the context what the example does not have.
  private mutating func fillIn(_ row: Int, _ columns: [TensorAccumulator]) throws {
    for (spec, column) in zip(inputs, columns) where column.count == row {
      if let value = context.first(where: { $0.name == spec.name })?.value {
        contextBytes += value.count
        guard contextBytes <= ExamplesReader.maximumContextBytes else {
          throw APIFailure.badRequest(
            "context: its features stand for more than \(ExamplesReader.maximumContextBytes) bytes in the examples "
              + "together; send fewer examples at once")
        }
        var inner = JSONReader(value, maximumDepth: limits.maximumJSONDepth)
        try append(to: column, spec.name, row, &inner)
      } else if !(spec.isOptional && row == 0 || spec.isOptional && column.count == 0) {
        throw APIFailure.badRequest("Feature: \(spec.name) is missing (examples[\(row)])")
      }
    }
  }

  private func append(
    to column: TensorAccumulator, _ key: String, _ row: Int, _ reader: inout JSONReader
  ) throws {
    do throws(JSONError) {
      try column.append(from: &reader, path: "")
    } catch {
      // What is no JSON at all is told as that.
      var whole = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
      _ = try whole.skipValue()
      throw APIFailure.badRequest(
        "Feature: \(excerpt(key)): \(error.message) (examples[\(row)].\(excerpt(key))\(error.path))")
    }
  }

  /// The rows of `column` in the input's shape, as far as they fit; the model refuses what does not.
  private static func shaped(_ column: Tensor, as spec: TensorSpec) throws -> Tensor {
    guard column.shape.rank != spec.shape.rank || !spec.shape.admits(column.shape), spec.shape.rank > 0,
      let count = column.shape.first, count > 0
    else { return column }
    let width = column.elementCount / count
    var shape = Shape([count] + Array(spec.shape.dropFirst()))
    let open = shape.indices.filter { shape[$0] == Shape.anySize }
    guard open.count <= 1 else { return column }
    if let axis = open.first {
      shape[axis] = 1
      guard let known = shape.elementCount, known > 0, width % (known / count) == 0 else { return column }
      shape[axis] = width / (known / count)
    }
    return shape.elementCount == column.elementCount ? column.reshaped(to: shape) : column
  }
}
