import Tensors

/// What an operator's shape rule sees: the facts of its inputs. It notes which contents the rule wanted
/// and did not get.
public final class NodeFacts {
  let inputs: [TensorFact?]
  let outputCount: Int
  private let symbols: SymbolSource
  private(set) var missingContents: Set<Int> = []

  init(inputs: [TensorFact?], outputCount: Int, symbols: SymbolSource) {
    self.inputs = inputs
    self.outputCount = outputCount
    self.symbols = symbols
  }

  /// The same node with other facts of its inputs.
  func replacing(_ inputs: [TensorFact?]) -> NodeFacts {
    NodeFacts(inputs: inputs, outputCount: outputCount, symbols: symbols)
  }

  /// Notes the contents that a rule wanted of a replaced node.
  func note(_ missing: Set<Int>) { missingContents.formUnion(missing) }

  func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

  func input(_ index: Int) throws -> TensorFact {
    guard index < inputs.count, let fact = inputs[index] else {
      throw ONNXError(.invalid, "input \(index) is missing")
    }
    return fact
  }

  func optional(_ index: Int) -> TensorFact? { index < inputs.count ? inputs[index] : nil }

  /// The integers in input `index`, as far as they are known. Nil, and noted, when they are not.
  func contents(_ index: Int) throws -> [Dimension]? {
    let fact = try input(index)
    guard fact.datatype == .int64 || fact.datatype == .int32 else {
      throw ONNXError(.invalid, "input \(index) has datatype \(fact.datatype.name), expected INT64")
    }
    guard fact.rank <= 1 else {
      throw ONNXError(.invalid, "input \(index) has shape \(fact.shapeText), expected a list")
    }
    if let contents = fact.contents { return contents }
    missingContents.insert(index)
    return nil
  }

  /// The integers in input `index`, all known. Nil, and noted, when they are not.
  func integers(_ index: Int) throws -> [Int]? {
    guard let contents = try contents(index) else { return nil }
    let known = contents.compactMap(\.known)
    if known.count == contents.count { return known }
    missingContents.insert(index)
    return nil
  }

  /// Notes that the rule needs the elements of input `index`, of any datatype, and gives them when known.
  func constant(_ index: Int) throws -> Constant? {
    if let constant = try input(index).constant { return constant }
    missingContents.insert(index)
    return nil
  }

  /// A size that nothing tells before the run.
  func freshDimension() -> Dimension { symbols.fresh() }

  /// Dimensions of which only the number is known.
  func freshDimensions(_ rank: Int) -> [Dimension] { (0..<rank).map { _ in symbols.fresh() } }

  /// The rank that a shape in input `index` has, told by its length.
  func listLength(_ index: Int) throws -> Int {
    let fact = try input(index)
    guard fact.rank == 1, let length = fact.dimensions[0].known else {
      throw OpenShape("the length of input \(index) depends on data, so the output's rank does")
    }
    guard length <= Shape.maximumRank else {
      throw ONNXError(.limit, "an output of \(length) dimensions; at most \(Shape.maximumRank) are supported")
    }
    return length
  }

  func require(_ index: Int, _ datatypes: Datatype...) throws {
    let fact = try input(index)
    if !datatypes.contains(fact.datatype) {
      throw ONNXError(
        .unsupported,
        "input \(index) has datatype \(fact.datatype.name); supported: "
          + datatypes.map(\.name).joined(separator: ", "))
    }
  }

  func require(_ index: Int, _ datatypes: [Datatype]) throws {
    let fact = try input(index)
    if !datatypes.contains(fact.datatype) {
      throw ONNXError(
        .unsupported,
        "input \(index) has datatype \(fact.datatype.name); supported: "
          + datatypes.map(\.name).joined(separator: ", "))
    }
  }

  func requireSameDatatype(_ indices: Range<Int>) throws {
    guard let first = indices.first else { return }
    for index in indices.dropFirst() where try input(index).datatype != (try input(first)).datatype {
      throw ONNXError(
        .invalid,
        "input \(first) is \(try input(first).datatype.name) and input \(index) is \(try input(index).datatype.name); they must be the same"
      )
    }
  }
}

/// Makes symbols that stand nowhere else.
final class SymbolSource {
  private var next = 1

  func fresh() -> Dimension {
    defer { next += 1 }
    return Dimension(Symbol(number: next))
  }
}

/// An axis as ONNX writes it, negative from the end, as a place in 0..<rank.
func normalizedAxis(_ axis: Int, rank: Int) throws -> Int {
  guard axis >= -rank, axis < rank else {
    throw ONNXError(
      .invalid, "axis \(axis) is outside -\(rank)…\(rank - 1) of a tensor of \(rank) dimensions")
  }
  return axis < 0 ? axis + rank : axis
}

/// Axes normalized, each once, in ascending order.
func normalizedAxes(_ axes: [Int], rank: Int) throws -> [Int] {
  let places = try axes.map { try normalizedAxis($0, rank: rank) }.sorted()
  for (a, b) in zip(places, places.dropFirst()) where a == b {
    throw ONNXError(.invalid, "axis \(a) stands twice in \(axes)")
  }
  return places
}
