import Tensors

/// What happens to an element that an update falls on.
enum ScatterReduction: String, Sendable {
  case none, add, mul, max, min

  init(_ reader: NodeReader) throws {
    let word = try reader.string("reduction") ?? "none"
    guard let reduction = ScatterReduction(rawValue: word) else {
      throw ONNXError(.invalid, "reduction '\(word)', expected none, add, mul, max or min")
    }
    self = reduction
  }

  /// A copy of `x` with the elements of `updates` written, added and so on at `places`.
  func applied(_ node: EvaluationRequest, _ x: Tensor, _ updates: Tensor, _ places: [Int]) throws -> Value {
    guard x.datatype == updates.datatype else {
      throw ONNXError(.invalid, "updates of \(updates.datatype.name) for a tensor of \(x.datatype.name)")
    }
    if self == .none { return try written(node, x, updates, places) }
    guard x.datatype != .bytes else { throw ONNXError(.unsupported, "reduction '\(rawValue)' of BYTES") }
    if x.isFloat {
      var values = x.doubles()
      for (place, update) in zip(places, updates.doubles()) { values[place] = joined(values[place], update) }
      return try node.tensor(x.datatype, x.shape, values)
    }
    // The order of UINT64 is that of `Int` with the highest bit the other way round.
    let flip = x.datatype == .uint64 && (self == .max || self == .min) ? Int.min : 0
    var values = x.integers().map { $0 ^ flip }
    for (place, update) in zip(places, updates.integers()) {
      values[place] = joined(values[place], update ^ flip)
    }
    return try node.tensor(x.datatype, x.shape, integers: values.map { $0 ^ flip })
  }

  private func joined(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .none: b
    case .add: a + b
    case .mul: a * b
    case .max: Swift.max(a, b)
    case .min: Swift.min(a, b)
    }
  }

  private func joined(_ a: Int, _ b: Int) -> Int {
    switch self {
    case .none: b
    case .add: a &+ b
    case .mul: a &* b
    case .max: Swift.max(a, b)
    case .min: Swift.min(a, b)
    }
  }

  private func written(_ node: EvaluationRequest, _ x: Tensor, _ updates: Tensor, _ places: [Int]) throws
    -> Value
  {
    if x.datatype == .bytes {
      var texts = x.texts()
      for (place, text) in zip(places, updates.texts()) { texts[place] = text }
      return try node.tensor(x.shape, texts: texts)
    }
    let y = try node.copy(of: x)
    let size = x.datatype.byteCount
    for (index, place) in places.enumerated() {
      (y.data + place * size).copyMemory(from: updates.data + index * size, byteCount: size)
    }
    return .tensor(y)
  }
}
