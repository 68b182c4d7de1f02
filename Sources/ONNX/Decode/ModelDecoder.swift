import Tensors

/// Reads a model file into a `DecodedModel`: field by field, with a limit on every count, length and
/// depth, nothing read twice and weights left in the mapped file.
///
/// The numbers in `switch field.number` are those of onnx.proto (onnx 1.23).
public struct ModelDecoder {
  private let source: ModelSource
  private var file: MappedFile { source.model }
  private let limits: Limits
  private let tensors: TensorDecoder
  private var nodeCount = 0

  /// Decodes the model in the file at `path`.
  public static func decode(path: String, limits: Limits = Limits()) throws -> DecodedModel {
    let source = try ModelSource(path: path)
    do {
      return try at(path) {
        var decoder = ModelDecoder(source, limits)
        return try decoder.model()
      }
    } catch {
      // Of two faults the one that explains the other.
      try source.checkUnchanged()
      throw error
    }
  }

  private init(_ source: ModelSource, _ limits: Limits) {
    self.source = source
    self.limits = limits
    tensors = TensorDecoder(file: source.model, limits: limits, external: source.external)
  }

  private mutating func model() throws -> DecodedModel {
    guard !file.bytes.isEmpty else { throw ONNXError(.malformed, "the file is empty") }
    var model = DecodedModel(path: file.path)
    model.files = source
    var hasGraph = false
    var reader = ProtobufReader(file: file.bytes)
    while let field = try reader.nextField() {
      switch field.number {
      case 1: model.irVersion = try reader.integer(field)
      case 2: model.producer = try reader.text(field, atMost: limits.nameBytes)
      case 7:
        if hasGraph { throw ONNXError(.malformed, "a second graph") }
        hasGraph = true
        let message = try reader.message(field)
        model.graph = try at("graph") { try graph(message, depth: 0) }
      case 8: try opset(try reader.message(field), into: &model.opsets)
      case 25:
        guard model.functions.count < limits.nodeArguments else { throw tooMany("functions") }
        let (key, function) = try at("functions[\(model.functions.count)]") {
          try functionEntry(try reader.message(field))
        }
        model.functions[key] = function
      case 14:
        let entry = try KeyValue.decode(try reader.message(field), limits)
        guard model.metadata.count < limits.nodeArguments else { throw tooMany("metadata_props") }
        model.metadata[entry.key] = entry.value
      default: try reader.skip(field.type)
      }
    }
    guard hasGraph else {
      throw ONNXError(.malformed, "no graph: this is not an ONNX model, or it is cut short")
    }
    return model
  }

  /// A `FunctionProto`.
  private mutating func functionEntry(_ start: ProtobufReader) throws -> (FunctionKey, DecodedFunction) {
    var reader = start
    var key = FunctionKey(domain: "", name: "")
    var function = DecodedFunction()
    while let field = try reader.nextField() {
      switch field.number {
      case 1: key.name = try reader.text(field, atMost: limits.nameBytes)
      case 4: function.inputs.append(try reader.text(field, atMost: limits.nameBytes))
      case 5: function.outputs.append(try reader.text(field, atMost: limits.nameBytes))
      case 7: function.graph.nodes.append(try countedNode(try reader.message(field), depth: 1))
      case 9: try opset(try reader.message(field), into: &function.opsets)
      case 10: key.domain = try reader.text(field, atMost: limits.nameBytes)
      case 11:
        let (name, attribute) = try attribute(try reader.message(field), depth: 1)
        function.defaults[name] = attribute
      case 13: key.overload = try reader.text(field, atMost: limits.nameBytes)
      default: try reader.skip(field.type)
      }
    }
    if key.domain == "ai.onnx" { key.domain = "" }
    return (key, function)
  }

  private mutating func countedNode(_ message: ProtobufReader, depth: Int) throws -> DecodedNode {
    nodeCount += 1
    guard nodeCount <= limits.nodes else { throw ONNXError(.limit, "more than \(limits.nodes) nodes") }
    return try node(message, depth: depth)
  }

  private func opset(_ start: ProtobufReader, into opsets: inout [String: Int]) throws {
    var reader = start
    var domain = ""
    var version = 0
    while let field = try reader.nextField() {
      switch field.number {
      case 1: domain = try reader.text(field, atMost: limits.nameBytes)
      case 2: version = try reader.integer(field)
      default: try reader.skip(field.type)
      }
    }
    guard opsets.count < limits.nodeArguments else { throw tooMany("opset imports") }
    let key = domain == "ai.onnx" ? "" : domain
    opsets[key] = max(version, opsets[key] ?? version)
  }

