/// What a model takes and gives, and how it wants to be called.
public struct ModelSignature: Sendable {
  /// How many calls of `execute` the model takes at once.
  public enum Concurrency: Int32, Sendable {
    /// The next when the former has returned: no locks needed.
    case serial = 0
    /// Any number, from any threads.
    case concurrent = 1
  }

  public var inputs: [TensorDescription]
  public var outputs: [TensorDescription]
  /// Rows of dimension 0 in one execute. 1: requests are never stacked. More: dimension 0 of every
  /// input and output is the batch, and is -1.
  public var maximumBatch: Int
  public var concurrency: Concurrency
  /// Whether a request that was lost half-way may be executed again.
  public var isSafeToRetry: Bool
  /// Bytes the model takes; 0 if not known.
  public var memoryEstimate: Int
  /// What clients are told, for example "onnx_onnxv1"; nil for the plugin's name.
  public var platform: String?

  public init(
    inputs: [TensorDescription], outputs: [TensorDescription], maximumBatch: Int = 1,
    concurrency: Concurrency = .serial, isSafeToRetry: Bool = false, memoryEstimate: Int = 0,
    platform: String? = nil
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

/// One input or output of a model.
public struct TensorDescription: Sendable {
  public var name: String
  public var elementType: ElementType
  /// Outermost first, at most eight; -1 for any size.
  public var dimensions: [Int]
  /// An input that a client may leave out, or an output that may be missing.
  public var isOptional: Bool
  /// If set, requests that differ in dimensions of -1 beyond dimension 0 may share a batch: the
  /// server fills the shorter ones up with this value.
  public var padValue: Double?
  /// Names of the last dimension's elements, for example classes; empty if they have none.
  public var labels: [String]

  public init(
    _ name: String, _ elementType: ElementType, _ dimensions: [Int], isOptional: Bool = false,
    padValue: Double? = nil, labels: [String] = []
  ) {
    self.name = name
    self.elementType = elementType
    self.dimensions = dimensions
    self.isOptional = isOptional
    self.padValue = padValue
    self.labels = labels
  }
}
