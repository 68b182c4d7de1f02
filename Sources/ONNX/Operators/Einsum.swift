import Tensors

/// The ONNX operator Einsum: sums of products over named axes.
struct Einsum: Evaluation {
  static let description = OperatorDescription(
    "Einsum", inputs: 1...Int.max, support: "all numbers; ellipses, diagonals, implicit outputs"
  ) { reader in
    Einsum(equation: try reader.required("equation", try reader.string("equation")))
  }

  let name = "Einsum"
  let equation: String

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let tensors = try node.inputs.indices.map { try node.input($0) }
    for index in tensors.indices { try node.requireNumber(index) }
    let terms = try EinsumTerms(equation, ranks: tensors.map { $0.shape.rank })
    var sizes: [Character: Int] = [:]
    for (tensor, names) in zip(tensors, terms.inputs) {
      for (axis, name) in names.enumerated() {
        let size = tensor.shape[axis]
        guard sizes[name] ?? size == size || size == 1 || sizes[name] == 1 else {
          throw ONNXError(.invalid, "axis '\(name)' is \(sizes[name] ?? 0) and \(size)")
        }
        sizes[name] = max(sizes[name] ?? 1, size == 0 ? 0 : size)
        if size == 0 { sizes[name] = 0 }
      }
    }
    let summed = sizes.keys.filter { !terms.output.contains($0) }.sorted()
    let order = terms.output + summed
    let output = try node.shape(terms.output.map { sizes[$0] ?? 1 })
    let strides = zip(tensors, terms.inputs).map { Self.strides($0.shape, $1, order) }
    let extents = order.map { sizes[$0] ?? 1 }
    let inner = extents[terms.output.count...].reduce(1, *)
    guard tensors[0].isFloat else {
      let values = tensors.map { $0.integers() }
      let sums = Self.sums(
        values, strides, extents, try node.count(output), inner, 1, { $0 &* $1 }, { $0 &+ $1 })
      return [try node.tensor(tensors[0].datatype, output, integers: sums)]
    }
    let values = tensors.map { $0.doubles() }
    let sums = Self.sums(values, strides, extents, try node.count(output), inner, 1, { $0 * $1 }, { $0 + $1 })
    return [try node.tensor(tensors[0].datatype, output, sums)]
  }

  /// Elements from one place of each axis of `order` to the next; a name that stands twice is a diagonal.
  private static func strides(_ shape: Shape, _ names: [Character], _ order: [Character]) -> [Int] {
    let dense = shape.strides
    return order.map { name in
      names.indices.reduce(0) { $0 + (names[$1] == name && shape[$1] != 1 ? dense[$1] : 0) }
    }
  }

  private static func sums<Element: Numeric>(
    _ values: [[Element]], _ strides: [[Int]], _ extents: [Int], _ count: Int, _ inner: Int, _ one: Element,
    _ product: (Element, Element) -> Element, _ sum: (Element, Element) -> Element
  ) -> [Element] {
    var result: [Element] = []
    result.reserveCapacity(count)
    var index = [Int](repeating: 0, count: extents.count)
    var places = [Int](repeating: 0, count: values.count)
    for _ in 0..<count {
      var total: Element = 0
      for _ in 0..<inner {
        var term = one
        for operand in values.indices { term = product(term, values[operand][places[operand]]) }
        total = sum(total, term)
        step(&index, &places, extents, strides)
      }
      if inner == 0 { step(&index, &places, extents, strides) }
      result.append(total)
    }
    return result
  }

  /// The next place of all axes, the last one first.
  private static func step(_ index: inout [Int], _ places: inout [Int], _ extents: [Int], _ strides: [[Int]])
  {
    var axis = extents.count - 1
    while axis >= 0 {
      index[axis] += 1
      for operand in places.indices { places[operand] += strides[operand][axis] }
      if index[axis] < extents[axis] { return }
      for operand in places.indices { places[operand] -= strides[operand][axis] * index[axis] }
      index[axis] = 0
      axis -= 1
    }
  }
}

/// The names of the axes of an equation. The axes of an ellipsis have names of their own.
struct EinsumTerms {
  private(set) var inputs: [[Character]] = []
  private(set) var output: [Character] = []

  init(_ equation: String, ranks: [Int]) throws {
    let text = equation.filter { !$0.isWhitespace }
    let arrow = text.firstRange(of: "->")
    let left = arrow.map { String(text[..<$0.lowerBound]) } ?? text
    let terms = left.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard terms.count == ranks.count else {
      throw ONNXError(.invalid, "equation '\(equation)' has \(terms.count) terms for \(ranks.count) inputs")
    }
    var widest = 0
    for (term, rank) in zip(terms, ranks) {
      let count = rank - term.filter { $0 != "." }.count
      guard term.contains("...") ? count >= 0 : count == 0 else {
        throw ONNXError(.invalid, "term '\(term)' for a tensor of \(rank) dimensions")
      }
      if term.contains("...") { widest = max(widest, count) }
    }
    let dots = (0..<widest).map { Character(UnicodeScalar(UInt8(1 + $0))) }
    for (term, rank) in zip(terms, ranks) {
      let count = rank - term.filter { $0 != "." }.count
      inputs.append(try Self.names(term, Array(dots.suffix(count)), equation))
    }
    if let arrow {
      output = try Self.names(String(text[arrow.upperBound...]), dots, equation)
    } else {
      let all = inputs.flatMap(\.self).filter { !dots.contains($0) }
      output = dots + Set(all).filter { name in all.count { $0 == name } == 1 }.sorted()
    }
    guard Set(output).count == output.count,
      output.allSatisfy({ name in inputs.contains { $0.contains(name) } })
    else { throw ONNXError(.invalid, "the output of equation '\(equation)'") }
  }

  private static func names(_ term: String, _ dots: [Character], _ equation: String) throws -> [Character] {
    var names: [Character] = []
    var rest = term[...]
    while let first = rest.first {
      if rest.hasPrefix("...") {
        names += dots
        rest = rest.dropFirst(3)
      } else {
        guard first.isLetter, first.isASCII else { throw ONNXError(.invalid, "equation '\(equation)'") }
        names.append(first)
        rest = rest.dropFirst()
      }
    }
    return names
  }
}
