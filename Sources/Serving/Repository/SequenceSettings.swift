public import Tensors

/// How a model serves sequences: what of them it is told beside the client's inputs, and what it remembers.
public struct SequenceSettings: Sendable, Equatable {
  /// What an input that the server makes tells.
  public enum Signal: Sendable, Equatable { case start, end, ready, id }

  /// An input of one element a row that the server makes for each request.
  public struct Control: Sendable, Equatable {
    public var input: String
    public var signal: Signal
    public var datatype: Datatype
    /// The elements for no and yes; of no meaning for `id`.
    public var off = 0.0
    public var on = 1.0

    public init(input: String, signal: Signal, datatype: Datatype) {
      self.input = input
      self.signal = signal
      self.datatype = datatype
    }
  }

  /// An output that is an input of the sequence's next request.
  public struct State: Sendable, Equatable {
    public var input: String
    public var output: String
    public var datatype: Datatype
    /// Without the batch dimension of a model that has one.
    public var dimensions: [Int]
    /// The bytes of one row before the first request; nil for zeros.
    public var initial: [UInt8]?

    public init(input: String, output: String, datatype: Datatype, dimensions: [Int]) {
      self.input = input
      self.output = output
      self.datatype = datatype
      self.dimensions = dimensions
    }
  }

  /// Nanoseconds after which a sequence that gets no request is forgotten.
  public var idle: Int64 = 1_000_000_000
  public var controls: [Control] = []
  public var states: [State] = []

  public init() {}
}
