import JSON
import Tensors
import Testing

private func fault(_ text: String, _ datatype: Datatype = .fp32) -> String? {
  error { () throws(JSONError) in _ = try readNested(text, datatype) }?.message
}

@Test(
  arguments: [
    ("1", []), ("[]", [0]), ("[1,2,3]", [3]), ("[[1,2,3],[4,5,6]]", [2, 3]), ("[[],[]]", [2, 0]),
    ("[[[]]]", [1, 1, 0]),
    ("[ [ [ 1 ] , [ 2 ] ] ]", [1, 2, 1]), ("[[[[[[[[1]]]]]]]]", [1, 1, 1, 1, 1, 1, 1, 1]),
  ] as [(String, Shape)])
func theShapeIsTheNesting(text: String, shape: Shape) throws {
  let tensor = try readNested(text, .fp32)
  #expect(tensor.shape == shape)
  #expect(values(tensor) == (0..<(shape.elementCount ?? 0)).map { Float($0 + 1) })
}

@Test func elementsGrowWithoutLimitButTheText() throws {
  let numbers = (0..<10_000).map(String.init).joined(separator: ",")
  #expect(values(try readNested("[\(numbers)]", .int32)) == (0..<10_000).map(Int32.init))
  #expect(byteValues(try readNested(#"["",""]"#, .bytes)) == [[], []])
  #expect(byteValues(try readNested("\"\"", .bytes)) == [[]])
  #expect(byteValues(try readNested(#"["",{"b64":""},"ab"]"#, .bytes)) == [[], [], [0x61, 0x62]])
  let strings = (0..<10_000).map { "\"\($0)\"" }.joined(separator: ",")
  #expect(byteValues(try readNested("[\(strings)]", .bytes)) == (0..<10_000).map { Array(String($0).utf8) })
  #expect(byteValues(try readNested(#"{"b64":"AQI="}"#, .bytes)) == [[1, 2]])
}

@Test func raggedListsAreRefusedInTensorFlowServingsWords() {
  #expect(fault("[[1,2,3],[4,5]]") == "Encountered list at unexpected size: 2 at level: 1 expected size: 3")
  #expect(fault("[[1],[2,3]]") == "Encountered list at unexpected size: 2 at level: 1 expected size: 1")
  #expect(fault("[[],[1]]") == "Encountered list at unexpected size: 1 at level: 1 expected size: 0")
  #expect(fault("[[[1],[2]],[[3]]]") == "Encountered list at unexpected size: 1 at level: 1 expected size: 2")
  #expect(fault("[[1,2],[[3],4]]") == "Encountered list at unexpected level: 2 expected < 2")
  #expect(fault("[1,[2]]") == "Encountered list at unexpected level: 1 expected < 1")
  #expect(
    fault("[[2],1]") == "JSON Value: 1 found at incorrect level: 1 in the JSON DOM. Expected at level: 2")
  #expect(fault("[[[[[[[[[1]]]]]]]]]") == "expected at most 8 dimensions, got more")
}

@Test func wrongKindsAreRefusedInTensorFlowServingsWords() {
  #expect(fault("\"x\"") == "JSON Value: \"x\" Type: String is not of expected type: float")
  #expect(fault("[1,true]") == "JSON Value: true Type: True is not of expected type: float")
  #expect(fault("[null]", .fp64) == "JSON Value: null Type: Null is not of expected type: double")
  #expect(fault("[1.5]", .int32) == "JSON Value: 1.5 Type: Number is not of expected type: int32")
  #expect(fault("[300]", .uint8) == "JSON Value: 300 Type: Number is not of expected type: uint8")
  #expect(fault("[1]", .bytes) == "JSON Value: 1 Type: Number is not of expected type: string")
  #expect(fault(#"[{"a":1}]"#) == #"JSON Value: {"a":1} Type: Object is not of expected type: float"#)
  #expect(fault("[2]", .bool) == "JSON Value: 2 Type: Number is not of expected type: bool")
  #expect(fault("[x]") == "expected a value, got x")
  #expect(fault("[1") == "expected ',' or ']', got the end of the text")
}

@Test func aLongValueIsEchoedInPart() {
  let long = String(repeating: "a", count: 1000)
  let message = fault("\"\(long)\"")
  #expect(message == "JSON Value: \"\(long.prefix(255)) Type: String is not of expected type: float")
}

@Test func nestedErrorsNameThePlace() {
  let error = error { () throws(JSONError) in _ = try readNested("[[1,2],[3,\"x\"]]", .fp32, path: "inputs.a")
  }
  #expect(error?.path == "inputs.a[1][1]")
}

private func accumulate(_ text: String, _ datatype: Datatype) throws(JSONError) -> Tensor {
  try read(text.utf8) { reader throws(JSONError) in
    let column = TensorAccumulator(datatype: datatype)
    try reader.beginArray()
    while try reader.nextElement() {
      try column.append(from: &reader, path: "instances[\(column.count)]")
    }
    try reader.finish()
    return try column.finish(name: "x")
  }
}

@Test func anAccumulatorCountsItsValuesInTheFirstDimension() throws {
  let scalars = try accumulate("[1,2,3]", .fp32)
  #expect(scalars.shape == [3])
  #expect(values(scalars) == [1, 2, 3] as [Float])
  let rows = try accumulate("[[1,2],[3,4],[5,6]]", .int64)
  #expect(rows.shape == [3, 2])
  #expect(values(rows) == [1, 2, 3, 4, 5, 6] as [Int64])
  let strings = try accumulate(#"["a",{"b64":"/w=="},"ccc"]"#, .bytes)
  #expect(strings.shape == [3])
  #expect(byteValues(strings) == [[97], [255], [99, 99, 99]])
  #expect(try accumulate("[]", .fp32).shape == [0])
  let many = try accumulate(
    "[" + Array(repeating: "[1,2,3]", count: 5000).joined(separator: ",") + "]", .fp64)
  #expect(many.shape == [5000, 3])
  #expect(values(many) == (0..<15_000).map { Double($0 % 3 + 1) })
}

@Test func valuesOfAnAccumulatorHaveOneShape() {
  func fault(_ text: String) -> String? {
    error { () throws(JSONError) in _ = try accumulate(text, .fp32) }?.description
  }
  #expect(fault("[[1,2,3],[1,2]]") == "instances[1]: Expecting tensor size: 3 but got: 2")
  #expect(
    fault("[[[1,2,3],[4,5,6]],[[1,2],[3,4],[5,6]]]") == "instances[1]: Expecting shape [2,3] but got: [3,2]")
  #expect(fault("[1,\"a\"]") == "instances[1]: JSON Value: \"a\" Type: String is not of expected type: float")
  #expect(
    fault("[[[[[[[[[1]]]]]]]]]")?.contains("expected at most 7 dimensions in each value, got 8") == true)
}
