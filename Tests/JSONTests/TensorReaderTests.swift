import JSON
import Tensors
import Testing

private func fault(_ text: String, _ datatype: Datatype, _ shape: Shape) -> String? {
  error { () throws(JSONError) in _ = try readTensor(text, datatype, shape, path: "inputs[0].data") }?
    .description
}

@Test func everyDatatypeIsReadFlat() throws {
  #expect(values(try readTensor("[true,false,1,0]", .bool, [4])) == [1, 0, 1, 0] as [UInt8])
  #expect(values(try readTensor("[0,255]", .uint8, [2])) == [0, 255] as [UInt8])
  #expect(values(try readTensor("[0,65535]", .uint16, [2])) == [0, 65535] as [UInt16])
  #expect(values(try readTensor("[0,4294967295]", .uint32, [2])) == [0, .max] as [UInt32])
  #expect(values(try readTensor("[0,18446744073709551615]", .uint64, [2])) == [0, .max] as [UInt64])
  #expect(values(try readTensor("[-128,127]", .int8, [2])) == [-128, 127] as [Int8])
  #expect(values(try readTensor("[-32768,32767]", .int16, [2])) == [.min, .max] as [Int16])
  #expect(values(try readTensor("[-2147483648,2147483647]", .int32, [2])) == [.min, .max] as [Int32])
  #expect(
    values(try readTensor("[-9223372036854775808,9223372036854775807,-0]", .int64, [3])) == [.min, .max, 0]
      as [Int64])
  #expect(values(try readTensor("[1,2.5]", .fp16, [2])) == [1, 2.5] as [Float16])
  #expect(values(try readTensor("[1,2.5]", .bf16, [2])) == [BF16(1), BF16(2.5)])
  #expect(values(try readTensor("[1,2.5e1]", .fp32, [2])) == [1, 25] as [Float])
  #expect(values(try readTensor("[1,2.5e-1]", .fp64, [2])) == [1, 0.25] as [Double])
  #expect(byteValues(try readTensor(#"["a","",{"b64":"/w=="}]"#, .bytes, [3])) == [[97], [], [255]])
}

@Test(arguments: [
  (Datatype.int8, "128"), (.int8, "-129"), (.uint8, "256"), (.uint8, "-1"), (.int16, "32768"),
  (.uint16, "65536"),
  (.int32, "2147483648"), (.uint32, "4294967296"), (.int64, "9223372036854775808"),
  (.int64, "-9223372036854775809"),
  (.uint64, "18446744073709551616"), (.uint64, "100000000000000000000"),
  (.int32, "10000000000000000000000000000"),
])
func integersOutOfRangeAreRefused(datatype: Datatype, text: String) {
  #expect(
    fault("[\(text)]", datatype, [1])
      == "inputs[0].data[0]: expected \(datatype.name), got \(text), which is out of range")
}

@Test(arguments: ["1.0", "1e2", "1.5", "NaN", "true", "\"1\"", "null", "[1]", "{}", "Infinity"])
func integersTakeNothingElse(text: String) {
  #expect(fault("[0, \(text)]", .int32, [2])?.hasPrefix("inputs[0].data[1]: expected INT32, got ") == true)
}

@Test func nestedDataMatchesItsShape() throws {
  let expected: [Float] = [1, 2, 3, 4, 5, 6]
  for (text, shape) in [
    ("[1,2,3,4,5,6]", [2, 3]), ("[[1,2,3],[4,5,6]]", [2, 3]),
    (" [ [ 1 , 2 ] , [ 3 , 4 ] , [ 5 , 6 ] ] ", [3, 2]),
    ("[[[1],[2],[3]],[[4],[5],[6]]]", [2, 3, 1]), ("[[[[[[[[1,2,3,4,5,6]]]]]]]]", [1, 1, 1, 1, 1, 1, 1, 6]),
  ] as [(String, Shape)] {
    let tensor = try readTensor(text, .fp32, shape)
    #expect(values(tensor) == expected)
    #expect(tensor.shape == shape)
  }
}

