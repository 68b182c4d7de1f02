/// What a recurrent layer does at each step, with ONNX's gates, in its order.
public enum RecurrentCell: Sendable, Hashable {
  /// h = f(x·Wᵀ + h·Rᵀ + bias)
  case rnn(Activation = .tanh)
  /// Gates z, r and h. With `linearBeforeReset` the reset gate multiplies the product with R, else h.
  case gru(gates: Activation = .sigmoid, candidate: Activation = .tanh, linearBeforeReset: Bool = false)
  /// Gates i, o, f and c. With `coupled` the forget gate is 1 − i (ONNX input_forget).
  case lstm(
    gates: Activation = .sigmoid, candidate: Activation = .tanh, output: Activation = .tanh,
    coupled: Bool = false)

  public var gateCount: Int {
    switch self {
    case .rnn: 1
    case .gru: 3
    case .lstm: 4
    }
  }
}

/// The weights of one direction of a recurrent layer, as ONNX has them. Read during the call only.
public struct RecurrentWeights {
  /// [gates · hidden, input]
  public var input: UnsafePointer<Float>
  /// [gates · hidden, hidden]
  public var recurrent: UnsafePointer<Float>
  /// [2 · gates · hidden]: those of the input, then those of the state; or nil.
  public var bias: UnsafePointer<Float>?
  /// LSTM: [3 · hidden], for the gates i, o and f; or nil.
  public var peepholes: UnsafePointer<Float>?

  public init(
    input: UnsafePointer<Float>, recurrent: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    peepholes: UnsafePointer<Float>? = nil
  ) {
    self.input = input
    self.recurrent = recurrent
    self.bias = bias
    self.peepholes = peepholes
  }
}

/// The sequences that a recurrent layer runs over. The pointers are read during the call only.
public struct RecurrentInput {
  public var values: UnsafePointer<Float>
  public var steps: Int
  public var batch: Int
  /// One a batch entry, at most `steps`; nil: all are `steps` long.
  public var lengths: UnsafePointer<Int32>?
  /// [batch, steps, input] rather than [steps, batch, input].
  public var isBatchFirst: Bool
  /// From the last step to the first.
  public var isReversed: Bool

  public init(
    _ values: UnsafePointer<Float>, steps: Int, batch: Int, lengths: UnsafePointer<Int32>? = nil,
    isBatchFirst: Bool = false, isReversed: Bool = false
  ) {
    self.values = values
    self.steps = steps
    self.batch = batch
    self.lengths = lengths
    self.isBatchFirst = isBatchFirst
    self.isReversed = isReversed
  }
}

/// What a recurrent layer reads and leaves beside its input.
public struct RecurrentState {
  /// [batch, hidden]: the first state before, the last one after.
  public var hidden: UnsafeMutablePointer<Float>
  /// As `hidden`, of an LSTM's cells.
  public var cell: UnsafeMutablePointer<Float>?
  /// Every step's state, zeros beyond a sequence's length; or nil.
  public var output: UnsafeMutablePointer<Float>?
  /// Elements of `output` from one step, or batch entry, to the next.
  public var outputStepStride: Int
  public var outputBatchStride: Int

  public init(
    hidden: UnsafeMutablePointer<Float>, cell: UnsafeMutablePointer<Float>? = nil,
    output: UnsafeMutablePointer<Float>? = nil, outputStepStride: Int = 0, outputBatchStride: Int = 0
  ) {
    self.hidden = hidden
    self.cell = cell
    self.output = output
    self.outputStepStride = outputStepStride
    self.outputBatchStride = outputBatchStride
  }
}
