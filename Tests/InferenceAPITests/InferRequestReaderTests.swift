import Tensors
import Testing

@testable import InferenceAPI

private func read(_ text: String, limits: APILimits = APILimits()) throws -> InferRequest {
  try withBytes(of: text) {
    var reader = InferRequestReader(
      text: UnsafeRawBufferPointer($0), blobs: .none, model: "m", limits: limits)
    return try reader.read()
  }
}

private func refusal(_ text: String, limits: APILimits = APILimits()) -> APIFailure? {
  do {
    _ = try read(text, limits: limits)
    return nil
  } catch {
    return error as? APIFailure
  }
}

@Suite struct InferRequestReaderTests {
  @Test func readsEveryMemberOfARequest() throws {
    let request = try read(
      """
      {"id":"a\\"b","parameters":{"timeout":5,"binary_data_output":true,"mode":"fast"},
       "inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2.5,-3,4e2]},
                 {"name":"s","shape":[2],"datatype":"BYTES","data":["ab",""]}],
       "outputs":[{"name":"y"},{"name":"z","parameters":{"binary_data":false}}]}
      """)
    #expect(request.id == "a\"b")
    #expect(request.timeout == 5000)
    #expect(request.parameters == #"{"timeout":5,"binary_data_output":true,"mode":"fast"}"#)
    #expect(request.inputs.map(\.name) == ["x", "s"])
    #expect(request.inputs[0].shape == [2, 2])
    #expect(request.inputs[0].floatValues == [1, 2.5, -3, 400])
    #expect(request.inputs[1].stringValues == ["ab", ""])
    #expect(request.prefersBinaryOutputs)
    #expect(request.outputs.map(\.name) == ["y", "z"])
    #expect(request.outputs.map(\.isBinary) == [nil, false])
  }

