import Foundation
import Tensors
import TestSupport
import Testing

/// Models with Triton's `sequence_batching`: what they are told of sequences, and what they remember.
@Suite struct SequenceTests {
  /// `OUTPUT` is the sum of a sequence's inputs, plus 1 for its first request.
  private static func model() -> OnnxModelBuilder {
    var builder = OnnxModelBuilder(opset: 17)
    for name in ["INPUT", "START", "TOTAL"] { builder.input(name, .int32, ["n", 1]) }
    builder.node("Add", ["TOTAL", "INPUT"], ["NEXT"])
    builder.node("Add", ["NEXT", "START"], ["OUTPUT"])
    for name in ["OUTPUT", "NEXT"] { builder.output(name, .int32, ["n", 1]) }
    return builder
  }

  private static let configuration = """
    name: "sum"
    platform: "onnxruntime_onnx"
    max_batch_size: 8
    input { name: "INPUT" data_type: TYPE_INT32 dims: 1 }
    output { name: "OUTPUT" data_type: TYPE_INT32 dims: 1 }
    sequence_batching {
      max_sequence_idle_microseconds: 60000000
      control_input { name: "START" control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } }
      state { input_name: "TOTAL" output_name: "NEXT" data_type: TYPE_INT32 dims: 1 }
    }
    """

  private let server: ServerProcess
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("sum/1/model.onnx", Data(Self.model().bytes()))
    try folder.write("sum/config.pbtxt", Self.configuration)
    server = try ServerProcess(models: [folder.path])
  }

  private func ask(_ value: Int, _ parameters: String) throws -> HTTPResponse {
    try server.post(
      "/v2/models/sum/infer",
      #"{"parameters":{\#(parameters)},"inputs":[{"name":"INPUT","shape":[1,1],"datatype":"INT32","data":[\#(value)]}]}"#
    )
  }

  private func sums(_ answer: HTTPResponse) -> [Int]? {
    let outputs = answer.object["outputs"] as? [[String: Any]]
    #expect(outputs?.count == 1, "\(answer.text)")
    return outputs?.first?["data"] as? [Int]
  }

  @Test func clientsDoNotSeeWhatTheServerAdds() throws {
    let metadata = try server.get("/v2/models/sum").object
    #expect((metadata["inputs"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["INPUT"])
    #expect((metadata["outputs"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["OUTPUT"])
    let configuration = try server.get("/v2/models/sum/config").object
    let sequences = configuration["sequence_batching"] as? [String: Any]
    #expect(sequences?["max_sequence_idle_microseconds"] as? Int == 60_000_000)
    #expect((try server.get("/v2").object["extensions"] as? [String])?.contains("sequence") == true)
  }

  @Test func sequencesRememberAndDoNotMix() throws {
    #expect(sums(try ask(20, #""sequence_id":7,"sequence_start":true"#)) == [21])
    #expect(sums(try ask(100, #""sequence_id":"seven","sequence_start":true"#)) == [101])
    #expect(sums(try ask(5, #""sequence_id":7"#)) == [25])
    #expect(sums(try ask(1, #""sequence_id":"seven","sequence_end":true"#)) == [101])
    #expect(sums(try ask(6, #""sequence_id":7,"sequence_end":true"#)) == [31])
    #expect(try ask(1, #""sequence_id":7"#).status == 400)
  }

  @Test(arguments: [
    "", #""sequence_id":0,"sequence_start":true"#, #""sequence_id":"","sequence_start":true"#,
    #""sequence_id":-1,"sequence_start":true"#, #""sequence_id":3"#,
    #""sequence_id":3,"sequence_start":"yes""#,
  ])
  func aRequestThatIsNoStepOfASequenceIsRefused(_ parameters: String) throws {
    #expect(try ask(1, parameters).status == 400)
  }
}
