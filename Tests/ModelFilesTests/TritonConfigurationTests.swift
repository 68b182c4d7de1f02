import Foundation
import Serving
import Tensors
import TestSupport
import Testing

@testable import ModelFiles

private func read(_ text: String, folder: String = "/none") throws -> ModelConfiguration {
  try TritonConfiguration.read(text: Array(text.utf8), model: "m", folder: folder)
}

private func fault(_ text: String) -> String {
  do {
    _ = try read(text)
    return ""
  } catch {
    return "\(error)"
  }
}

@Test func everythingAboutTensorsAndBatchesIsRead() throws {
  let configuration = try read(
    """
    name: "m"  # a comment
    platform: "onnxruntime_onnx"
    max_batch_size: 8
    input [
      { name: "a" data_type: TYPE_FP32 dims: [ 3, 4 ] reshape { shape: [ 12 ] } },
      { name: 'b', data_type: TYPE_STRING; dims: 1 dims: -1 }
    ]
    output { name: "y" data_type: TYPE_INT64 dims: [ ] }
    version_policy: { specific { versions: [1, 0x10] } }
    instance_group [ { count: 2 kind: KIND_CPU }, { count: 1 } ]
    dynamic_batching {
      preferred_batch_size: [ 4, 8 ]
      max_queue_delay_microseconds: 100
      priority_levels: 2 default_priority_level: 2
      default_queue_policy { max_queue_size: 7 }
      priority_queue_policy { key: 1 value { timeout_action: DELAY default_timeout_microseconds: 5
        allow_timeout_override: true max_queue_size: 9 } }
    }
    parameters { key: "k" value: { string_value: "a\\n\\"b\\"" 'c' } }
    """)
  #expect(configuration.plugin == "onnx" && configuration.platform == "onnxruntime_onnx")
  #expect(configuration.maximumBatch == 8 && configuration.instances == 3)
  #expect(configuration.inputs.map(\.name) == ["a", "b"])
  #expect(configuration.inputs[0].reshaped == [12])
  #expect(configuration.inputs[1].datatype == .bytes && configuration.inputs[1].dimensions == [1, -1])
  #expect(configuration.outputs[0].datatype == .int64 && configuration.outputs[0].dimensions == [])
  #expect(configuration.versionPolicy == .specific([1, 16]))
  let batching = try #require(configuration.batching)
  #expect(batching.maximumDelay == 100_000 && batching.defaultLevel == 2)
  #expect(batching.levels.map(\.maximumSize) == [9, 7])
  #expect(batching.levels[0].timeoutAction == .delay && batching.levels[0].timeout == 5000)
  #expect(configuration.parameters == #"{"k":"a\n\"b\"c"}"#)
  #expect(
    configuration.notes == [
      "line 12: 'dynamic_batching.preferred_batch_size' has no effect: the size that is served fastest is measured"
    ])
}

@Test func warmUpsAndLabelsAreRead() throws {
  let folder = try TemporaryFolder()
  try folder.write("labels.txt", "cat\ndog\n")
  let configuration = try read(
    """
    output { name: "y" data_type: TYPE_FP32 dims: 2 label_filename: "labels.txt" }
    model_warmup {
      name: "one" batch_size: 2 count: 3
      inputs { key: "x" value { data_type: TYPE_FP32 dims: 4 random_data: true } }
      inputs { key: "z" value { data_type: TYPE_INT32 dims: 1 input_data_file: "z.raw" } }
    }
    """, folder: folder.path)
  #expect(configuration.outputs[0].labels == ["cat", "dog"])
  let warmUp = try #require(configuration.warmUps.first)
  #expect(warmUp.batchSize == 2 && warmUp.count == 3)
  #expect(warmUp.inputs.map(\.filling) == [.random, .file(path: folder.path + "/warmup/z.raw")])
}

