/// What the engine accepts of a model and of a run. All of them are checked before memory is asked for.
public struct Limits: Sendable {
  /// Nodes of a model, those of subgraphs included.
  public var nodes = 200_000
  /// Bytes of a name.
  public var nameBytes = 4096
  /// Bytes of one metadata value.
  public var metadataBytes = 1 << 20
  /// Subgraphs and types within one another.
  public var nesting = 16
  /// Inputs, outputs or attributes of one node, each.
  public var nodeArguments = 16_384
  /// Bytes of one tensor made while a model is loaded or run.
  public var tensorBytes = 16 << 30
  /// Bytes of all tensors that a run holds at once.
  public var arenaBytes = 32 << 30
  /// Bytes of one tensor computed from constants at load.
  public var foldedBytes = 64 << 20
  /// Elements of a tensor that an evaluation makes, of a size that comes with the data: it may need many
  /// bytes for each of them on the way.
  public var evaluatedElements = 1 << 27
  /// Runs of the body of one Loop.
  public var iterations = 1 << 24
  /// Elements of one sequence.
  public var sequence = 1 << 20
  /// Unsupported operators, invalid nodes and so on that one message lists.
  public var listed = 64

  public init() {}
}
