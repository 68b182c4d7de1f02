import Bytes
import PluginHost
import Tensors
import Testing

@testable import InferenceAPI

/// A body: JSON, then bytes.
private func read(_ json: String, _ blob: [UInt8]) throws -> InferRequest {
  var body = Array(json.utf8) + blob
  return try body.withUnsafeMutableBytes { body in
    var reader = InferRequestReader(
      text: UnsafeRawBufferPointer(rebasing: body[..<json.utf8.count]),
      blobs: BinaryInputs(rest: .init(rebasing: body[json.utf8.count...]), owner: nil), model: "m",
      limits: APILimits())
    return try reader.read()
  }
}

private func refusal(_ json: String, _ blob: [UInt8]) -> String? {
  do {
    _ = try read(json, blob)
    return nil
  } catch {
    return (error as? APIFailure).map { "\($0.status) \($0.message)" }
  }
}

private func bytes(of values: [Float]) -> [UInt8] { values.withUnsafeBytes(Array.init) }

private func input(_ name: String, _ shape: String, _ datatype: String, size: Int) -> String {
  #"{"name":"\#(name)","shape":\#(shape),"datatype":"\#(datatype)","parameters":{"binary_data_size":\#(size)}}"#
}

@Suite struct BinaryTensorTests {
  @Test func jsonAndBinaryInputsMayBeMixed() throws {
    let json =
      #"{"inputs":[\#(input("a", "[2]", "FP32", size: 8)),"#
      + #"{"name":"b","shape":[1],"datatype":"FP32","data":[9]},\#(input("c", "[1]", "FP32", size: 4))]}"#
    let request = try read(json, bytes(of: [1, 2, 3]))
    #expect(request.inputs.map(\.floatValues) == [[1, 2], [9], [3]])
  }

  @Test func bytesElementsCarryTheirLengths() throws {
    let json = #"{"inputs":[\#(input("s", "[2]", "BYTES", size: 10))]}"#
    let request = try read(json, [2, 0, 0, 0, 0x61, 0x62, 0, 0, 0, 0])
    #expect(request.inputs[0].stringValues == ["ab", ""])
  }

  static let refusals: [(String, [UInt8], String)] = [
    (
      input("a", "[2]", "FP32", size: 8), [0, 0, 0, 0],
      "unexpected size for input 'a', expecting 4 additional bytes"
    ),
    (input("a", "[1]", "FP32", size: 4), [0, 0, 0, 0, 0], "unexpected additional input data for model 'm'"),
    (
      input("a", "[2]", "FP32", size: 4), [0, 0, 0, 0],
      "input byte size mismatch for input 'a' for model 'm'. Expected 8, got 4"
    ),
    (input("a", "[3]", "BOOL", size: 3), [0, 1, 2], "element 2 of BOOL data is 2"),
    (input("s", "[1]", "BYTES", size: 5), [9, 0, 0, 0, 1], "BYTES element 0 says it has 9 bytes"),
    (
      input("s", "[1]", "BYTES", size: 5), [255, 255, 255, 255, 1],
      "BYTES element 0 says it has 4294967295 bytes"
    ),
    (
      input("s", "[2]", "BYTES", size: 9), [3, 0, 0, 0, 1, 2, 3, 0, 0],
      "the length of BYTES element 1 is cut off"
    ),
    (input("s", "[1]", "BYTES", size: 5), [0, 0, 0, 0, 1], "1 bytes are left over"),
    (input("s", "[99999999999]", "BYTES", size: 4), [0, 0, 0, 0], "99999999999 BYTES elements"),
    (input("a", "[9223372036854775807]", "FP32", size: 4), [0, 0, 0, 0], "input byte size mismatch"),
  ]

  @Test(arguments: refusals) func refusesBytesThatDoNotFit(_ input: String, _ blob: [UInt8], _ words: String)
  {
    let message = refusal("{\"inputs\":[\(input)]}", blob)
    #expect(message?.hasPrefix("400 ") == true)
    #expect(message?.contains(words) == true, "\(message ?? "not refused")")
  }

  @Test func alignedBytesAreViewedWhenSomeoneKeepsThem() throws {
    let memory = try #require(TensorMemory(byteCount: 128))
    let body = UnsafeMutableRawBufferPointer(start: memory.base, count: 8)
    var blobs = BinaryInputs(rest: body, owner: memory)
    let view = try blobs.take(8, name: "x", datatype: .fp32, shape: [2], path: "p", model: "m")
    #expect(view.data == memory.base)
    var shifted = BinaryInputs(rest: .init(start: memory.base + 4, count: 8), owner: memory)
    let copy = try shifted.take(8, name: "x", datatype: .fp32, shape: [2], path: "p", model: "m")
    #expect(copy.data != memory.base + 4)
    #expect(Int(bitPattern: copy.data) % TensorMemory.alignment == 0)
  }