@Test func scalarsAndEmptyShapesAreRead() throws {
  #expect(values(try readTensor("7", .int32, [])) == [7] as [Int32])
  #expect(values(try readTensor("[7]", .int32, [])) == [7] as [Int32])
  #expect(byteValues(try readTensor("\"x\"", .bytes, [])) == [[120]])
  for (text, shape) in [
    ("[]", [0]), ("[ ]", [0, 5]), ("[[],[]]", [2, 0]), ("[]", [2, 0]), ("[[],[]]", [2, 0, 3]),
    ("[[[],[]]]", [1, 2, 0]),
  ] as [(String, Shape)] {
    #expect(try readTensor(text, .fp32, shape).elementCount == 0)
    #expect(try readTensor(text, .bytes, shape).elementCount == 0)
  }
}

@Test func errorsNameThePlace() {
  #expect(fault("[1,\"a\"]", .fp32, [2]) == "inputs[0].data[1]: expected FP32, got a string")
  let row = "[" + Array(repeating: "1", count: 4).joined(separator: ",") + "]"
  let rows = Array(repeating: row, count: 17).joined(separator: ",")
  #expect(
    fault("[\(rows),[1,2,3,\"x\"]]", .fp32, [18, 4]) == "inputs[0].data[17][3]: expected FP32, got a string")
  #expect(
    fault("[[[1,2],[3,4]],[[5,6],[7,null]]]", .int8, [2, 2, 2])
      == "inputs[0].data[1][1][1]: expected INT8, got null")
  #expect(fault("[1,2 3]", .fp32, [3]) == "inputs[0].data[2]: expected ',' or ']', got 3")
  #expect(fault("[1,]", .fp32, [2]) == "inputs[0].data[1]: expected FP32, got ']'")
  #expect(fault("[01]", .fp32, [1]) == "inputs[0].data[1]: expected ',' or ']', got 1")
  #expect(fault("[1.]", .fp32, [1]) == "inputs[0].data[0]: expected FP32, got 1.")
  #expect(fault("12345", .fp32, [2]) == "inputs[0].data: expected a list, got 12345")
  #expect(fault("[1,2", .fp32, [2]) == "inputs[0].data[2]: expected ',' or ']', got the end of the text")
  #expect(fault("[1,[2]]", .fp32, [2]) == "inputs[0].data[1]: expected FP32, got a list")
}

@Test func wrongCountsAreNamed() {
  let ones = Array(repeating: "1", count: 783).joined(separator: ",")
  #expect(
    fault("[\(ones)]", .fp32, [1, 784]) == "inputs[0].data: expected 784 numbers for shape [1,784], got 783")
  #expect(fault("[\(ones)]", .fp32, [2]) == "inputs[0].data: expected 2 numbers for shape [2], got 783")
  #expect(fault("[1,2]", .fp32, []) == "inputs[0].data: expected 1 numbers for shape [], got 2")
  #expect(fault("[]", .bytes, [3]) == "inputs[0].data: expected 3 strings for shape [3], got 0")
  #expect(fault("[1]", .bool, [0]) == "inputs[0].data: expected 0 booleans for shape [0], got 1")
  #expect(
    fault("[[1,2],[3]]", .fp32, [2, 2])
      == "inputs[0].data[1]: expected 2 elements in dimension 1 of shape [2,2], got 1")
  #expect(
    fault("[[1,2],[3,4,5]]", .fp32, [2, 2])
      == "inputs[0].data[1]: expected 2 elements in dimension 1 of shape [2,2], got more")
  #expect(fault("[[1111,2222]]", .fp32, [2, 2])?.hasSuffix("in dimension 0 of shape [2,2], got 1") == true)
  #expect(
    fault("[[1,2],[3,4],[5,6]]", .fp32, [2, 2])?.hasSuffix("in dimension 0 of shape [2,2], got more") == true)
  #expect(fault("[[1,2],3]", .fp32, [2, 2]) == "inputs[0].data[1]: expected a list, got 3")
}

@Test func anEmptyDimensionHoldsNoLists() {
  #expect(
    fault("[[1],[2]]", .fp32, [0, 1])
      == "inputs[0].data: expected 0 elements in dimension 0 of shape [0,1], got more")
  #expect(fault("[[],[]]", .fp32, [0, 3])?.hasSuffix("got more") == true)
  #expect(fault("[[[1]]]", .fp32, [1, 0, 1])?.hasSuffix("dimension 1 of shape [1,0,1], got more") == true)
  #expect(fault("[[1]]", .fp32, [1, 0])?.hasSuffix("dimension 1 of shape [1,0], got more") == true)
}