@Test func sequencesAreRead() throws {
  let configuration = try read(
    """
    sequence_batching {
      max_sequence_idle_microseconds: 5000000
      oldest { max_candidate_sequences: 64 max_queue_delay_microseconds: 7 }
      control_input [
        { name: "S" control [ { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1.5 ] } ] },
        { name: "E" control { kind: CONTROL_SEQUENCE_END int32_false_true: 0 int32_false_true: 1 } },
        { name: "R" control { kind: CONTROL_SEQUENCE_READY bool_false_true: [ false, true ] } },
        { name: "C" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } }
      ]
      state [ { input_name: "i" output_name: "o" data_type: TYPE_FP32 dims: [ 2, 3 ]
        initial_state { data_type: TYPE_FP32 dims: [ 2, 3 ] zero_data: true name: "zeros" } } ]
    }
    """)
  let sequences = try #require(configuration.sequences)
  #expect(sequences.maximumIdle == 5_000_000_000 && sequences.maximumSequences == 64)
  #expect(configuration.batching?.maximumDelay == 7000)
  #expect(
    sequences.controls == [
      SequenceControl(name: "S", kind: .start, datatype: .fp32, values: [0, 1.5]),
      SequenceControl(name: "E", kind: .end, datatype: .int32, values: [0, 1]),
      SequenceControl(name: "R", kind: .ready, datatype: .bool, values: [0, 1]),
      SequenceControl(name: "C", kind: .id, datatype: .uint64, values: []),
    ])
  #expect(
    sequences.states == [SequenceState(input: "i", output: "o", datatype: .fp32, dimensions: [2, 3])])
  #expect(configuration.notes == [])
}

@Test func whatHasNoEffectIsSaidWithItsLine() throws {
  let configuration = try read(
    """
    frobnicate { deep { deeper: [ 1, 2 ] } }
    optimization { graph { level: 1 } }
    response_cache { enable: true }
    dynamic_batching {
      preserve_ordering: true
      twist: 1
    }
    instance_group { kind: KIND_GPU gpus: [ 0 ] }
    """)
  #expect(configuration.notes.count == 6, "\(configuration.notes)")
  #expect(configuration.cacheBytes == 64 << 20)
  #expect(configuration.notes[0] == "line 1: 'frobnicate' is no setting that is known, and has no effect")
  #expect(configuration.notes[1].hasPrefix("line 2: 'optimization' has no effect: "))
  #expect(configuration.notes[3].hasPrefix("line 6: 'dynamic_batching.twist'"))
}

@Test(arguments: [
  ("max_batch_size: -1", "line 1: 'max_batch_size' expected a whole number from 0 to 2147483647, got '-1'"),
  ("\nname: \"other\"", "line 2: 'name' expected \"m\", the name of the model's folder, got \"other\""),
  ("input { name: \"x\" }", "'input[0]': expected name, data_type"),
  ("input { name: \"x\" data_type: FP32 }", "'input[0].data_type' expected TYPE_FP32"),
  ("version_policy { newest { } }", "expected one of latest, all and specific"),
  ("sequence_batching { control_input { name: \"s\" } }", "expected a name and one control"),
  (
    "sequence_batching { control_input { name: \"s\" control { kind: CONTROL_SEQUENCE_START } } }",
    "expected two values"
  ),
  ("sequence_batching { state { input_name: \"i\" } }", "expected input_name, output_name, data_type"),
  (
    "sequence_batching { oldest { max_candidate_sequences: 0 } }", "expected a whole number from 1 to 1000000"
  ),
  ("dynamic_batching { priority_queue_policy { key: 3 value { } } }", "above priority_levels, which is 0"),
  ("output { name: \"y\" label_filename: \"../secret\" }", "expected a file in the model's folder"),
  ("input {", "line 1: 'input' of line 1 is not closed"),
  ("name", "line 1: expected ':' or '{' after 'name'"),
  ("name: \"a", "line 1: a text in quotes is not closed"),
  ("name: \"\\q\"", "is no escape"),
  ("a: }", "expected a value, got '}'"),
  ("}", "expected the name of a field, got '}'"),
  ("a: [1 2]", "expected ',' or ']' in a list"),
  ("ensemble_scheduling { }", "is not supported"),
])
func whatIsWrongIsSaidWithItsLine(_ text: String, _ expected: String) {
  let fault = fault(text)
  #expect(fault.contains(expected), "\(fault)")
}

@Test func textsThatNestOrGrowWithoutEndAreRefused() {
  #expect(fault(String(repeating: "a {", count: 100_000)).contains("more than 32 deep"))
  #expect(fault(String(repeating: "a: [ {", count: 100_000)).contains("more than 32 deep"))
  #expect(fault(String(repeating: "a:1 ", count: 200_000)).contains("more than 100000 fields"))
}

