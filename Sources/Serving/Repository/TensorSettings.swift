public import Tensors

/// What an operator says of an input or an output.
public struct TensorSettings: Sendable, Equatable {
  public var name: String
  public var datatype: Datatype
  /// The dimensions that clients see, without the batch dimension of a model that has one; -1 for any size.
  public var dimensions: [Int]
  /// The dimensions that the model sees, where they are others.
  public var reshaped: [Int]?
  public var isOptional = false
  /// Names of the elements of the last dimension; empty: as the model says.
  public var labels: [String] = []
  /// The file that they were read from, as the configuration names it; empty: none.
  public var labelFile = ""

  public init(name: String, datatype: Datatype, dimensions: [Int]) {
    self.name = name
    self.datatype = datatype
    self.dimensions = dimensions
  }
}
