/// What reshaping does to the batch's rows: they stay whole when the batch is as far out in the new
/// shape as it was in the old one.
enum ReshapeRule {
  static func rows(_ input: TensorFact, output: [Dimension]) -> Rows {
    guard case .axis(let axis) = input.rows else { return input.rows }
    guard let outer = try? Dimension.product(input.dimensions[..<axis]) else { return .mixed }
    var product = Dimension.one
    for (place, dimension) in output.enumerated() {
      if product == outer && dimension.contains(.batch) { return .axis(place) }
      guard let next = product.multiplied(by: dimension) else { return .mixed }
      product = next
    }
    return .mixed
  }

  /// The dimensions of `input` in another shape, as an output fact.
  static func fact(_ input: TensorFact, _ dimensions: [Dimension]) -> TensorFact {
    var fact = TensorFact(input.datatype, dimensions, rows: rows(input, output: dimensions))
    if dimensions.count <= 1 { fact.elements = input.contents }
    return fact
  }
}
