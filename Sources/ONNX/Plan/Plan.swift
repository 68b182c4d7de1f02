import Kernels
import Tensors

/// The fifth stage: the steps for inputs of one set of shapes, and where every tensor lies.
///
/// A value lies in the arena, in a constant, in an input or, when it is an output of the model, in the
/// memory that the caller gives for it.
struct Plan: Sendable {
  struct PlannedStep: Sendable {
    let description: StepDescription
    let body: Step.Body

    func run(_ memory: borrowing StepMemory) throws {
      do { try body(memory) } catch let error as ONNXError { throw error.at(description.place) }
    }
  }

  struct Output: Sendable {
    let datatype: Datatype
    let shape: Shape
    let byteCount: Int
    /// Slots that point into the output's memory.
    let slots: [Int]
    /// The slot that the output is copied from at the end, when it could not be computed in place.
    let copiedFrom: Int?
  }

  let steps: [PlannedStep]
  let slotCount: Int
  /// Kept alive for the slots that point into them.
  let constants: [(slot: Int, constant: Constant)]
  let arena: [(slot: Int, offset: Int)]
  let inputs: [[Int]]
  let outputs: [Output]
  /// Bytes of all tensors between the inputs and the outputs: the run's peak.
  let arenaBytes: Int
  let scratchBytes: Int
}
