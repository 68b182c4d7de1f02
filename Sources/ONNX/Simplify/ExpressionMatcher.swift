import Kernels
import Tensors

/// Reads the expressions that exporters spell an activation or a normalization with.
struct ExpressionMatcher {
  let graph: Graph
  private let producers: [ValueID: Int]
  private let useCounts: [Int]

  init(_ graph: Graph) {
    self.graph = graph
    producers = graph.producers()
    useCounts = graph.useCounts()
  }

  /// A product as a number and the values that are multiplied.
  struct Product {
    var scale: Float
    var factors: [ValueID]
  }

  /// The node that defines a value.
  func node(_ value: ValueID) -> Graph.Node? { producers[value].map { graph.nodes[$0] } }

  /// The node that defines a value that nothing else uses.
  func inner(_ value: ValueID) -> Graph.Node? { useCounts[value] == 1 ? node(value) : nil }

  /// The number that a constant of one element is.
  func scalar(_ value: ValueID?) -> Float? {
    guard let value, let constant = graph.constants[value], constant.datatype == .fp32,
      constant.elementCount == 1
    else { return nil }
    return constant.float(at: 0)
  }

  /// The operands of a node that computes `operation` of two values.
  func operands(_ node: Graph.Node?, _ operation: BinaryOperation) -> (ValueID, ValueID)? {
    guard let node, let arithmetic = node.operation as? BinaryArithmetic, arithmetic.operation == operation,
      arithmetic.placement.axis == nil, let a = node.inputs[0], let b = node.inputs[1]
    else { return nil }
    return (a, b)
  }

  /// What a number is added to.
  func sum(_ node: Graph.Node?) -> (value: ValueID, number: Float)? {
    guard let (a, b) = operands(node, .add) else { return nil }
    if let number = scalar(b) { return (a, number) }
    return scalar(a).map { (b, $0) }
  }

  /// The factors of the value that `node` defines. Values that are used elsewhere too stay whole.
  func product(_ node: Graph.Node?) -> Product? {
    if let (a, b) = operands(node, .multiply) {
      let (left, right) = (factors(a), factors(b))
      return Product(scale: left.scale * right.scale, factors: left.factors + right.factors)
    }
    if let (a, b) = operands(node, .divide), let divisor = scalar(b), divisor != 0 {
      let dividend = factors(a)
      return Product(scale: dividend.scale / divisor, factors: dividend.factors)
    }
    return nil
  }

  /// A value's factors; itself, where it is no product.
  func factors(_ value: ValueID) -> Product {
    if let number = scalar(value) { return Product(scale: number, factors: []) }
    return product(inner(value)) ?? Product(scale: 1, factors: [value])
  }
}

extension Float {
  /// Whether exporters may have meant this number by another spelling of it.
  func isClose(to number: Float) -> Bool { abs(self - number) <= 1e-4 * abs(number) }
}
