/// The dimensions of a tensor, outermost first; none for a scalar. At most `maximumRank` of them,
/// held inline: a shape allocates nothing.
///
/// In a model's description a dimension may be `Shape.anySize` (-1).
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, RandomAccessCollection,
  MutableCollection, CustomStringConvertible
{
  public static let maximumRank = 8
  public static let anySize = -1

  @usableFromInline var dimensions: InlineArray<8, Int>
  @usableFromInline var dimensionCount: Int

  /// The number of dimensions.
  @inlinable public var rank: Int { dimensionCount }

  @inlinable public init() {
    dimensions = InlineArray(repeating: 0)
    dimensionCount = 0
  }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// Precondition: at most `maximumRank` dimensions.
  public init(_ dimensions: some Collection<Int>) {
    self.init()
    for dimension in dimensions { append(dimension) }
  }

  /// Precondition: the rank is below `maximumRank`.
  @inlinable public mutating func append(_ dimension: Int) {
    precondition(rank < Shape.maximumRank, "a shape has at most \(Shape.maximumRank) dimensions")
    dimensions[dimensionCount] = dimension
    dimensionCount += 1
  }

  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { dimensionCount }

  @inlinable public subscript(axis: Int) -> Int {
    get {
      precondition(axis >= 0 && axis < dimensionCount, "no such dimension")
      return dimensions[axis]
    }
    set {
      precondition(axis >= 0 && axis < dimensionCount, "no such dimension")
      dimensions[axis] = newValue
    }
  }

  /// The product of the dimensions: 1 for a scalar. Nil if one is negative or the product does not
  /// fit in an `Int`.
  @inlinable public var elementCount: Int? {
    var product = 1
    var overflowed = false
    for axis in 0..<dimensionCount {
      let dimension = dimensions[axis]
      if dimension < 0 { return nil }
      if dimension == 0 { return 0 }
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      product = next
      overflowed = overflowed || overflow
    }
    return overflowed ? nil : product
  }

  /// Whether `self`, a shape of a model's description, allows `actual`.
  @inlinable public func admits(_ actual: Shape) -> Bool {
    guard dimensionCount == actual.dimensionCount else { return false }
    for axis in 0..<dimensionCount {
      let dimension = dimensions[axis]
      guard dimension == Shape.anySize || dimension == actual.dimensions[axis] else { return false }
    }
    return true
  }

  public var description: String { "[" + map(String.init).joined(separator: ",") + "]" }

  public static func == (a: Shape, b: Shape) -> Bool {
    guard a.rank == b.rank else { return false }
    return (0..<a.rank).allSatisfy { a.dimensions[$0] == b.dimensions[$0] }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(rank)
    for axis in 0..<rank { hasher.combine(dimensions[axis]) }
  }
}