@Test func noTextTrapsTheReader() throws {
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  let pieces = [
    "input", "{", "}", "[", "]", ":", "<", ">", ",", "\"", "'", "\\", "\n", " ", "1", "-", "x", "#", "dims",
    "\\x4", "\\777",
    "\u{0}", "é", "name: \"m\"", "input { name: \"x\" data_type: TYPE_FP32 dims: [1] }",
  ]
  for _ in 0..<20_000 {
    let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in pieces.randomElement(using: &random)! }
      .joined()
    // Either is fine; what counts is that it returns.
    _ = try? read(text)
  }
}

@Test func aSentConfigurationIsReadAsJSON() throws {
  let configuration = try ConfigurationFiles().configuration(
    ofModel: "m", in: "/none",
    text: """
      {"name": "m", "backend": "onnxruntime", "maxBatchSize": 4, "version_policy": {"latest": {"num_versions": 2}},
       "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": ["3", 4]}],
       "parameters": {"k": {"string_value": "v"}}, "instance_group": [{"count": 2}]}
      """)
  #expect(configuration.maximumBatch == 4 && configuration.versionPolicy == .latest(2))
  #expect(configuration.inputs.first?.dimensions == [3, 4])
  #expect(configuration.parameters == #"{"k":"v"}"# && configuration.instances == 2)
  #expect(throws: ConfigurationFault.self) {
    try ConfigurationFiles().configuration(ofModel: "m", in: "/none", text: "[]")
  }
}

@Test func ownSettingsChangeThoseOfTriton() throws {
  let folder = try TemporaryFolder()
  try folder.write("config.pbtxt", "max_batch_size: 8 what: 1")
  try folder.write("model.json", #"{"max_batch": 2, "labels": {"stable": 1}, "default_version": 1}"#)
  let configuration = try ConfigurationFiles().configuration(ofModel: "m", in: folder.path)
  #expect(configuration.maximumBatch == 2)
  #expect(configuration.versionLabels == ["stable": 1] && configuration.defaultVersion == 1)
  #expect(
    configuration.notes == ["config.pbtxt: line 1: 'what' is no setting that is known, and has no effect"])
}

@Test func coresAndPadValuesAreRead() throws {
  let folder = try TemporaryFolder()
  try folder.write("model.json", #"{"cores": 3, "pad_values": {"ids": 0, "scores": -0.5}}"#)
  let configuration = try ConfigurationFiles().configuration(ofModel: "m", in: folder.path)
  #expect(configuration.cores == 3 && configuration.padValues == ["ids": 0, "scores": -0.5])
}

@Test func aModelListIsRead() throws {
  let models = try ModelList.read(
    text: Array(
      """
      model_config_list {
        config { name: "half" base_path: "/models/half/" model_platform: "tensorflow"
          model_version_policy { specific { versions: 42 versions: 43 } }
          version_labels { key: "stable" value: 42 }
          version_labels { key: "canary" value: 43 } }
        config { name: "other" base_path: "near/other" }
      }
      """.utf8), path: "/etc/models.config")
  #expect(models.map(\.name) == ["half", "other"])
  #expect(models.map(\.path) == ["/models/half", "/etc/near/other"])
  #expect(models[0].versionPolicy == .specific([42, 43]))
  #expect(models[0].versionLabels == ["stable": 42, "canary": 43])
  #expect(models[1].versionPolicy == nil)
}

@Test func batchingParametersAreRead() throws {
  let file = try BatchingParametersFile(
    text: Array(
      """
      max_batch_size { value: 128 }
      batch_timeout_micros { value: 500 }
      max_enqueued_batches { value: 10 }
      num_batch_threads { value: 4 }
      allowed_batch_sizes: 32
      allowed_batch_sizes: 128
      pad_variable_length_inputs: true
      """.utf8))
  #expect(file.maximumBatch == 128 && file.threads == 4)
  #expect(file.batching.maximumDelay == 500_000 && file.batching.maximumEnqueuedBatches == 10)
  #expect(file.notes.count == 2 && file.notes[0].contains("line 7: 'pad_variable_length_inputs'"))
  #expect(file.notes[1].contains("line 5: 'allowed_batch_sizes'"))
}