  @Test func dataMayComeBeforeShapeAndDatatypeAndName() throws {
    let request = try read(
      #"{"inputs":[{"data":[[1,2],[3,4]],"shape":[2,2],"datatype":"INT32","name":"x"}]}"#)
    #expect(request.inputs[0].name == "x")
    #expect(Array(request.inputs[0].elements(as: Int32.self)) == [1, 2, 3, 4])
  }

  @Test func theNameMayComeLast() throws {
    let request = try read(#"{"inputs":[{"shape":[1],"datatype":"FP32","data":[7],"name":"late"}]}"#)
    #expect(request.inputs[0].name == "late")
  }

  @Test func scalarsBooleansAndHalvesAreRead() throws {
    let request = try read(
      """
      {"inputs":[{"name":"a","shape":[],"datatype":"FP32","data":[3]},
                 {"name":"b","shape":[3],"datatype":"BOOL","data":[true,0,1]},
                 {"name":"c","shape":[2],"datatype":"FP16","data":[1.5,-2]}]}
      """)
    #expect(request.inputs[0].shape == [])
    #expect(request.inputs[0].floatValues == [3])
    #expect(Array(request.inputs[1].elements(as: UInt8.self)) == [1, 0, 1])
    #expect(Array(request.inputs[2].elements(as: UInt16.self)) == [0x3e00, 0xc000])
  }

  @Test func anEmptyTensorIsRead() throws {
    let request = try read(#"{"inputs":[{"name":"x","shape":[0,4],"datatype":"FP32","data":[]}]}"#)
    #expect(request.inputs[0].shape == [0, 4])
  }

  @Test func unknownMembersAreSkipped() throws {
    let request = try read(
      #"{"future":{"a":[1]},"inputs":[{"name":"x","shape":[1],"datatype":"INT8","data":[-1],"note":null}]}"#)
    #expect(request.inputs.count == 1)
  }

  @Test func aTimeoutBeyondTheClockIsNoOverflow() throws {
    let request = try read(#"{"parameters":{"timeout":9223372036854775807},"inputs":[]}"#)
    #expect(request.timeout == Int64.max)
    #expect(APILimits().deadline(now: 1, timeout: request.timeout) == 0)
  }

  /// A request, and what its refusal must say.
  static let refusals: [(String, [String])] = [
    ("", ["failed to parse the request JSON buffer", "offset 0", "line 1, column 1"]),
    ("[1]", ["failed to parse the request JSON buffer", "object"]),
    ("{\"inputs\":[\n  {,\n", ["failed to parse the request JSON buffer", "line 2", "in inputs[0]"]),
    (
      #"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,"#,
      ["failed to parse the request JSON buffer", "line 1, column 64", "in inputs[0].data"]
    ),
    (#"{"inputs":[]} x"#, ["failed to parse the request JSON buffer", "offset 14"]),
    (#"{"id":"1"}"#, ["Unable to parse 'inputs'"]),
    (#"{"id":7,"inputs":[]}"#, ["Unable to parse 'id'", "string"]),
    (#"{"inputs":[],"inputs":[]}"#, ["inputs", "twice"]),
    (#"{"inputs":{}}"#, ["Unable to parse 'inputs'", "array"]),
    (#"{"inputs":[{"shape":[1],"datatype":"FP32","data":[1]}]}"#, ["inputs[0]", "'name' is missing"]),
    (#"{"inputs":[{"name":"x","shape":[1],"data":[1]}]}"#, ["inputs[0]", "'datatype'", "is missing"]),
    (#"{"inputs":[{"name":"x","datatype":"FP32","data":[1]}]}"#, ["inputs[0]", "'shape'", "is missing"]),
    (
      #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32"}]}"#,
      ["Input must set only one of the following fields", "But no field is set", "inputs[0]"]
    ),
    (
      #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1],"parameters":{"binary_data_size":4}}]}"#,
      ["Input must set only one", "'data', 'binary_data_size'"]
    ),
    (
      #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}"#,
      ["must specify valid 'Infer-Header-Content-Length'", "inputs[0]"]
    ),
    (
      #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":{"shared_memory_region":"r"}}]}"#,
      ["inputs[0]", "shared memory is not enabled"]
    ),
    (
      #"{"inputs":[{"name":"x","shape":[1],"datatype":"FLOAT","data":[1]}]}"#,
      ["inputs[0].datatype", "'FLOAT' is not a datatype", "FP32"]
    ),
    (#"{"inputs":[{"name":"x","shape":[-1],"datatype":"FP32","data":[1]}]}"#, ["Unable to parse 'shape'"]),
    (#"{"inputs":[{"name":"x","shape":[1.5],"datatype":"FP32","data":[1]}]}"#, ["Unable to parse 'shape'"]),
    (
      #"{"inputs":[{"name":"x","shape":[1,1,1,1,1,1,1,1,1],"datatype":"FP32","data":[1]}]}"#,
      ["inputs[0].shape", "at most 8 dimensions"]
    ),
    (
      #"{"inputs":[{"name":"x","shape":[9223372036854775807,2],"datatype":"FP32","data":[1]}]}"#,
      ["inputs[0].shape", "too large"]
    ),
    (
      #"{"inputs":[{"name":"x","shape":[1000000000000],"datatype":"FP32","data":[1]}]}"#,
      ["Shape does not match true shape of 'data' field", "1000000000000"]
    ),
    (
      #"{"inputs":[{"data":[1],"name":"x","shape":[1000000000000],"datatype":"FP32"}]}"#,
      ["Shape does not match true shape of 'data' field", "1000000000000"]
    ),
    (
      #"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,"a"]}]}"#,
      ["Unable to parse 'data'", "inputs[0].data[1]", "FP32", "string"]
    ),
    (
      #"{"inputs":[{"data":[1,"a"],"name":"x","shape":[2],"datatype":"FP32"}]}"#,
      ["Unable to parse 'data'", "inputs[0].data[1]", "line 1, column 23"]
    ),
    (
      #"{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[1,2]}]}"#,
      ["Unable to parse 'data': Shape does not match true shape of 'data' field", "[3]"]
    ),
    (#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1,2]}]}"#, ["Unable to parse 'data'"]),
    (
      #"{"inputs":[{"name":"x","shape":[1],"datatype":"UINT8","data":[300]}]}"#,
      ["inputs[0].data[0]", "UINT8"]
    ),
    (#"{"parameters":{"triton_x":1},"inputs":[]}"#, ["starting with 'triton_' are reserved", "triton_x"]),
    (#"{"parameters":{"a":[1]},"inputs":[]}"#, ["parameters.a", "array"]),
    (#"{"parameters":{"timeout":-1},"inputs":[]}"#, ["parameters.timeout"]),
    (#"{"parameters":[],"inputs":[]}"#, ["Unable to parse 'parameters'", "object"]),
    (#"{"inputs":[],"outputs":[{}]}"#, ["outputs[0]", "'name' is missing"]),
    (
      #"{"inputs":[],"outputs":[{"name":"y","parameters":{"classification":3,"shared_memory_region":"r"}}]}"#,
      ["outputs[0]", "shared memory can't be set for class output"]
    ),
    (
      #"{"inputs":[],"outputs":[{"name":"y","parameters":{"shared_memory_region":"r"}}]}"#,
      ["outputs[0]", "shared memory is not enabled"]
    ),
  ]

  @Test(arguments: refusals) func refusesWithStatus400AndThePlace(_ text: String, _ words: [String]) throws {
    let failure = try #require(refusal(text))
    #expect(failure.status == 400)
    for word in words { #expect(failure.message.contains(word), "\(failure.message)") }
  }

  @Test func depthTensorsNamesAndParametersHaveLimits() throws {
    let deep = #"{"x":"# + String(repeating: "[", count: 100_000)
    #expect(refusal(deep)?.status == 400)
    var limits = APILimits()
    limits.maximumTensors = 1
    let input = #"{"name":"x","shape":[1],"datatype":"FP32","data":[1]}"#
    #expect(
      refusal("{\"inputs\":[\(input),\(input)]}", limits: limits)?.message.contains("at most 1") == true)
    limits.maximumNameLength = 3
    #expect(refusal(#"{"id":"abcd","inputs":[]}"#, limits: limits)?.message.contains("at most 3") == true)
    limits.maximumParameterBytes = 8
    let parameters = refusal(#"{"parameters":{"abc":"def"},"inputs":[]}"#, limits: limits)
    #expect(parameters?.message.contains("at most 8") == true)
  }

  @Test func everyPrefixOfARequestIsRefused() {
    let text =
      #"{"id":"1","inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"y"}]}"#
    for length in 0..<text.utf8.count {
      #expect(refusal(String(text.prefix(length)))?.status == 400, "\(text.prefix(length))")
    }
  }
}
