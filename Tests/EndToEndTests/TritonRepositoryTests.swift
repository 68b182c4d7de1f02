import Foundation
import Tensors
import TestSupport
import Testing

/// Triton's example repository: the models of its own clients' examples, with the configurations they come with.
final class TritonRepository {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try write(
      "simple", SumAndDifference.model(.int32), SumAndDifference.configuration("simple", "TYPE_INT32"))
    try write(
      "identity_fp32", TritonRepository.identity(.fp32),
      TritonRepository.identity("TYPE_FP32", "identity_fp32"))
    try write(
      "identity_bytes", TritonRepository.identity(.bytes),
      TritonRepository.identity("TYPE_STRING", "identity_bytes"))
  }

  func write(_ name: String, _ model: OnnxModelBuilder, _ configuration: String) throws {
    try folder.write("\(name)/1/model.onnx", Data(model.bytes()))
    try folder.write("\(name)/config.pbtxt", configuration)
  }

  static func identity(_ datatype: Datatype) -> OnnxModelBuilder {
    var builder = OnnxModelBuilder(opset: 17)
    builder.input("INPUT0", datatype, ["n", "m"])
    builder.node("Identity", ["INPUT0"], ["OUTPUT0"])
    builder.output("OUTPUT0", datatype, ["n", "m"])
    return builder
  }

  static func identity(_ type: String, _ name: String) -> String {
    """
    name: "\(name)"
    backend: "onnxruntime"
    max_batch_size: 64
    input [ { name: "INPUT0" data_type: \(type) dims: [ -1 ] } ]
    output [ { name: "OUTPUT0" data_type: \(type) dims: [ -1 ] } ]
    instance_group [ { count: 1 kind: KIND_CPU } ]
    """
  }
}

/// `OUTPUT0 = INPUT0 + INPUT1`, `OUTPUT1 = INPUT0 - INPUT1`.
enum SumAndDifference {
  static func model(_ datatype: Datatype) -> OnnxModelBuilder {
    var builder = OnnxModelBuilder(opset: 17)
    for name in ["INPUT0", "INPUT1"] { builder.input(name, datatype, ["n", 16]) }
    builder.node("Add", ["INPUT0", "INPUT1"], ["OUTPUT0"])
    builder.node("Sub", ["INPUT0", "INPUT1"], ["OUTPUT1"])
    for name in ["OUTPUT0", "OUTPUT1"] { builder.output(name, datatype, ["n", 16]) }
    return builder
  }

  /// The same of numbers as text.
  static var textModel: OnnxModelBuilder {
    var builder = OnnxModelBuilder(opset: 17)
    for name in ["INPUT0", "INPUT1"] {
      builder.input(name, .bytes, ["n", "m"])
      builder.node("Cast", [name], ["number of " + name], ["to": .int(6)])
    }
    for (index, operation) in ["Add", "Sub"].enumerated() {
      builder.node(operation, ["number of INPUT0", "number of INPUT1"], ["result \(index)"])
      builder.node("Cast", ["result \(index)"], ["OUTPUT\(index)"], ["to": .int(8)])
      builder.output("OUTPUT\(index)", .bytes, ["n", "m"])
    }
    return builder
  }

  static func configuration(_ name: String, _ type: String) -> String {
    """
    name: "\(name)"
    platform: "onnxruntime_onnx"
    max_batch_size: 8
    input [
      { name: "INPUT0" data_type: \(type) dims: [ 16 ] },
      { name: "INPUT1" data_type: \(type) dims: [ 16 ] }
    ]
    output [
      { name: "OUTPUT0" data_type: \(type) dims: [ 16 ] },
      { name: "OUTPUT1" data_type: \(type) dims: [ 16 ] }
    ]
    model_warmup { name: "zeros" batch_size: 4
      inputs { key: "INPUT0" value { data_type: \(type) dims: 16 zero_data: true } }
      inputs { key: "INPUT1" value { data_type: \(type) dims: 16 random_data: true } } }
    """
  }

  /// A request of one row, 0 to 15 and ones.
  static let request =
    #"{"id":"7","inputs":[{"name":"INPUT0","shape":[1,16],"datatype":"INT32","data":[[0,1,2,3,4,5,6,7,8,9,10,11,"#
    + #"12,13,14,15]]},{"name":"INPUT1","shape":[1,16],"datatype":"INT32","data":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}]}"#
}