  private mutating func graph(_ start: ProtobufReader, depth: Int) throws -> DecodedGraph {
    guard depth < limits.nesting else {
      throw ONNXError(.limit, "subgraphs nested more than \(limits.nesting) deep")
    }
    var reader = start
    var graph = DecodedGraph()
    while let field = try reader.nextField() {
      switch field.number {
      case 1:
        let message = try reader.message(field)
        graph.nodes.append(try at("node[\(graph.nodes.count)]") { try countedNode(message, depth: depth) })
      case 2: graph.name = try reader.text(field, atMost: limits.nameBytes)
      case 5:
        let message = try reader.message(field)
        graph.initializers.append(
          try at("initializer[\(graph.initializers.count)]") { try tensors.decode(message) })
      case 11: graph.inputs.append(try value(try reader.message(field)))
      case 12: graph.outputs.append(try value(try reader.message(field)))
      case 15: throw ONNXError(.unsupported, "sparse initializers")
      default: try reader.skip(field.type)
      }
    }
    return graph
  }

  private mutating func node(_ start: ProtobufReader, depth: Int) throws -> DecodedNode {
    var reader = start
    var node = DecodedNode()
    while let field = try reader.nextField() {
      switch field.number {
      case 1:
        guard node.inputs.count < limits.nodeArguments else { throw tooMany("inputs") }
        node.inputs.append(try reader.text(field, atMost: limits.nameBytes))
      case 2:
        guard node.outputs.count < limits.nodeArguments else { throw tooMany("outputs") }
        node.outputs.append(try reader.text(field, atMost: limits.nameBytes))
      case 3: node.name = try reader.text(field, atMost: limits.nameBytes)
      case 4: node.type = try reader.text(field, atMost: limits.nameBytes)
      case 5:
        guard node.attributes.count < limits.nodeArguments else { throw tooMany("attributes") }
        let (name, attribute) = try attribute(try reader.message(field), depth: depth)
        guard node.attributes.updateValue(attribute, forKey: name) == nil else {
          throw ONNXError(.invalid, "attribute '\(name)' stands twice")
        }
      case 7:
        let domain = try reader.text(field, atMost: limits.nameBytes)
        node.domain = domain == "ai.onnx" ? "" : domain
      case 8: node.overload = try reader.text(field, atMost: limits.nameBytes)
      default: try reader.skip(field.type)
      }
    }
    return node
  }

  private func value(_ start: ProtobufReader) throws -> DecodedValue {
    var reader = start
    var value = DecodedValue()
    while let field = try reader.nextField() {
      switch field.number {
      case 1: value.name = try reader.text(field, atMost: limits.nameBytes)
      case 2: value.type = try ValueTypeDecoder(limits: limits).decode(try reader.message(field))
      default: try reader.skip(field.type)
      }
    }
    return value
  }

  private func tooMany(_ what: String) -> ONNXError {
    ONNXError(.limit, "more than \(limits.nodeArguments) \(what)")
  }
}

extension ModelDecoder {
  /// The fields of an `AttributeProto`, before it is known which of them counts.
  private struct AttributeFields {
    var name = ""
    var type = 0
    var float: Float?
    var int: Int?
    var string: Range<Int>?
    var tensor: ProtobufReader?
    var graph: ProtobufReader?
    var floats: [Float] = []
    var ints: [Int] = []
    var strings: [Range<Int>] = []
    var reference = ""

    /// The attribute's type; old models leave it to the field that is there.
    var kind: Int {
      if type != 0 { return type }
      if float != nil { return 1 }
      if int != nil { return 2 }
      if string != nil { return 3 }
      if tensor != nil { return 4 }
      if graph != nil { return 5 }
      if !floats.isEmpty { return 6 }
      if !strings.isEmpty { return 8 }
      return 7
    }
  }

  private mutating func attribute(_ message: ProtobufReader, depth: Int) throws -> (String, Attribute) {
    let fields = try attributeFields(message)
    return try at("attribute '\(fields.name)'") { (fields.name, try attribute(fields, depth: depth)) }
  }

