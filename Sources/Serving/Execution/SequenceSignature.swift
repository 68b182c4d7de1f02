import PluginHost
import Scheduling
import Tensors

/// The tensors of a model that clients do not see, since the server fills and keeps them for each sequence.
final class SequenceSignature: Sendable {
  private let controls: [(control: SequenceControl, shape: Shape)]
  private let states: [SequenceState]
  /// What the first request of a sequence gets, by state.
  private let initial: [Tensor]
  /// Outputs that clients do not get.
  private let hidden: Set<String>

  /// Throws what in the configuration does not fit the model.
  init(
    _ settings: SequenceSettings, of model: ModelDescription, seenBy clients: ModelDescription
  ) throws(PluginError) {
    states = settings.states
    let seen = Set(clients.outputs.map(\.name))
    hidden = Set(settings.states.map(\.output).filter { !seen.contains($0) })
    var controls: [(control: SequenceControl, shape: Shape)] = []
    for control in settings.controls {
      let spec = try SequenceSignature.spec(control.name, control.datatype, in: model.inputs, "input")
      controls.append((control, Shape(Array(repeating: 1, count: spec.shape.rank))))
    }
    self.controls = controls
    var initial: [Tensor] = []
    for state in settings.states {
      let spec = try SequenceSignature.spec(state.input, state.datatype, in: model.inputs, "input")
      _ = try SequenceSignature.spec(state.output, state.datatype, in: model.outputs, "output")
      let hasBatch = spec.shape.rank == state.dimensions.count + 1
      let shape = Shape((hasBatch ? [1] : []) + state.dimensions)
      guard spec.shape.admits(shape) else {
        throw PluginError(
          status: .invalidArgument,
          message:
            "the configuration says that state '\(state.input)' is \(shape); the model says \(spec.shape)")
      }
      let input = WarmUp.Input(
        name: state.input, datatype: state.datatype, dimensions: state.dimensions, filling: state.initial)
      guard let tensor = try WarmUpData.tensor(input, shape) else {
        throw PluginError(status: .outOfMemory, message: "no memory for state '\(state.input)' of \(shape)")
      }
      initial.append(tensor)
    }
    self.initial = initial
  }

  /// `description` without what clients do not see.
  static func visible(
    _ description: ModelDescription, _ settings: SequenceSettings, keeping outputs: [TensorSettings]
  ) -> ModelDescription {
    var description = description
    let filled = Set(settings.controls.map(\.name) + settings.states.map(\.input))
    description.inputs.removeAll { filled.contains($0.name) }
    let kept = Set(outputs.map(\.name))
    let states = Set(settings.states.map(\.output)).subtracting(kept)
    description.outputs.removeAll { states.contains($0.name) }
    return description
  }

  private static func spec(
    _ name: String, _ datatype: Datatype, in specs: [TensorSpec], _ kind: String
  ) throws(PluginError) -> TensorSpec {
    guard let spec = specs.first(where: { $0.name == name }) else {
      let known = specs.map { "'\($0.name)'" }.joined(separator: ", ")
      throw PluginError(
        status: .invalidArgument,
        message: "the configuration of sequences names \(kind) '\(name)'; the model has \(known)")
    }
    guard spec.datatype == datatype else {
      throw PluginError(
        status: .invalidArgument,
        message:
          "the configuration of sequences says that \(kind) '\(name)' is \(datatype.name); the model says "
          + spec.datatype.name)
    }
    return spec
  }

  // MARK: - Inputs

  /// The inputs that tell where in its sequence a request stands.
  func controlInputs(_ use: SequenceUse) throws(ServingError) -> [Tensor] {
    var tensors: [Tensor] = []
    for (control, shape) in controls {
      let tensor =
        switch control.kind {
        case .id: try SequenceSignature.id(use.id, control, shape)
        case .start: SequenceSignature.flag(use.isStart, control, shape)
        case .end: SequenceSignature.flag(use.isEnd, control, shape)
        case .ready: SequenceSignature.flag(true, control, shape)
        }
      guard let tensor else {
        throw ServingError(.outOfMemory, "no memory for the control input '\(control.name)'")
      }
      tensors.append(tensor)
    }
    return tensors
  }

