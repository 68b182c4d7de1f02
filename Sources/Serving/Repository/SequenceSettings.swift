public import Tensors

/// That a model takes sequences: requests with one id, executed in order, one at a time. Times in nanoseconds.
public struct SequenceSettings: Sendable, Equatable {
  /// How long after its last answer a sequence has to go on, or is ended.
  public var maximumIdle: Int64 = 1_000_000_000
  /// How many there may be at once.
  public var maximumSequences = 1024
  /// Inputs that the server fills with where in its sequence a request stands.
  public var controls: [SequenceControl] = []
  /// What the server keeps of a sequence from one request to the next.
  public var states: [SequenceState] = []

  public init() {}
}

/// An input that tells the model where in its sequence a request stands.
public struct SequenceControl: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// True for the first request, for the last, for every one.
    case start, end, ready
    /// The sequence's id.
    case id
  }

  public var name: String
  public var kind: Kind
  public var datatype: Datatype
  /// What stands for false and for true; without meaning for the id.
  public var values: [Double]

  public init(name: String, kind: Kind, datatype: Datatype, values: [Double] = [0, 1]) {
    self.name = name
    self.kind = kind
    self.datatype = datatype
    self.values = values
  }
}

/// An output that comes back as an input of the sequence's next request.
public struct SequenceState: Sendable, Equatable {
  public var input: String
  public var output: String
  public var datatype: Datatype
  /// Without the batch dimension of a model that has one.
  public var dimensions: [Int]
  /// What the first request of a sequence gets.
  public var initial = WarmUp.Filling.zeros

  public init(input: String, output: String, datatype: Datatype, dimensions: [Int]) {
    self.input = input
    self.output = output
    self.datatype = datatype
    self.dimensions = dimensions
  }
}
