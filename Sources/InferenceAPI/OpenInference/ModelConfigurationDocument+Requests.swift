import JSON
import Serving
import Tensors

/// Warm-up requests and sequences.
extension ModelConfigurationDocument {
  static func warmUp(_ warmUp: WarmUp) -> JSONValue {
    [
      "name": .string(warmUp.name), "batch_size": .integer(Int64(warmUp.batchSize)),
      "count": .integer(Int64(warmUp.count)),
      "inputs": .object(
        warmUp.inputs.map { input in
          (
            input.name,
            .object([
              ("data_type", .string(input.datatype.configurationName)), ("dims", list(input.dimensions)),
              filling(input.filling, file: "input_data_file"),
            ])
          )
        }),
    ]
  }

  private static func filling(_ filling: WarmUp.Filling, file: String) -> (String, JSONValue) {
    switch filling {
    case .zeros: ("zero_data", true)
    case .random: ("random_data", true)
    case .file(let path): (file, .string(path.split(separator: "/").last.map(String.init) ?? path))
    }
  }

  static func sequences(_ settings: SequenceSettings) -> JSONValue {
    .object([
      ("max_sequence_idle_microseconds", .integer(settings.maximumIdle / 1000)),
      ("oldest", ["max_candidate_sequences": .integer(Int64(settings.maximumSequences))]),
      ("control_input", .array(settings.controls.map(control))),
      ("state", .array(settings.states.map(state))),
    ])
  }

  private static func control(_ control: SequenceControl) -> JSONValue {
    var members: [(String, JSONValue)] = [("kind", .string(name(of: control.kind)))]
    switch control.datatype {
    case _ where control.kind == .id:
      members.append(("data_type", .string(control.datatype.configurationName)))
    case .fp32: members.append(("fp32_false_true", .array(control.values.map(JSONValue.double))))
    case .bool: members.append(("bool_false_true", .array(control.values.map { .bool($0 != 0) })))
    default: members.append(("int32_false_true", list(control.values.map { Int($0) })))
    }
    return ["name": .string(control.name), "control": .array([.object(members)])]
  }

  private static func name(of kind: SequenceControl.Kind) -> String {
    switch kind {
    case .start: "CONTROL_SEQUENCE_START"
    case .ready: "CONTROL_SEQUENCE_READY"
    case .end: "CONTROL_SEQUENCE_END"
    case .id: "CONTROL_SEQUENCE_CORRID"
    }
  }

  private static func state(_ state: SequenceState) -> JSONValue {
    .object([
      ("input_name", .string(state.input)), ("output_name", .string(state.output)),
      ("data_type", .string(state.datatype.configurationName)), ("dims", list(state.dimensions)),
      ("initial_state", .object([filling(state.initial, file: "data_file")])),
    ])
  }
}