  private static func flag(_ isTrue: Bool, _ control: SequenceControl, _ shape: Shape) -> Tensor? {
    guard let tensor = WarmUpData.zeros(control.name, control.datatype, shape) else { return nil }
    let value = control.values[isTrue ? 1 : 0]
    switch control.datatype {
    case .fp32: tensor.elements(as: Float.self)[0] = Float(value)
    case .int32: tensor.elements(as: Int32.self)[0] = Int32(value)
    default: tensor.data.storeBytes(of: value == 0 ? 0 : 1, as: UInt8.self)
    }
    return tensor
  }

  private static func id(
    _ id: SequenceID, _ control: SequenceControl, _ shape: Shape
  ) throws(ServingError) -> Tensor? {
    guard control.datatype != .bytes else { return text(id, control, shape) }
    guard let tensor = WarmUpData.zeros(control.name, control.datatype, shape) else { return nil }
    let width = control.datatype.byteCount
    let isSigned = control.datatype == .int64 || control.datatype == .int32
    guard case .number(let number) = id, number <= UInt64.max >> UInt64(64 - 8 * width + (isSigned ? 1 : 0))
    else {
      throw ServingError(
        .invalidArgument,
        "sequence_id \(id) does not fit the model's input '\(control.name)', which is \(control.datatype.name)"
      )
    }
    // The least significant bytes come first.
    withUnsafeBytes(of: number.littleEndian) { bytes in
      tensor.data.copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(tensor.data), byteCount: width)
    }
    return tensor
  }

  private static func text(_ id: SequenceID, _ control: SequenceControl, _ shape: Shape) -> Tensor? {
    let text =
      switch id {
      case .number(let number): Array(String(number).utf8)
      case .text(let text): Array(text.utf8)
      }
    guard let tensor = WarmUpData.zeros(control.name, .bytes, shape),
      let payload = TensorMemory(byteCount: text.count)
    else { return nil }
    text.withUnsafeBytes { bytes in
      payload.base.copyMemory(
        from: bytes.baseAddress ?? UnsafeRawPointer(payload.base), byteCount: bytes.count)
    }
    tensor.elements(as: BytesElement.self)[0] = BytesElement(
      data: UnsafePointer(payload.base.assumingMemoryBound(to: UInt8.self)), count: text.count)
    return Tensor(name: control.name, datatype: .bytes, shape: shape, memory: tensor.memory, payload: payload)
  }

  /// What was kept of the sequence, as inputs.
  func stateInputs(_ use: SequenceUse?, kept: [Tensor]?) -> [Tensor] {
    use?.isStart == false ? kept ?? initial : initial
  }

  // MARK: - Outputs

  /// What is to be kept of the sequence, in memory of its own. Throws what is wrong with the outputs.
  func states(from outputs: [Tensor]) throws(ServingError) -> [Tensor] {
    var kept: [Tensor] = []
    for (state, first) in zip(states, initial) {
      guard let output = outputs.first(where: { $0.name == state.output }),
        output.datatype == first.datatype, output.shape == first.shape
      else {
        throw ServingError(
          .pluginFault,
          "the model gave no output '\(state.output)' of \(first.datatype.name) \(first.shape), which its "
            + "configuration says is the sequence's state")
      }
      guard var copy = TensorSnapshot.copy(output) else {
        throw ServingError(.outOfMemory, "no memory for the sequence's state '\(state.output)'")
      }
      copy.name = state.input
      kept.append(copy)
    }
    return kept
  }

  /// What the client gets of `outputs`.
  func visible(_ outputs: [Tensor]) -> [Tensor] {
    hidden.isEmpty ? outputs : outputs.filter { !hidden.contains($0.name) }
  }
}
