/// What a step of a run took.
public struct RecordedStep: Sendable {
  /// The node's name; the operator's where the model names none.
  public let node: String
  /// The operator's type, and how it was computed where there are several ways.
  public let operation: String
  /// Nanoseconds by the recorder's clock.
  public let start: UInt64
  public let end: UInt64
  /// Multiplications and additions, as the operator's definition has them; 0 where they are not counted.
  public let arithmetic: Double
  /// Bytes of the step's inputs and outputs, packed weights left out.
  public let bytes: Int

  public var nanoseconds: UInt64 { end - start }
}

/// Collects the time of each step of a run. One run at a time uses it.
public final class RunRecorder {
  public private(set) var steps: [RecordedStep] = []
  private let clock: () -> UInt64

  /// - Parameter clock: nanoseconds that never go back.
  public init(clock: @escaping () -> UInt64) { self.clock = clock }

  /// Forgets what was recorded; the memory is kept.
  public func reset() { steps.removeAll(keepingCapacity: true) }

  func record(_ description: StepDescription, _ body: () throws -> Void) rethrows {
    let start = clock()
    try body()
    let end = clock()
    steps.append(
      RecordedStep(
        node: description.node, operation: description.operation, start: start, end: end,
        arithmetic: description.arithmetic, bytes: description.bytes))
  }
}

/// What a recorder tells of a step, known before the run.
struct StepDescription: Sendable {
  let node: String
  let operation: String
  var arithmetic = 0.0
  var bytes = 0

  /// How messages call the node.
  var place: String { "node '\(node)' (\(operation))" }
}