  private func attributeFields(_ start: ProtobufReader) throws -> AttributeFields {
    var reader = start
    var fields = AttributeFields()
    while let field = try reader.nextField() {
      switch field.number {
      case 1: fields.name = try reader.text(field, atMost: limits.nameBytes)
      case 2: fields.float = try reader.float(field)
      case 3: fields.int = try reader.integer(field)
      case 4:
        try reader.expect(field, .bytes)
        fields.string = try reader.bytes()
      case 5: fields.tensor = try reader.message(field)
      case 6: fields.graph = try reader.message(field)
      case 7: try reader.floats(field) { fields.floats.append($0) }
      case 8: try reader.integers(field) { fields.ints.append($0) }
      case 9:
        try reader.expect(field, .bytes)
        fields.strings.append(try reader.bytes())
      case 21: fields.reference = try reader.text(field, atMost: limits.nameBytes)
      case 20: fields.type = try reader.integer(field)
      default: try reader.skip(field.type)
      }
    }
    return fields
  }

  private mutating func attribute(_ fields: AttributeFields, depth: Int) throws -> Attribute {
    if !fields.reference.isEmpty { return .reference(fields.reference) }
    switch fields.kind {
    case 1: return .float(fields.float ?? 0)
    case 2: return .int(fields.int ?? 0)
    case 3: return text(fields.string ?? 0..<0).map(Attribute.string) ?? .other("a STRING that is not UTF-8")
    case 4:
      guard let tensor = fields.tensor else { throw ONNXError(.malformed, "a TENSOR without its tensor") }
      return .tensor(try tensors.decode(tensor).constant)
    case 5:
      guard let message = fields.graph else { throw ONNXError(.malformed, "a GRAPH without its graph") }
      return .graph(try graph(message, depth: depth + 1))
    case 6: return .floats(fields.floats)
    case 7: return .ints(fields.ints)
    case 8:
      let texts = fields.strings.compactMap { text($0) }
      return texts.count == fields.strings.count ? .strings(texts) : .other("STRINGS that are not UTF-8")
    default: return .other("attribute type \(fields.kind)")
    }
  }

  private func text(_ range: Range<Int>) -> String? {
    String(validating: UnsafeRawBufferPointer(rebasing: file.bytes[range]), as: UTF8.self)
  }
}

/// Reads a `TypeProto`.
struct ValueTypeDecoder {
  let limits: Limits

  func decode(_ start: ProtobufReader) throws -> ValueType? {
    var reader = start
    var type: ValueType?
    while let field = try reader.nextField() {
      switch field.number {
      case 1: type = try tensor(try reader.message(field))
      case 4: type = .other("a sequence")
      case 5: type = .other("a map")
      case 8: type = .other("a sparse tensor")
      case 9: type = .other("an optional")
      default: break
      }
      if field.number != 1 { try reader.skip(field.type) }
    }
    return type
  }

  private func tensor(_ start: ProtobufReader) throws -> ValueType {
    var reader = start
    var element = 0
    var dimensions: [DeclaredDimension]?
    while let field = try reader.nextField() {
      switch field.number {
      case 1: element = try reader.integer(field)
      case 2: dimensions = try shape(try reader.message(field))
      default: try reader.skip(field.type)
      }
    }
    guard let datatype = ElementType.datatype(element) else {
      return .other("a tensor of \(ElementType.name(element))")
    }
    return .tensor(datatype, dimensions: dimensions)
  }

  private func shape(_ start: ProtobufReader) throws -> [DeclaredDimension] {
    var reader = start
    var dimensions: [DeclaredDimension] = []
    while let field = try reader.nextField() {
      guard field.number == 1 else {
        try reader.skip(field.type)
        continue
      }
      guard dimensions.count < Shape.maximumRank else {
        throw ONNXError(.limit, "a value of more than \(Shape.maximumRank) dimensions")
      }
      dimensions.append(try dimension(try reader.message(field)))
    }
    return dimensions
  }

  /// A size of 0 or below stands for any size in the files of several exporters.
  private func dimension(_ start: ProtobufReader) throws -> DeclaredDimension {
    var reader = start
    var dimension = DeclaredDimension.open
    while let field = try reader.nextField() {
      switch field.number {
      case 1:
        let size = try reader.integer(field)
        if size > 0 { dimension = .known(size) }
      case 2:
        let name = try reader.text(field, atMost: limits.nameBytes)
        if !name.isEmpty { dimension = .named(name) }
      default: try reader.skip(field.type)
      }
    }
    return dimension
  }
}