  @Test func aRawBodyTakesTheShapeThatItsSizeSays() throws {
    var body = bytes(of: [1, 2, 3, 4])
    let request = try body.withUnsafeMutableBytes {
      try RawRequest.read(
        $0, owner: nil, model: "m", description: describe(inputs: [spec("x", .fp32, [-1, 2])]))
    }
    #expect(request.inputs[0].shape == [2, 2])
    #expect(request.inputs[0].floatValues == [1, 2, 3, 4])
    #expect(request.prefersBinaryOutputs && request.outputs.isEmpty)
  }

  @Test func aRawBodyForAMatrixOfAnySizeIsOneRow() throws {
    var body = bytes(of: [1, 2, 3])
    let request = try body.withUnsafeMutableBytes {
      try RawRequest.read(
        $0, owner: nil, model: "m", description: describe(inputs: [spec("x", .fp32, [-1, -1])]))
    }
    #expect(request.inputs[0].shape == [1, 3])
  }

  @Test func aRawBytesBodyIsOneElement() throws {
    try withBytes(of: "hello") {
      let request = try RawRequest.read(
        $0, owner: nil, model: "m", description: describe(inputs: [spec("s", .bytes, [1])]))
      #expect(request.inputs[0].stringValues == ["hello"])
    }
  }

  static let rawRefusals: [(ModelDescription, Int, String)] = [
    (
      describe(inputs: [spec("a", .fp32, [1]), spec("b", .fp32, [1])]), 4,
      "Raw request must only have 1 input"
    ),
    (describe(inputs: [spec("a", .fp32, [-1, -1, -1])]), 4, "more than one variable-sized dimension"),
    (describe(inputs: [spec("a", .fp32, [-1, 2])]), 12, "no multiple of the 8 bytes"),
    (describe(inputs: [spec("a", .fp32, [2])]), 4, "input byte size mismatch"),
    (describe(inputs: [spec("s", .bytes, [2])]), 4, "must have input shape [1]"),
  ]

  @Test(arguments: rawRefusals) func refusesRawBodiesWithoutAShape(
    _ description: ModelDescription, _ size: Int, _ words: String
  ) {
    var body = [UInt8](repeating: 0, count: size)
    let failure = body.withUnsafeMutableBytes { body -> APIFailure? in
      do throws(APIFailure) {
        _ = try RawRequest.read(body, owner: nil, model: "m", description: description)
        return nil
      } catch { return error }
    }
    #expect(failure?.status == 400)
    #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "not refused")")
  }

  @Test func outputsAreWrittenAsJSONAndBytes() {
    let writer = InferResponseWriter(
      id: "7", opening: InferResponseWriter.opening(model: "m", version: 3),
      outputs: [
        PlacedOutput(tensor: floats("y", [2], [1.5, 2]), isBinary: true),
        PlacedOutput(tensor: strings("s", [2], ["ab", ""]), isBinary: true),
        PlacedOutput(tensor: floats("z", [1, 2], [1, 2.5])),
        PlacedOutput(tensor: floats("empty", [0], []), isBinary: true),
      ])
    let json = ByteBuffer()
    writer.writeJSON(to: json)
    #expect(
      String(decoding: json.bytes, as: UTF8.self)
        == #"{"id":"7","model_name":"m","model_version":"3","outputs":["#
        + #"{"name":"y","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}},"#
        + #"{"name":"s","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":10}},"#
        + #"{"name":"z","datatype":"FP32","shape":[1,2],"data":[1.0,2.5]},"#
        + #"{"name":"empty","datatype":"FP32","shape":[0],"parameters":{"binary_data_size":0}}]}"#)
    let blob = ByteBuffer()
    writer.writeBinaryPart(to: blob)
    #expect(Array(blob.bytes) == bytes(of: [1.5, 2]) + [2, 0, 0, 0, 0x61, 0x62, 0, 0, 0, 0])
  }

  @Test func anIdThatWasNotGivenIsNotAnswered() {
    let buffer = ByteBuffer()
    InferResponseWriter(
      id: nil, opening: InferResponseWriter.opening(model: "a\"b", version: 1), outputs: []
    ).writeJSON(to: buffer)
    #expect(
      String(decoding: buffer.bytes, as: UTF8.self)
        == #"{"model_name":"a\"b","model_version":"1","outputs":[]}"#)
  }
}
