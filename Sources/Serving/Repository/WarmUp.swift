public import Tensors

/// A request that is executed before a model takes any other.
public struct WarmUp: Sendable, Equatable {
  /// What an input is filled with.
  public enum Filling: Sendable, Equatable {
    case zeros, random
    /// The bytes of a file, as a binary tensor of the Open Inference Protocol.
    case file(path: String)
  }

  public struct Input: Sendable, Equatable {
    public var name: String
    public var datatype: Datatype
    /// Without the batch dimension of a model that has one.
    public var dimensions: [Int]
    public var filling: Filling

    public init(name: String, datatype: Datatype, dimensions: [Int], filling: Filling) {
      self.name = name
      self.datatype = datatype
      self.dimensions = dimensions
      self.filling = filling
    }
  }

  public var name: String
  /// Rows; 0 for a model without a batch dimension.
  public var batchSize: Int
  public var inputs: [Input]
  /// How often it is executed.
  public var count: Int

  public init(name: String, batchSize: Int, inputs: [Input], count: Int = 1) {
    self.name = name
    self.batchSize = batchSize
    self.inputs = inputs
    self.count = count
  }
}
