import Bytes
import PluginHost
import Tensors
import Testing

@testable import InferenceAPI

private let oneInput = describe(inputs: [spec("x", .fp32, [-1])])
private let twoInputs = describe(inputs: [spec("b", .fp32, [-1, 2]), spec("a", .bytes, [-1])])

private func read(_ text: String, _ description: ModelDescription) throws -> PredictRequest {
  try withBytes(of: text) {
    var reader = PredictRequestReader(
      text: UnsafeRawBufferPointer($0), description: description, limits: APILimits())
    return try reader.read()
  }
}

private func refusal(_ text: String, _ description: ModelDescription) -> APIFailure? {
  do {
    _ = try read(text, description)
    return nil
  } catch {
    return error as? APIFailure
  }
}

@Suite struct PredictRequestTests {
  @Test func plainRowsBecomeOneTensor() throws {
    let request = try read(#"{"signature_name":"","instances":[1.0,2.0,5.0]}"#, oneInput)
    #expect(request.format == .rows)
    #expect(request.inputs[0].name == "x")
    #expect(request.inputs[0].shape == [3])
    #expect(request.inputs[0].floatValues == [1, 2, 5])
    #expect(try read(#"{"instances":[[1,2],[3,4],[5,6]]}"#, oneInput).inputs[0].shape == [3, 2])
  }

  @Test func namedRowsAreStacked() throws {
    let request = try read(
      #"{"instances":[{"a":"p","b":[1,2]},{"b":[3,4],"a":{"b64":"cXE="}}],"signature_name":"serving_default"}"#,
      twoInputs)
    #expect(request.inputs.map(\.name) == ["b", "a"])
    #expect(request.inputs[0].shape == [2, 2])
    #expect(request.inputs[0].floatValues == [1, 2, 3, 4])
    #expect(request.inputs[1].shape == [2])
    #expect(request.inputs[1].stringValues == ["p", "qq"])
  }

  @Test func base64StandsForBytesInEitherForm() throws {
    let bytesInput = describe(inputs: [spec("s", .bytes, [-1])])
    #expect(
      try read(#"{"instances":[{"b64":"YWI="},"c"]}"#, bytesInput).inputs[0].stringValues == ["ab", "c"])
    let scalar = try read(#"{"inputs":{"b64":"YWI="}}"#, bytesInput)
    #expect(scalar.inputs[0].shape == [])
    #expect(scalar.inputs[0].stringValues == ["ab"])
  }

  @Test func columnsKeepTheShapeTheyHave() throws {
    let plain = try read(#"{"inputs":[[1,2],[3,4]]}"#, oneInput)
    #expect(plain.format == .columns)
    #expect(plain.inputs[0].shape == [2, 2])
    #expect(try read(#"{"inputs":3}"#, oneInput).inputs[0].shape == [])
    let named = try read(#"{"inputs":{"a":["p"],"other":[[1],"x"],"b":[[1,2]]}}"#, twoInputs)
    #expect(named.inputs.map(\.name) == ["b", "a"])
    #expect(named.inputs[0].shape == [1, 2])
  }

  @Test func whatFollowsTheDocumentIsIgnored() throws {
    #expect(try read(#"{"instances":[1]} trailing"#, oneInput).inputs.count == 1)
  }

  /// A request, whether the model has two inputs, and how its refusal must begin.
  static let refusals: [(String, Bool, String)] = [
    ("", false, "JSON Parse error: The document is empty"),
    (" \n", false, "JSON Parse error: The document is empty"),
    ("{", false, "JSON Parse error: "),
    (#"{"instances":[1,}"#, false, "JSON Parse error: "),
    ("[1]", false, "JSON Value: [1] Is not object"),
    ("{}", false, "Missing 'inputs' or 'instances' key"),
    (
      #"{"inputs":[1],"instances":[1]}"#, false,
      #"JSON Value: {"inputs":[1],"instances":[1]} Not formatted correctly expecting only one of"#
    ),
    (#"{"signature_name":1,"inputs":[1]}"#, false, "JSON Value: "),
    (
      #"{"signature_name":"x","inputs":[1]}"#, false,
      "Serving signature name: \"x\" not found in signature def"
    ),
    (#"{"instances":3}"#, false, "Expecting 'instances' to be an list/array"),
    (#"{"instances":[]}"#, false, "No values in 'instances' array"),
    (
      #"{"instances":["a"]}"#, false,
      "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
        + "JSON Value: \"a\" Type: String is not of expected type: float"
    ),
    (
      #"{"instances":[1,[2]]}"#, false,
      "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [] but got: [1]"
    ),
    (
      #"{"instances":[[1,2],[3]]}"#, false,
      "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 1"
    ),
    (
      #"{"instances":[[[1],2]]}"#, false,
      "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: 2 found at "
        + "incorrect level: 1 in the JSON DOM. Expected at level: 2"
    ),
    (#"{"instances":[1,{"x":2}]}"#, false, "Expecting value/list but got object at item 1 of input list"),
    (#"{"instances":[{"x":2},1]}"#, false, "Expecting object but got list at item 1 of input list"),
    (
      #"{"instances":[{"x":true}]}"#, false,
      "Failed to process element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: "
        + "JSON Value: true Type: True is not of expected type: float"
    ),
    (
      #"{"instances":[1,2]}"#, true,
      "instances is a plain list, but expecting list of objects as multiple input tensors required"
    ),
    (
      #"{"instances":[{"a":"p"}]}"#, true,
      #"Failed to process element: 0 of 'instances' list. JSON object: {"a":"p"} keys must be equal to: a,b"#
    ),
    (
      #"{"instances":[{"a":"p","b":[1,2],"c":1}]}"#, true,
      "Failed to process element: 0 of 'instances' list. JSON object: "
    ),
    (
      #"{"instances":[{"a":"p","b":[1,2]},{"a":"q","b":[1]}]}"#, true,
      "Failed to process element: 1 key: b of 'instances' list. Error: INVALID_ARGUMENT: "
        + "Expecting tensor size: 2 but got: 1"
    ),
    (#"{"inputs":[1]}"#, true, "inputs is a plain value/list, but expecting an object"),
    (#"{"inputs":{"a":["p"]}}"#, true, "Missing named input: b in 'inputs' object."),
    (#"{"inputs":{"a":["p"],"a":["q"],"b":[[1,2]]}}"#, true, "inputs.a: this input is given twice"),
    (
      #"{"inputs":[[1,2],[3]]}"#, false, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"
    ),
    (#"{"inputs":[1,[2]]}"#, false, "Encountered list at unexpected level: 1 expected < 1"),
    (
      #"{"inputs":[[1],2]}"#, false,
      "JSON Value: 2 found at incorrect level: 1 in the JSON DOM. Expected at level: 2"
    ),
    (#"{"inputs":null}"#, false, "JSON Value: null Type: Null is not of expected type: float"),
  ]

  @Test(arguments: refusals) func refusesInTensorFlowServingsWords(
    _ text: String, _ hasTwoInputs: Bool, _ words: String
  ) throws {
    let failure = try #require(refusal(text, hasTwoInputs ? twoInputs : oneInput))
    #expect(failure.status == 400)
    #expect(failure.message.hasPrefix(words), "\(failure.message)")
  }

  @Test func integersHaveNoFraction() throws {
    let description = describe(inputs: [spec("i", .int32, [-1])])
    let failure = try #require(refusal(#"{"inputs":[1.0]}"#, description))
    #expect(failure.message.hasPrefix("JSON Value: 1.0 Type: Number is not of expected type: int32"))
    #expect(refusal(#"{"inputs":[3000000000]}"#, description)?.status == 400)
  }

  @Test func echoesAreShort() throws {
    let failure = try #require(refusal("[\"" + String(repeating: "a", count: 100_000) + "\"]", oneInput))
    #expect(failure.message.utf8.count < 400)
  }

  @Test func aHostileDepthIsRefused() {
    #expect(refusal(#"{"inputs":"# + String(repeating: "[", count: 100_000), oneInput)?.status == 400)
    let deep = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
    #expect(refusal("{\"inputs\":\(deep)}", oneInput)?.status == 400)
    #expect(refusal("{\"instances\":\(deep)}", oneInput)?.status == 400)
  }

  @Test func everyPrefixOfARequestIsRefused() {
    let text = #"{"signature_name":"","instances":[{"a":"p","b":[1,2]},{"a":{"b64":"YQ=="},"b":[3,4]}]}"#
    for length in 0..<text.utf8.count {
      #expect(refusal(String(text.prefix(length)), twoInputs)?.status == 400, "\(text.prefix(length))")
    }
  }
}

private func write(_ format: PredictRequest.Format, _ outputs: [Tensor]) throws -> String {
  let buffer = ByteBuffer()
  try PredictResponseWriter(format: format, outputs: outputs).write(to: buffer)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

@Suite struct PredictResponseTests {
  @Test func oneOutputIsABareValue() throws {
    let y = floats("y", [3], [2.5, 3, 4.5])
    #expect(try write(.rows, [y]) == #"{"predictions":[2.5,3.0,4.5]}"#)
    #expect(try write(.columns, [y]) == #"{"outputs":[2.5,3.0,4.5]}"#)
    #expect(try write(.columns, [floats("y", [], [2.5])]) == #"{"outputs":2.5}"#)
  }

  @Test func severalOutputsAreObjects() throws {
    let outputs = [floats("y", [2, 2], [1, 2, 3, 4]), strings("s", [2], ["p", "q"])]
    #expect(
      try write(.rows, outputs)
        == #"{"predictions":[{"y":[1.0,2.0],"s":"p"},{"y":[3.0,4.0],"s":"q"}]}"#)
    #expect(
      try write(.columns, outputs) == #"{"outputs":{"y":[[1.0,2.0],[3.0,4.0]],"s":["p","q"]}}"#)
  }

  @Test func bytesOutputsAreBase64() throws {
    let output = strings("image_bytes", [2, 2], ["", "a", "ab", "abc"])
    #expect(
      try write(.columns, [output])
        == #"{"outputs":[[{"b64":""},{"b64":"YQ=="}],[{"b64":"YWI="},{"b64":"YWJj"}]]}"#)
  }

  @Test func rowsNeedOneBatchSize() {
    func message(_ outputs: [Tensor]) -> String? {
      do {
        _ = try write(.rows, outputs)
        return nil
      } catch {
        return (error as? APIFailure)?.message
      }
    }
    #expect(message([floats("y", [], [1])])?.hasPrefix("Tensor name: y has no shape information ") == true)
    let uneven = [floats("x", [3], [1, 2, 3]), floats("y", [1], [1])]
    #expect(message(uneven) == "Tensor name: y has inconsistent batch size: 1 expecting: 3")
  }
}
