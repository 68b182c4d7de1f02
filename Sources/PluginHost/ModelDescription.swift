public import Tensors

/// What a model says of one input or output. Dimensions may be -1.
public struct TensorSpec: Sendable, Equatable {
  public var name: String
  public var datatype: Datatype
  public var shape: Shape
  /// Names of the elements of the last dimension (class labels); empty if none.
  public var labels: [String]
  public var isOptional: Bool
  /// If set, requests that differ in dimensions of -1 beyond dimension 0 may share a batch, the shorter
  /// ones filled up with this value.
  public var padValue: Double?
  public init(
    name: String, datatype: Datatype, shape: Shape, labels: [String] = [], isOptional: Bool = false,
    padValue: Double? = nil
  ) {
    self.name = name
    self.datatype = datatype
    self.shape = shape
    self.labels = labels
    self.isOptional = isOptional
    self.padValue = padValue
  }
}

/// What a loaded model says of itself.
public struct ModelDescription: Sendable {
  /// Whether requests that were checked against the other fit this one, and their answers too.
  func isInterchangeable(with other: ModelDescription) -> Bool {
    func agrees(_ mine: [TensorSpec], _ its: [TensorSpec]) -> Bool {
      mine.count == its.count
        && zip(mine, its).allSatisfy {
          $0.name == $1.name && $0.datatype == $1.datatype && $0.shape == $1.shape
            && $0.isOptional == $1.isOptional
        }
    }
    return agrees(inputs, other.inputs) && agrees(outputs, other.outputs)
      && maximumBatch == other.maximumBatch && concurrency == other.concurrency
  }

  public enum Concurrency: Sendable { case serial, concurrent }
  public var inputs: [TensorSpec]
  public var outputs: [TensorSpec]
  /// Rows of dimension 0 that one execute may hold; 1 when the model's rows must not be stacked.
  public var maximumBatch: Int
  public var concurrency: Concurrency
  public var isSafeToRetry: Bool
  /// Bytes the model thinks it needs; 0 if it does not say.
  public var memoryEstimate: Int
  /// What clients are told, for example "onnx_onnxv1"; the plugin's name if the model does not say.
  public var platform: String
  public init(
    inputs: [TensorSpec], outputs: [TensorSpec], maximumBatch: Int, concurrency: Concurrency,
    isSafeToRetry: Bool = false, memoryEstimate: Int = 0, platform: String = ""
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.maximumBatch = maximumBatch
    self.concurrency = concurrency
    self.isSafeToRetry = isSafeToRetry
    self.memoryEstimate = memoryEstimate
    self.platform = platform
  }
}
