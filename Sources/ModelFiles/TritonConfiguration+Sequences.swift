import Serving
import Tensors

/// What a model is told of sequences, and what it remembers.
extension TritonConfiguration {
  mutating func sequences(_ message: MessageReader) throws(ConfigurationFault) -> SequenceSettings {
    var settings = SequenceSettings()
    for field in message.fields {
      switch field.name {
      case "max_sequence_idle_microseconds": settings.idle = try message.microseconds(field)
      case "control_input":
        let input = try message.message(field, index: settings.controls.count)
        settings.controls.append(try control(input))
      case "state":
        settings.states.append(try state(try message.message(field, index: settings.states.count)))
      case "direct", "oldest":
        note(
          message.ignored(
            field, because: "sequences take no slots: those whose requests are there share batches"))
      case "iterative_sequence", "generative_sequence":
        if try message.bool(field) {
          throw ConfigurationFault(
            message.sentence(field, "is not supported: a request is executed once"))
        }
      case "preserve_ordering":
        if try message.bool(field) {
          note(message.ignored(field, because: "requests of a sequence are answered in order anyway"))
        }
      default: note(message.unknown(field))
      }
    }
    return settings
  }

  private mutating func control(
    _ message: MessageReader
  ) throws(ConfigurationFault) -> SequenceSettings.Control {
    var control: SequenceSettings.Control?
    var name = ""
    for field in message.fields {
      switch field.name {
      case "name": name = try message.text(field)
      case "control":
        guard control == nil else { throw message.fault(field, "one control for each input") }
        control = try signal(try message.message(field))
      default: note(message.unknown(field))
      }
    }
    guard var control, !name.isEmpty else {
      throw ConfigurationFault("'\(message.place)': expected name and control")
    }
    control.input = name
    return control
  }

  private mutating func signal(
    _ message: MessageReader
  ) throws(ConfigurationFault) -> SequenceSettings.Control {
    var signal: SequenceSettings.Signal?
    var datatype: Datatype?
    var values: [Double] = []
    for field in message.fields {
      switch field.name {
      case "kind":
        signal = try TritonConfiguration.signal(field, message)
      case "int32_false_true":
        datatype = .int32
        values.append(Double(try message.integer(field, Int(Int32.min)...Int(Int32.max))))
      case "fp32_false_true":
        datatype = .fp32
        guard let value = Double(try message.word(field)) else { throw message.fault(field, "a number") }
        values.append(value)
      case "bool_false_true":
        datatype = .bool
        values.append(try message.bool(field) ? 1 : 0)
      case "data_type": datatype = try self.datatype(field, message)
      default: note(message.unknown(field))
      }
    }
    guard let signal, let datatype, values.count == (signal == .id ? 0 : 2) else {
      throw ConfigurationFault(
        "'\(message.place)': expected kind, and int32_false_true, fp32_false_true or bool_false_true with two values, "
          + "or data_type for CONTROL_SEQUENCE_CORRID")
    }
    guard signal != .id || [.int32, .uint32, .int64, .uint64, .bytes].contains(datatype) else {
      throw ConfigurationFault(
        "'\(message.place).data_type': expected an integer of 32 or 64 bits, or TYPE_STRING")
    }
    var control = SequenceSettings.Control(input: "", signal: signal, datatype: datatype)
    if signal != .id { (control.off, control.on) = (values[0], values[1]) }
    return control
  }

  private static func signal(
    _ field: ProtobufField, _ message: MessageReader
  ) throws(ConfigurationFault) -> SequenceSettings.Signal {
    switch try message.word(field) {
    case "CONTROL_SEQUENCE_START", "0": return .start
    case "CONTROL_SEQUENCE_READY", "1": return .ready
    case "CONTROL_SEQUENCE_END", "2": return .end
    case "CONTROL_SEQUENCE_CORRID", "3": return .id
    default:
      throw message.fault(
        field,
        "CONTROL_SEQUENCE_START, CONTROL_SEQUENCE_READY, CONTROL_SEQUENCE_END or CONTROL_SEQUENCE_CORRID")
    }
  }

  private mutating func state(
    _ message: MessageReader
  ) throws(ConfigurationFault) -> SequenceSettings.State {
    var state = SequenceSettings.State(input: "", output: "", datatype: .fp32, dimensions: [])
    var hasDatatype = false
    for field in message.fields {
      switch field.name {
      case "input_name": state.input = try message.text(field)
      case "output_name": state.output = try message.text(field)
      case "data_type":
        state.datatype = try datatype(field, message)
        hasDatatype = true
      case "dims": state.dimensions.append(try message.integer(field, -1...Int(Int32.max)))
      case "initial_state": break
      case "use_same_buffer_for_input_output", "use_growable_memory":
        note(message.ignored(field, because: "the host gives the memory"))
      default: note(message.unknown(field))
      }
    }
    guard !state.input.isEmpty, !state.output.isEmpty, hasDatatype, state.dimensions.count < Shape.maximumRank
    else {
      throw ConfigurationFault(
        "'\(message.place)': expected input_name, output_name, data_type and at most \(Shape.maximumRank - 1) dims"
      )
    }
    for field in message.fields where field.name == "initial_state" {
      try readInitial(try message.message(field), into: &state)
    }
    return state
  }

  private func readInitial(
    _ message: MessageReader, into state: inout SequenceSettings.State
  ) throws(ConfigurationFault) {
    var dimensions: [Int] = []
    for field in message.fields {
      switch field.name {
      case "dims": dimensions.append(try message.integer(field, 0...Int(Int32.max)))
      case "data_file":
        let name = try message.text(field)
        guard TritonConfiguration.isPlain(name), let bytes = Files.bytes("\(folder)/initial_state/\(name)")
        else {
          throw message.fault(field, "a file in the folder \(folder)/initial_state")
        }
        state.initial = bytes
      case "data_type":
        guard try datatype(field, message) == state.datatype else {
          throw message.fault(field, "TYPE_\(state.datatype.name), as the state has it")
        }
      default: break
      }
    }
    if !dimensions.isEmpty { state.dimensions = dimensions }
    guard let initial = state.initial else { return }
    let elements = Shape(state.dimensions.map { max($0, 1) }).elementCount ?? Int.max
    let (size, overflow) = elements.multipliedReportingOverflow(by: state.datatype.byteCount)
    guard state.datatype != .bytes, !overflow, initial.count == size else {
      throw ConfigurationFault(
        "'\(message.place)': data_file has \(initial.count) bytes; expected a row of \(state.datatype.name) "
          + "\(Shape(state.dimensions))")
    }
  }
}
