import PluginHost
import Tensors

/// What the server adds to the requests of a model's sequences, and takes off their answers.
struct SequencePlan: Sendable {
  private struct Input: Sendable {
    /// Without the batch dimension of a model that has one.
    var shape: [Int]
    var hasBatch: Bool
  }

  let settings: SequenceSettings
  /// Outputs that clients do not see.
  private let hiddenOutputs: Set<String>
  private let inputs: [String: Input]

  /// Hides from `description` what the server makes itself. Throws what in the settings does not fit the model.
  init(
    _ settings: SequenceSettings, hiding description: inout ModelDescription, isBatched: Bool,
    shown outputs: Set<String>
  ) throws(PluginError) {
    var inputs: [String: Input] = [:]
    for (name, datatype) in settings.controls.map({ ($0.input, $0.datatype) })
      + settings.states.map({ ($0.input, $0.datatype) })
    {
      guard let spec = description.inputs.first(where: { $0.name == name }), spec.datatype == datatype else {
        throw SequencePlan.fault("input '\(name)' of \(datatype.name)", description.inputs)
      }
      inputs[name] = Input(
        shape: Array(spec.shape.dropFirst(isBatched ? 1 : 0)), hasBatch: isBatched && spec.shape.rank > 0)
    }
    for state in settings.states {
      guard description.outputs.contains(where: { $0.name == state.output && $0.datatype == state.datatype })
      else {
        throw SequencePlan.fault("output '\(state.output)' of \(state.datatype.name)", description.outputs)
      }
    }
    self.settings = settings
    self.inputs = inputs
    let hidden = Set(settings.states.map(\.output)).subtracting(outputs)
    hiddenOutputs = hidden
    description.inputs.removeAll { inputs[$0.name] != nil }
    description.outputs.removeAll { hidden.contains($0.name) }
  }

  /// The inputs that the server adds; `states` is what the request before left, nothing before the first.
  func inputs(for step: SequenceStep, rows: Int, states: [Tensor]) throws(ServingError) -> [Tensor] {
    var made: [Tensor] = []
    for control in settings.controls { made.append(try tensor(control, step, rows: rows)) }
    for (index, state) in settings.states.enumerated() {
      guard states.isEmpty else {
        guard !(inputs[state.input]?.hasBatch ?? false) || states[index].shape.first == rows else {
          throw ServingError(
            .invalidArgument,
            "sequence \(step.id) began with \(states[index].shape.first ?? 0) rows, and this request has \(rows): "
              + "all requests of a sequence must have as many")
        }
        made.append(states[index])
        continue
      }
      made.append(try initial(state, rows: rows))
    }
    return made
  }

  /// Parts the outputs into what clients see and what is remembered; nil if one of the latter is missing.
  func split(_ outputs: [Tensor]) -> (shown: [Tensor], states: [Tensor]?) {
    var states: [Tensor]? = []
    for state in settings.states {
      guard var tensor = outputs.first(where: { $0.name == state.output }) else {
        states = nil
        break
      }
      tensor.name = state.input
      states?.append(tensor)
    }
    return (outputs.filter { !hiddenOutputs.contains($0.name) }, states)
  }

  private func tensor(
    _ control: SequenceSettings.Control, _ step: SequenceStep, rows: Int
  ) throws(ServingError) -> Tensor {
    let shape = shape(of: control.input, rows: rows, dimensions: nil)
    switch control.signal {
    case .id: return try SequenceValues.id(step.id, control, shape)
    case .start: return try SequenceValues.flag(step.isStart, control, shape)
    case .end: return try SequenceValues.flag(step.isEnd, control, shape)
    case .ready: return try SequenceValues.flag(true, control, shape)
    }
  }

  private func initial(_ state: SequenceSettings.State, rows: Int) throws(ServingError) -> Tensor {
    let shape = shape(of: state.input, rows: rows, dimensions: state.dimensions)
    return try SequenceValues.tensor(state.input, state.datatype, shape, repeating: state.initial ?? [])
  }

  /// Open dimensions are 1.
  private func shape(of name: String, rows: Int, dimensions: [Int]?) -> Shape {
    let input = inputs[name]
    let own = (dimensions ?? input?.shape ?? []).map { $0 == Shape.anySize ? 1 : $0 }
    return Shape((input?.hasBatch == true ? [rows] : []) + own)
  }

  private static func fault(_ wanted: String, _ specs: [TensorSpec]) -> PluginError {
    let known = specs.map { "'\($0.name)' of \($0.datatype.name)" }.joined(separator: ", ")
    return PluginError(
      status: .invalidArgument,
      message: "the configuration's sequence_batching names the \(wanted); the model has \(known)")
  }
}
