import Serving
import Tensors

/// How requests belong together.
extension TritonConfiguration {
  mutating func readSequences(_ message: MessageReader) throws(ConfigurationFault) {
    var sequences = SequenceSettings()
    for field in message.fields {
      switch field.name {
      case "max_sequence_idle_microseconds":
        // 0 is Triton's default too.
        let idle = try message.microseconds(field)
        if idle > 0 { sequences.maximumIdle = idle }
      case "direct", "oldest": try readStrategy(try message.message(field), into: &sequences)
      case "control_input":
        let index = sequences.controls.count
        try readControls(try message.message(field, index: index), into: &sequences)
      case "state":
        sequences.states.append(try state(try message.message(field, index: sequences.states.count)))
      default: note(message.unknown(field))
      }
    }
    configuration.sequences = sequences
  }

  private mutating func readStrategy(
    _ message: MessageReader, into sequences: inout SequenceSettings
  ) throws(ConfigurationFault) {
    for field in message.fields {
      switch field.name {
      case "max_candidate_sequences":
        sequences.maximumSequences = try message.integer(field, 1...1_000_000)
      case "max_queue_delay_microseconds":
        var batching = configuration.batching ?? BatchingSettings()
        batching.maximumDelay = try message.microseconds(field)
        configuration.batching = batching
      case "minimum_slot_utilization", "preferred_batch_size", "preserve_ordering":
        note(message.ignored(field, because: "a free instance takes at once what may run"))
      default: note(message.unknown(field))
      }
    }
  }

  private mutating func readControls(
    _ message: MessageReader, into sequences: inout SequenceSettings
  ) throws(ConfigurationFault) {
    var name = ""
    var controls: [SequenceControl] = []
    for field in message.fields {
      switch field.name {
      case "name": name = try message.text(field)
      case "control": controls.append(try control(try message.message(field, index: controls.count)))
      default: note(message.unknown(field))
      }
    }
    guard !name.isEmpty, controls.count == 1 else {
      throw ConfigurationFault("'\(message.place)': expected a name and one control")
    }
    controls[0].name = name
    sequences.controls.append(controls[0])
  }

  private mutating func control(_ message: MessageReader) throws(ConfigurationFault) -> SequenceControl {
    var control = SequenceControl(name: "", kind: .start, datatype: .fp32, values: [])
    for field in message.fields {
      switch field.name {
      case "kind":
        switch try message.word(field) {
        case "CONTROL_SEQUENCE_START", "0": control.kind = .start
        case "CONTROL_SEQUENCE_READY", "1": control.kind = .ready
        case "CONTROL_SEQUENCE_END", "2": control.kind = .end
        case "CONTROL_SEQUENCE_CORRID", "3": control.kind = .id
        default: throw message.fault(field, "CONTROL_SEQUENCE_START, _READY, _END or _CORRID")
        }
      case "int32_false_true":
        control.datatype = .int32
        control.values.append(Double(try message.integer(field, Int(Int32.min)...Int(Int32.max))))
      case "fp32_false_true":
        control.datatype = .fp32
        guard let value = Double(try message.word(field)) else { throw message.fault(field, "a number") }
        control.values.append(value)
      case "bool_false_true":
        control.datatype = .bool
        control.values.append(try message.bool(field) ? 1 : 0)
      case "data_type": control.datatype = try datatype(field, message)
      default: note(message.unknown(field))
      }
    }
    if control.kind == .id {
      guard [.int32, .uint32, .int64, .uint64, .bytes].contains(control.datatype) else {
        throw ConfigurationFault(
          "'\(message.place)': expected data_type TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 or TYPE_STRING"
        )
      }
    } else if control.values.count != 2 {
      throw ConfigurationFault(
        "'\(message.place)': expected two values, for false and for true, in int32_false_true, fp32_false_true or "
          + "bool_false_true")
    }
    return control
  }

  private mutating func state(_ message: MessageReader) throws(ConfigurationFault) -> SequenceState {
    var state = SequenceState(input: "", output: "", datatype: .fp32, dimensions: [])
    var hasDatatype = false
    for field in message.fields {
      switch field.name {
      case "input_name": state.input = try message.text(field)
      case "output_name": state.output = try message.text(field)
      case "data_type":
        state.datatype = try datatype(field, message)
        hasDatatype = true
      case "dims": state.dimensions.append(try message.integer(field, 1...Int(Int32.max)))
      case "initial_state": state.initial = try initialState(try message.message(field))
      case "use_same_buffer_for_input_output", "use_growable_memory":
        note(message.ignored(field, because: "a state lies where the server keeps it"))
      default: note(message.unknown(field))
      }
    }
    guard !state.input.isEmpty, !state.output.isEmpty, hasDatatype,
      state.dimensions.count < Shape.maximumRank
    else {
      throw ConfigurationFault(
        "'\(message.place)': expected input_name, output_name, data_type and at most \(Shape.maximumRank - 1) dims"
      )
    }
    return state
  }

  private mutating func initialState(_ message: MessageReader) throws(ConfigurationFault) -> WarmUp.Filling {
    var filling = WarmUp.Filling.zeros
    for field in message.fields {
      switch field.name {
      case "zero_data", "name", "data_type", "dims": break
      case "data_file":
        let file = try message.text(field)
        guard TritonConfiguration.isPlain(file) else {
          throw message.fault(field, "a file in the folder initial_state")
        }
        filling = .file(path: "\(folder)/initial_state/\(file)")
      default: note(message.unknown(field))
      }
    }
    return filling
  }
}
