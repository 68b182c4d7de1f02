import PluginHost
import Tensors

/// What a ready version of a model asks of its requests.
final class ModelContract: Sendable {
  /// What the dimensions of an input may multiply to. Without elements they cost a client nothing and may be
  /// absurd; plugins count rows in 32 bits.
  static let maximumExtent = Int(Int32.max)

  let name: String
  let description: ModelDescription
  /// Rows of dimension 0 one execution may hold; 1: rows are not stacked.
  let maximumBatch: Int

  init(name: String, description: ModelDescription, configuredMaximum: Int?) {
    self.name = name
    self.description = description
    maximumBatch = max(1, min(description.maximumBatch, configuredMaximum ?? description.maximumBatch))
  }

  /// Whether dimension 0 of every input is a batch of independent rows.
  var isBatching: Bool { description.maximumBatch > 1 }

  /// Throws what is wrong with `inputs`: names, datatypes, shapes, in the order of the description.
  func check(_ inputs: [Tensor]) throws(ServingError) {
    let isInOrder = areInOrder(inputs)
    if !isInOrder { try checkNames(inputs) }
    var rows: Int?
    for index in inputs.indices {
      let name = isInOrder ? "" : inputs[index].name
      guard let position = isInOrder ? index : description.inputs.firstIndex(where: { $0.name == name })
      else { continue }
      try check(index, of: inputs, against: position)
      guard isBatching, let first = inputs[index].shape.first else { continue }
      if let rows, rows != first { throw otherRows(inputs[index].name, first, rows) }
      rows = first
    }
  }

  /// Looks at an input without a copy of it, which would count references to all that it holds.
  private func check(
    _ index: Int, of inputs: [Tensor], against position: Int
  ) throws(ServingError) {
    let shape = inputs[index].shape
    if inputs[index].datatype == description.inputs[position].datatype,
      description.inputs[position].shape.admits(shape), shape.extent <= ModelContract.maximumExtent
    {
      return
    }
    try refuse(inputs[index], description.inputs[position])
  }

  private func otherRows(_ input: String, _ got: Int, _ before: Int) -> ServingError {
    ServingError(
      .invalidArgument,
      "input '\(input)' batch size does not match other inputs for '\(name)': dimension 0 is \(got), "
        + "of the inputs before it \(before)", tensor: input)
  }

  /// Throws what is wrong with one input.
  private func refuse(_ input: Tensor, _ spec: TensorSpec) throws(ServingError) {
    guard input.datatype == spec.datatype else {
      throw ServingError(
        .invalidArgument,
        "inference input '\(input.name)' data-type is '\(input.datatype.name)', but model '\(name)' expects "
          + "'\(spec.datatype.name)'", tensor: input.name)
    }
    guard spec.shape.admits(input.shape) else {
      throw ServingError(
        .invalidArgument,
        "unexpected shape for input '\(input.name)' for model '\(name)'. Expected \(spec.shape), got "
          + "\(input.shape)." + shapeHint(spec.shape, input.shape), tensor: input.name)
    }
    guard input.shape.extent <= ModelContract.maximumExtent else {
      throw ServingError(
        .invalidArgument,
        "the dimensions \(input.shape) of input '\(input.name)' for model '\(name)' multiply to more than "
          + "\(ModelContract.maximumExtent), a dimension of 0 left out", tensor: input.name)
    }
  }

  /// Whether every input is given, in the order of the description, as most clients do.
  private func areInOrder(_ inputs: [Tensor]) -> Bool {
    inputs.count == description.inputs.count
      && inputs.indices.allSatisfy { inputs[$0].name == description.inputs[$0].name }
  }

  private func checkNames(_ inputs: [Tensor]) throws(ServingError) {
    for (index, input) in inputs.enumerated() {
      guard description.inputs.contains(where: { $0.name == input.name }) else {
        throw ServingError(
          .invalidArgument,
          "unexpected inference input '\(input.name)' for model '\(name)': it has "
            + description.inputs.map { "'\($0.name)'" }.joined(separator: ", "), tensor: input.name)
      }
      if inputs[..<index].contains(where: { $0.name == input.name }) {
        throw ServingError(
          .invalidArgument, "input '\(input.name)' is given more than once for model '\(name)'",
          tensor: input.name)
      }
    }
    let missing = description.inputs.filter { spec in
      !spec.isOptional && !inputs.contains { $0.name == spec.name }
    }
    guard !missing.isEmpty else { return }
    func list(_ names: [String]) -> String { "[" + names.map { "'\($0)'" }.joined(separator: ", ") + "]" }
    throw ServingError(
      .invalidArgument,
      "expected \(description.inputs.count) inputs but got \(inputs.count) inputs for model '\(name)'. Got input(s) "
        + "\(list(inputs.map(\.name))), but missing required input(s) \(list(missing.map(\.name))). "
        + "Please provide all required input(s).")
  }

  private func shapeHint(_ expected: Shape, _ actual: Shape) -> String {
    guard isBatching, actual.rank + 1 == expected.rank else { return "" }
    return " NOTE: dimension 0 is the batch: send [1\(actual.map { ",\($0)" }.joined())] for a single row."
  }
}

extension Shape {
  /// The product of the dimensions that are not 0; `Int.max` if it does not fit.
  fileprivate var extent: Int {
    reduce(1) { product, dimension in
      let (next, overflow) = product.multipliedReportingOverflow(by: Swift.max(dimension, 1))
      return overflow ? .max : next
    }
  }
}
