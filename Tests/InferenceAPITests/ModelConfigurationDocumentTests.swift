import JSON
import PluginHost
import Serving
import Tensors
import Testing

@testable import InferenceAPI

private func document(_ configure: (inout ModelConfiguration) -> Void) throws -> JSONValue {
  var configuration = ModelConfiguration()
  configure(&configuration)
  let description = try #require(FakeModels.simple.description)
  let model = FakeModel("simple", description: description, configuration: configuration)
  return ModelConfigurationDocument(model: model, description: description).document
}

@Test func theConfigurationOfAModelWithoutOneIsItsDescriptions() throws {
  let document = try document { _ in }
  #expect(document["max_batch_size"] == 8)
  #expect(document["version_policy"] == ["latest": ["num_versions": 1]])
  #expect(document["backend"] == "fake" && document["parameters"] == [:])
  #expect(document["dynamic_batching"]?["max_queue_delay_microseconds"] == 0)
}

@Test func theConfigurationTellsWhatTheOperatorSaid() throws {
  let document = try document { configuration in
    configuration.plugin = "onnx"
    configuration.maximumBatch = 4
    configuration.instances = 3
    configuration.versionPolicy = .specific([1, 3])
    configuration.parameters = #"{"threads":"2","deep":{"a":1}}"#
    var batching = BatchingSettings()
    batching.maximumDelay = 100_000
    batching.defaultLevel = 2
    var urgent = QueueSettings()
    urgent.timeoutAction = .delay
    urgent.timeout = 5000
    urgent.maximumSize = 7
    batching.levels = [urgent, QueueSettings()]
    configuration.batching = batching
  }
  #expect(document["backend"] == "onnx" && document["max_batch_size"] == 4)
  #expect(
    document["instance_group"] == [
      ["name": "simple", "kind": "KIND_CPU", "count": 3, "gpus": []]
    ])
  #expect(document["version_policy"] == ["specific": ["versions": [1, 3]]])
  #expect(
    document["parameters"] == ["threads": ["string_value": "2"], "deep": ["string_value": #"{"a":1}"#]])
  let batching = try #require(document["dynamic_batching"])
  #expect(batching["max_queue_delay_microseconds"] == 100 && batching["default_priority_level"] == 2)
  #expect(batching["priority_levels"] == 2)
  #expect(
    batching["priority_queue_policy"]?["1"] == [
      "timeout_action": "DELAY", "default_timeout_microseconds": 5, "allow_timeout_override": true,
      "max_queue_size": 7,
    ])
}

@Test func aConfiguredBatchOfNoneIsNone() throws {
  #expect(try document { $0.maximumBatch = 1000 }["max_batch_size"] == 8)
  #expect(try document { $0.maximumBatch = 1 }["max_batch_size"] == 1)
}

@Test func theConfigurationOfAModelThatStacksNothingTellsTheBatchItsOperatorDid() throws {
  var configuration = ModelConfiguration()
  configuration.maximumBatch = 8
  var settings = TensorSettings(name: "y", datatype: .fp32, dimensions: [3])
  settings.labelFile = "labels.txt"
  configuration.outputs = [settings]
  configuration.parameters = #"{"default_model_filename":"a.onnx","k":"v"}"#
  configuration.warmUps = [
    WarmUp(
      name: "w", batchSize: 2,
      inputs: [
        .init(name: "x", datatype: .fp32, dimensions: [3], filling: .file(path: "/models/m/warmup/x.bin"))
      ])
  ]
  var sequences = SequenceSettings()
  sequences.controls = [
    SequenceControl(name: "START", kind: .start, datatype: .int32),
    SequenceControl(name: "ID", kind: .id, datatype: .uint64, values: []),
  ]
  sequences.states = [SequenceState(input: "a", output: "b", datatype: .fp32, dimensions: [1])]
  configuration.sequences = sequences
  let description = describe(
    inputs: [spec("x", .fp32, [-1, 3])], outputs: [spec("y", .fp32, [-1, 3])], maximumBatch: 1)
  func document(_ configuration: ModelConfiguration) -> JSONValue {
    let model = FakeModel("m", description: description, configuration: configuration)
    return ModelConfigurationDocument(model: model, description: description).document
  }
  let told = document(configuration)
  #expect(told["max_batch_size"] == 8)
  guard case .array(let outputs)? = told["output"] else { throw TestServer.Fault(what: "no outputs") }
  #expect(outputs[0]["dims"] == [3] && outputs[0]["label_filename"] == "labels.txt")
  #expect(told["default_model_filename"] == "a.onnx" && told["parameters"] == ["k": ["string_value": "v"]])
  #expect(
    told["model_warmup"] == [
      [
        "name": "w", "batch_size": 2, "count": 1,
        "inputs": ["x": ["data_type": "TYPE_FP32", "dims": [3], "input_data_file": "x.bin"]],
      ]
    ])
  #expect(
    told["sequence_batching"]?["control_input"] == [
      ["name": "START", "control": [["kind": "CONTROL_SEQUENCE_START", "int32_false_true": [0, 1]]]],
      ["name": "ID", "control": [["kind": "CONTROL_SEQUENCE_CORRID", "data_type": "TYPE_UINT64"]]],
    ])
  #expect(document(ModelConfiguration())["max_batch_size"] == 0)
}
