import Tensors

/// The words that tell two nodes apart which have the same inputs.
enum NodeSignature {
  /// Nil for a node with a graph or another attribute that is not compared.
  static func text(_ node: DecodedNode, opset: Int) -> String? {
    var words = ["\(node.domain)/\(node.type)/\(opset)/\(node.outputs.count)"]
    for (name, attribute) in node.attributes.sorted(by: { $0.key < $1.key }) {
      guard let value = text(attribute) else { return nil }
      words.append("\(name)=\(value)")
    }
    return words.joined(separator: ";")
  }

  private static func text(_ attribute: Attribute) -> String? {
    switch attribute {
    case .int(let value): return "\(value)"
    case .float(let value): return "f\(value.bitPattern)"
    case .string(let value): return "\(value.utf8.count):\(value)"
    case .ints(let values) where values.count <= 64: return "\(values)"
    case .floats(let values) where values.count <= 64: return "f\(values.map(\.bitPattern))"
    case .tensor(let constant) where constant.datatype != .bytes && constant.bytes.count <= 64:
      return "\(constant.datatype.name)\(constant.shape)\(Array(constant.bytes))"
    default: return nil
    }
  }
}
