import Serving
import Tensors
import TestSupport
import Testing

@testable import ModelFiles

private func read(_ text: String, folder: String = "/none") throws -> ModelConfiguration {
  try TritonConfiguration.read(
    text: Array("sequence_batching {\n\(text)\n}".utf8), model: "m", folder: folder)
}

@Test func whatAModelIsToldOfSequencesIsRead() throws {
  let folder = try TemporaryFolder()
  try folder.write("initial_state/s.raw", "\u{1}\u{0}\u{0}\u{0}\u{2}\u{0}\u{0}\u{0}")
  let configuration = try read(
    """
    max_sequence_idle_microseconds: 5000
    oldest { max_candidate_sequences: 4 }
    control_input [
      { name: "START" control [ { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } ] },
      { name: "READY" control { kind: CONTROL_SEQUENCE_READY fp32_false_true: [ -1.5, 2 ] } },
      { name: "END" control { kind: CONTROL_SEQUENCE_END bool_false_true: false bool_false_true: true } },
      { name: "ID" control [ { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } ] }
    ]
    state { input_name: "a" output_name: "b" data_type: TYPE_INT32 dims: 2
      initial_state { data_type: TYPE_INT32 dims: 2 data_file: "s.raw" name: "first" } }
    """, folder: folder.path)
  let settings = try #require(configuration.sequences)
  #expect(settings.idle == 5_000_000)
  #expect(settings.controls.map(\.signal) == [.start, .ready, .end, .id])
  #expect(settings.controls.map(\.datatype) == [.int32, .fp32, .bool, .uint64])
  #expect(settings.controls[1].off == -1.5 && settings.controls[1].on == 2)
  #expect(settings.controls[2].off == 0 && settings.controls[2].on == 1)
  var state = SequenceSettings.State(input: "a", output: "b", datatype: .int32, dimensions: [2])
  state.initial = [1, 0, 0, 0, 2, 0, 0, 0]
  #expect(settings.states == [state])
  #expect(configuration.notes.count == 1 && configuration.notes[0].contains("'sequence_batching.oldest'"))
}

@Test(arguments: [
  ("control_input { name: \"a\" }", "expected name and control"),
  ("control_input { name: \"a\" control { kind: CONTROL_SEQUENCE_START } }", "with two values"),
  ("control_input { name: \"a\" control { kind: CONTROL_SEQUENCE_NEXT } }", "CONTROL_SEQUENCE_CORRID, got"),
  (
    "control_input { name: \"a\" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_FP32 } }",
    "an integer of 32 or 64 bits"
  ),
  ("state { input_name: \"a\" data_type: TYPE_INT32 }", "expected input_name, output_name"),
  (
    "state { input_name: \"a\" output_name: \"b\" data_type: TYPE_INT32 initial_state { data_file: \"../x\" } }",
    "a file in the folder /none/initial_state"
  ),
  ("iterative_sequence: true", "is not supported: a request is executed once"),
])
func whatCannotBeSaidOfSequencesIsRefused(_ text: String, _ expected: String) {
  let fault = #expect(throws: ConfigurationFault.self) { try read(text) }
  #expect("\(fault.map { "\($0)" } ?? "")".contains(expected), "\(fault.map { "\($0)" } ?? "")")
}
