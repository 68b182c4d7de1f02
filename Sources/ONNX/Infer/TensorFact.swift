public import Tensors

/// What is known of a value before a run.
public struct TensorFact: Sendable {
  public var datatype: Datatype
  public var dimensions: [Dimension]
  public var rows: Rows
  /// The elements of a small tensor of integers that shapes are made from, as far as shapes tell them.
  var elements: [Dimension]?
  /// The elements, when they are the same in every run.
  public var constant: Constant?

  init(_ datatype: Datatype, _ dimensions: [Dimension], rows: Rows = .shared) {
    self.datatype = datatype
    self.dimensions = dimensions
    self.rows = rows
  }

  init(_ constant: Constant) {
    self.init(constant.datatype, constant.shape.map { Dimension($0) })
    self.constant = constant
  }

  var rank: Int { dimensions.count }

  /// The shape, when no dimension is open.
  public var shape: Shape? {
    var shape = Shape()
    for dimension in dimensions {
      guard let size = dimension.known else { return nil }
      shape.append(size)
    }
    return shape
  }

  /// The shape as a model's description tells it: -1 for what is open.
  public var describedShape: Shape { Shape(dimensions.map { $0.known ?? Shape.anySize }) }

  /// The elements as far as they are known; nil when they come with the tensors, or are no small list of
  /// integers.
  var contents: [Dimension]? {
    if let elements { return elements }
    guard let constant, constant.elementCount <= TensorFact.maximumContents else { return nil }
    return constant.integers?.map { Dimension($0) }
  }

  /// Elements beyond which a tensor is not one that shapes are made from.
  static let maximumContents = 64

  var shapeText: String { "[" + dimensions.map(\.description).joined(separator: ",") + "]" }
}

/// How a value depends on the rows that requests bring: what proves that a batch of requests gives each
/// the answer it would get alone.
public enum Rows: Sendable, Equatable {
  /// The value is the same whatever the requests bring and however many rows they have.
  case shared
  /// Dimension `axis` is the batch (times a constant, the batch outermost), and what lies at one place
  /// of it depends on that row of the inputs only.
  case axis(Int)
  /// The rows are mixed, or it cannot be shown that they are not.
  case mixed
}
