/// A size that may not be known yet: a number times symbols, for example 64·batch·height.
///
/// Two dimensions that compare equal are equal for every run; two that differ may still be.
public struct Dimension: Sendable, Hashable, CustomStringConvertible {
  public let coefficient: Int
  /// Sorted; the same symbol may stand several times.
  public let symbols: [Symbol]

  public init(_ known: Int) {
    coefficient = known
    symbols = []
  }

  public init(_ symbol: Symbol) {
    coefficient = 1
    symbols = [symbol]
  }

  private init(coefficient: Int, symbols: [Symbol]) {
    self.coefficient = coefficient
    self.symbols = coefficient == 0 ? [] : symbols
  }

  public static let one = Dimension(1)

  /// The size, when no symbol is in it.
  public var known: Int? { symbols.isEmpty ? coefficient : nil }

  var isOne: Bool { known == 1 }

  /// The product; nil when it does not fit an `Int`.
  func multiplied(by other: Dimension) -> Dimension? {
    let (product, overflow) = coefficient.multipliedReportingOverflow(by: other.coefficient)
    guard !overflow, symbols.count + other.symbols.count <= 32 else { return nil }
    return Dimension(coefficient: product, symbols: (symbols + other.symbols).sorted())
  }

  /// The quotient, when it is known to be without remainder.
  func divided(by other: Dimension) -> Dimension? {
    guard other.coefficient != 0, coefficient % other.coefficient == 0 else { return nil }
    var rest = symbols
    for symbol in other.symbols {
      guard let place = rest.firstIndex(of: symbol) else { return nil }
      rest.remove(at: place)
    }
    return Dimension(coefficient: coefficient / other.coefficient, symbols: rest)
  }

  public func contains(_ symbol: Symbol) -> Bool { symbols.contains(symbol) }

  public var description: String {
    if symbols.isEmpty { return "\(coefficient)" }
    let names = symbols.map(\.description).joined(separator: "·")
    return coefficient == 1 ? names : "\(coefficient)·\(names)"
  }

  static func product(_ dimensions: some Sequence<Dimension>) throws -> Dimension {
    var product = Dimension.one
    for dimension in dimensions {
      guard let next = product.multiplied(by: dimension) else {
        throw ONNXError(.limit, "a tensor with more elements than can be counted")
      }
      product = next
    }
    return product
  }
}

/// A size that is known only when tensors come.
public struct Symbol: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let number: Int

  /// The rows that a batch stacks: dimension 0 of the inputs.
  public static let batch = Symbol(number: 0)

  public static func < (a: Symbol, b: Symbol) -> Bool { a.number < b.number }

  public var description: String { self == .batch ? "batch" : "s\(number)" }
}