@Test func shapesThatTheTextCannotFillAllocateNothing() {
  #expect(
    fault("[1]", .fp64, [1 << 40])
      == "inputs[0].data: expected 1099511627776 numbers for shape [1099511627776], got 1")
  #expect(fault("[1]", .bytes, [1 << 60])?.hasSuffix("got 1") == true)
  let huge = Shape([1 << 40, 1 << 40])
  #expect(fault("[1]", .fp64, huge)?.contains("expected a shape whose size fits in 64 bits") == true)
  #expect(fault("[]", .fp64, [1 << 62, 0, 1 << 62]) == nil)
  #expect(fault("[[],[]]", .fp64, [1 << 62, 0]) != nil)
  #expect(fault("[]", .fp64, [-1])?.contains("[-1]") == true)
}

@Test func bytesAreUnescapedAndDecoded() throws {
  let text =
    #"["\u0000a\"\\\/\n\ud83d\ude00é", {"b64":"AAEC/f7/"}, { "b64" : "\/\/8" }, "plain and longer than eight"]"#
  let expected: [[UInt8]] = [
    [0, 97, 34, 92, 47, 10] + Array("😀é".utf8), [0, 1, 2, 253, 254, 255], [255, 255],
    Array("plain and longer than eight".utf8),
  ]
  #expect(byteValues(try readTensor(text, .bytes, [2, 2])) == expected)
}

@Test(arguments: ["A", "AAA=A", "A===", "AA=", "====", "AA-_", "AB", "AA A", "QQ==="])
func badBase64IsRefused(text: String) {
  #expect(
    fault(#"[{"b64":"\#(text)"}]"#, .bytes, [1])
      == "inputs[0].data[0]: Unable to base64 decode 'b64': expected the standard alphabet, padded")
}

@Test(arguments: [#"{"b64":"AA==","x":1}"#, #"{"B64":"AA=="}"#, #"{}"#, #"{"b64":1}"#, #"{"b64""#, "{"])
func otherObjectsAreNoBytes(text: String) {
  #expect(fault("[\(text)]", .bytes, [1]) == "inputs[0].data[0]: expected BYTES, got an object")
}

@Test func badStringsNameTheirPlace() {
  #expect(
    fault(#"["a","\ud800"]"#, .bytes, [2])
      == "inputs[0].data[1]: expected a pair of surrogates, got a lone one")
  #expect(
    fault(#"["a","b"#, .bytes, [2])
      == "inputs[0].data[1]: expected a closing quote, got the end of the text")
}

@Test func dataGoesIntoGivenMemory() throws {
  let memory = try #require(TensorMemory(byteCount: 64))
  memory.base.storeBytes(of: 99, toByteOffset: 12, as: Float.self)
  let payload = try read("[1,2,3] ".utf8) { reader throws(JSONError) in
    try reader.readTensorData(into: memory.base, datatype: .fp32, shape: [3], path: "")
  }
  #expect(payload == nil)
  let floats = memory.base.assumingMemoryBound(to: Float.self)
  #expect((0..<4).map { floats[$0] } == [1, 2, 3, 99])
}

@Test func theReaderGoesOnBehindTheTensor() throws {
  try read(#"{"data":[[1],[2]],"name":"x"}"#.utf8) { reader throws(JSONError) in
    try reader.beginObject()
    _ = try reader.nextKey()
    _ = try reader.readTensor(name: "x", datatype: .uint8, shape: [2, 1], path: "data")
    #expect(try reader.nextKey() == "name")
    #expect(try reader.readString() == "x")
    #expect(try reader.nextKey() == nil)
  }
}

@Test func textCutAnywhereIsRefused() throws {
  for (text, datatype) in [
    ("[[1.25e+3,-17],[12345678.12345678,0.1]]", .fp32),
    (#"[["a\ud83d\ude00","é"],[{"b64":"AAAA"},""]]"#, .bytes),
    ("[[true,false],[1,0]]", .bool), ("[[1234567890,1],[22,333]]", .int64),
  ] as [(String, Datatype)] {
    _ = try readTensor(text, datatype, [2, 2])
    let bytes = Array(text.utf8)
    for length in 0..<bytes.count {
      #expect(throws: JSONError.self) {
        try read(bytes.prefix(length)) { reader throws(JSONError) in
          _ = try reader.readTensor(name: "", datatype: datatype, shape: [2, 2], path: "")
        }
      }
    }
  }
}
