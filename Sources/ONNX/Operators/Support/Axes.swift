/// Axes that an operator takes from an attribute in older opsets and from an input in newer ones.
struct Axes: Sendable {
  /// From the attribute; nil when they come from an input or are left out.
  let attribute: [Int]?
  /// The input that holds them; nil when the opset has them as an attribute.
  let input: Int?

  init(_ reader: NodeReader, input: Int, sinceOpset: Int) throws {
    attribute = try reader.ints("axes")
    self.input = reader.opset >= sinceOpset ? input : nil
  }

  /// Whether axes are given at all.
  func isGiven(_ node: NodeFacts) -> Bool {
    if let input { return node.has(input) }
    return attribute != nil
  }

  /// The axes; nil when they come with the tensors. Precondition: they are given.
  func known(_ node: NodeFacts) throws -> [Int]? {
    if let input { return try node.integers(input) }
    return attribute
  }
}
