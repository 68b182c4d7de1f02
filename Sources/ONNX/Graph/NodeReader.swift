import Tensors

/// What an operator reads to make its operation from a node: the opset and the attributes, by name and
/// kind.
public struct NodeReader {
  let type: String
  let domain: String
  let opset: Int
  let attributes: [String: Attribute]
  let inputCount: Int
  /// Whether somebody asks for the output at each place.
  let outputs: [Bool]
  let subgraphs: SubgraphReader

  func hasOutput(_ index: Int) -> Bool { index < outputs.count && outputs[index] }

  func has(_ name: String) -> Bool { attributes[name] != nil }

  func int(_ name: String) throws -> Int? {
    guard let attribute = attributes[name] else { return nil }
    guard case .int(let value) = attribute else { throw wrongKind(name, attribute, "an INT") }
    return value
  }

  func int(_ name: String, default value: Int) throws -> Int { try int(name) ?? value }

  /// An integer attribute used as a yes or no.
  func flag(_ name: String, default value: Bool) throws -> Bool { try int(name).map { $0 != 0 } ?? value }

  func float(_ name: String, default value: Float) throws -> Float {
    guard let attribute = attributes[name] else { return value }
    guard case .float(let value) = attribute else { throw wrongKind(name, attribute, "a FLOAT") }
    return value
  }

  func string(_ name: String) throws -> String? {
    guard let attribute = attributes[name] else { return nil }
    guard case .string(let value) = attribute else { throw wrongKind(name, attribute, "a STRING") }
    return value
  }

  func ints(_ name: String) throws -> [Int]? {
    guard let attribute = attributes[name] else { return nil }
    guard case .ints(let values) = attribute else { throw wrongKind(name, attribute, "INTS") }
    return values
  }

  func floats(_ name: String) throws -> [Float]? {
    guard let attribute = attributes[name] else { return nil }
    guard case .floats(let values) = attribute else { throw wrongKind(name, attribute, "FLOATS") }
    return values
  }

  func strings(_ name: String) throws -> [String]? {
    guard let attribute = attributes[name] else { return nil }
    guard case .strings(let values) = attribute else { throw wrongKind(name, attribute, "STRINGS") }
    return values
  }

  func tensor(_ name: String) throws -> Tensor? {
    guard let attribute = attributes[name] else { return nil }
    guard case .tensor(let value) = attribute else { throw wrongKind(name, attribute, "a TENSOR") }
    return try value.tensor()
  }

  /// The graph in the attribute, which must be there.
  func subgraph(_ name: String) throws -> Subgraph {
    guard let attribute = attributes[name] else {
      throw ONNXError(.invalid, "attribute '\(name)' is missing")
    }
    guard case .graph(let graph) = attribute else { throw wrongKind(name, attribute, "a GRAPH") }
    return try at("attribute '\(name)'") { try subgraphs.subgraph(graph) }
  }

  /// A word of the attribute that must be one of `words`; the first of them when it is left out.
  func word(_ name: String, _ words: String...) throws -> String {
    guard let word = try string(name) else { return words[0] }
    guard words.contains(word) else {
      throw ONNXError(.invalid, "attribute '\(name)' is '\(word)', expected \(words.joined(separator: ", "))")
    }
    return word
  }

  /// An attribute that must be there.
  func required<Value>(_ name: String, _ value: Value?) throws -> Value {
    guard let value else { throw ONNXError(.invalid, "attribute '\(name)' is missing") }
    return value
  }

  private func wrongKind(_ name: String, _ attribute: Attribute, _ expected: String) -> ONNXError {
    ONNXError(.invalid, "attribute '\(name)' is \(attribute.kindName), expected \(expected)")
  }
}