@Suite struct TritonRepositoryTests {
  @Test func anExampleRepositoryIsServedAsItIs() throws {
    let repository = try TritonRepository()
    let server = try ServerProcess(models: [repository.folder.path])
    #expect(try server.get("/readyz").status == 200, "\(server.log)")
    let metadata = try server.get("/v2/models/simple").object
    #expect((metadata["inputs"] as? [[String: Any]])?.first?["shape"] as? [Int] == [-1, 16])
    let answer = try server.post("/v2/models/simple/infer", SumAndDifference.request)
    let outputs = try #require(answer.object["outputs"] as? [[String: Any]], "\(answer.text)")
    #expect(outputs[0]["data"] as? [Int] == Array(1...16))
    #expect(outputs[1]["data"] as? [Int] == Array(-1...14))
    let echo = try server.post(
      "/v2/models/identity_fp32/infer",
      #"{"inputs":[{"name":"INPUT0","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]}]}"#)
    #expect((echo.object["outputs"] as? [[String: Any]])?.first?["data"] as? [Double] == [1, 2, 3, 4])
    let words = try server.post(
      "/v2/models/identity_bytes/infer",
      #"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"BYTES","data":["ab",""]}]}"#)
    #expect(
      (words.object["outputs"] as? [[String: Any]])?.first?["data"] as? [String] == ["ab", ""],
      "\(words.text)")
  }

  @Test func theFileOfAModelIsFoundWhereTritonFindsIt() throws {
    let folder = try TemporaryFolder()
    let model = Data(TritonRepository.identity(.fp32).bytes())
    try folder.write("named/1/a.onnx", "no model")
    try folder.write("named/1/b.onnx", model)
    try folder.write(
      "named/config.pbtxt", "backend: 'onnxruntime' max_batch_size: 4 default_model_filename: 'b.onnx'")
    try folder.write("folded/1/model.onnx/model.onnx", model)
    let server = try ServerProcess(models: [folder.path])
    for name in ["named", "folded"] {
      let answer = try server.post(
        "/v2/models/\(name)/infer",
        #"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#)
      #expect(answer.status == 200, "\(answer.text)")
    }
    let configuration = try server.get("/v2/models/named/config").object
    #expect(configuration["default_model_filename"] as? String == "b.onnx")
  }

  @Test func aConfigurationThatDoesNotFitIsRefusedByName() throws {
    let repository = try TritonRepository()
    try repository.write(
      "wrong", SumAndDifference.model(.int32), SumAndDifference.configuration("wrong", "TYPE_FP32"))
    let server = try ServerProcess(models: [repository.folder.path])
    let ready = try server.get("/readyz")
    #expect(
      ready.status == 503 && ready.text.contains("'INPUT0' is FP32; the model says INT32"), "\(ready.text)")
    #expect(try server.get("/v2/models/simple/ready").status == 200)
  }

  @Test func aFolderOfTensorFlowServingsIsServedAsItIs() throws {
    let folder = try TemporaryFolder()
    for version in [1, 2, 3] { try folder.copy("models/half_plus_two/1", to: "half/\(version)") }
    try folder.write("half/model.json", #"{"plugin": "half_plus_two"}"#)
    let list = try folder.write(
      "models.config",
      """
      model_config_list {
        config { name: "half_plus_two" base_path: "\(folder.path)/half" model_platform: "tensorflow"
          model_version_policy { specific { versions: 1 versions: 3 } }
          version_labels { key: "stable" value: 1 } }
      }
      """)
    let batching = try folder.write(
      "batching.config", "max_batch_size { value: 16 }\nnum_batch_threads { value: 2 }")
    let server = try ServerProcess(
      models: [],
      arguments: [
        "--model-config-file", list, "--batching-parameters-file", batching, "--poll-seconds", "0.1",
      ])
    let status = try server.get("/v1/models/half_plus_two")
    let versions = status.object["model_version_status"] as? [[String: Any]]
    #expect(versions?.compactMap { $0["version"] as? String } == ["3", "1"], "\(status.text)")
    let answer = try server.post(
      "/v1/models/half_plus_two/versions/1:predict", #"{"instances":[1.0,2.0,5.0]}"#)
    #expect(answer.object["predictions"] as? [Double] == [2.5, 3, 4.5])
    try folder.write("models.config", "model_config_list { }")
    #expect(try server.waits { try server.get("/v1/models/half_plus_two").status == 404 })
  }
}
