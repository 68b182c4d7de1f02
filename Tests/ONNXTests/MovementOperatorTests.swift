import ONNX
import Tensors
import TestSupport
import Testing

/// Operators that move elements and compute none.
@Suite struct MovementOperatorTests {
  private let matrix = Tensor.floats([1, 2, 3, 4, 5, 6], [2, 3])

  @Test func reshapeUnderstandsZeroAndMinusOne() throws {
    #expect(
      try evaluate("Reshape", [matrix, .integers([0, -1, 1], [3])], constants: [1]).shape == [2, 3, 1])
    #expect(try evaluate("Reshape", [matrix, .integers([3, 2], [2])]).floatValues == [1, 2, 3, 4, 5, 6])
    let empty = Tensor.floats([], [0, 3])
    let allowed = try evaluate(
      "Reshape", [empty, .integers([3, 0], [2])], ["allowzero": .int(1)], constants: [1])
    #expect(allowed.shape == [3, 0])
    #expect(throws: ONNXError.self) {
      try evaluate("Reshape", [matrix, .integers([4, -1], [2])], constants: [1])
    }
  }

  @Test func flattenSqueezeAndUnsqueezeOnlyChangeTheShape() throws {
    let x = Tensor.floats([1, 2, 3, 4], [1, 2, 1, 2])
    #expect(try evaluate("Flatten", [x], ["axis": .int(2)]).shape == [2, 2])
    #expect(try evaluate("Squeeze", [x]).shape == [2, 2])
    #expect(try evaluate("Squeeze", [x, .integers([-2], [1])], constants: [1]).shape == [1, 2, 2])
    #expect(try evaluate("Squeeze", [x], ["axes": .ints([0])], opset: 11).shape == [2, 1, 2])
    #expect(try evaluate("Unsqueeze", [matrix, .integers([0, -1], [2])]).shape == [1, 2, 3, 1])
    #expect(try evaluate("Unsqueeze", [matrix], ["axes": .ints([1])], opset: 11).shape == [2, 1, 3])
  }

  @Test func transposeReordersElements() throws {
    let result = try evaluate("Transpose", [matrix])
    #expect(result.shape == [3, 2] && result.floatValues == [1, 4, 2, 5, 3, 6])
  }

  @Test(arguments: [Datatype.bool, .int16, .fp16, .int32, .int64, .fp64])
  func elementsOfEveryDatatypeAreMoved(_ datatype: Datatype) throws {
    let x = try #require(Tensor(name: "x", datatype: datatype, shape: [2, 3]))
    for index in 0..<x.byteCount { x.data.storeBytes(of: UInt8(index), toByteOffset: index, as: UInt8.self) }
    let size = datatype.byteCount
    func element(_ tensor: Tensor, _ index: Int) -> [UInt8] {
      (0..<size).map { tensor.data.load(fromByteOffset: index * size + $0, as: UInt8.self) }
    }
    let transposed = try evaluate("Transpose", [x])
    #expect((0..<6).map { element(transposed, $0) } == [0, 3, 1, 4, 2, 5].map { element(x, $0) })
    let gathered = try evaluate("Gather", [x, .integers([2, -3], [2])], ["axis": .int(1)])
    #expect((0..<4).map { element(gathered, $0) } == [2, 0, 5, 3].map { element(x, $0) })
    let joined = try evaluate("Concat", [x, x], ["axis": .int(1)])
    #expect((0..<6).map { element(joined, $0) } == [0, 1, 2, 0, 1, 2].map { element(x, $0) })
    let cut = try evaluate(
      "Slice", [x, .integers([2], [1]), .integers([-9], [1]), .integers([1], [1]), .integers([-2], [1])],
      constants: [1, 2, 3, 4])
    #expect(cut.shape == [2, 2])
    #expect((0..<4).map { element(cut, $0) } == [2, 0, 5, 3].map { element(x, $0) })
  }

  @Test func anIndexOutOfRangeIsAnErrorOfTheCaller() throws {
    let error = #expect(throws: ONNXError.self) { try evaluate("Gather", [matrix, .integers([2], [1])]) }
    #expect(error?.kind == .argument && error?.message.contains("index 2 is outside -2…1") == true)
  }

  @Test func shapeTakesAPart() throws {
    #expect(try evaluate("Shape", [matrix]).intValues == [2, 3])
    #expect(try evaluate("Shape", [matrix], ["start": .int(-1)]).intValues == [3])
    #expect(try evaluate("Shape", [matrix], ["start": .int(0), "end": .int(1)]).intValues == [2])
  }

  @Test(arguments: [
    ("constant", [0, 1, 2, 3, 0, 0]), ("edge", [1, 1, 2, 3, 3, 3]), ("reflect", [2, 1, 2, 3, 2, 1]),
    ("wrap", [3, 1, 2, 3, 1, 2]),
  ])
  func padFillsByItsMode(_ mode: String, _ expected: [Float]) throws {
    let x = Tensor.floats([1, 2, 3], [3])
    let result = try evaluate(
      "Pad", [x, .integers([1, 2], [2])], ["mode": .string(mode)], opset: 19, constants: [1])
    #expect(result.floatValues == expected)
    let old = try evaluate(
      "Pad", [x], ["mode": .string(mode), "pads": .ints([1, 2])], opset: mode == "wrap" ? 10 : 10)
    #expect(old.floatValues == expected)
  }

  @Test func padCutsWhereItIsNegative() throws {
    #expect(
      try evaluate("Pad", [.floats([1, 2, 3], [3]), .integers([-1, 1], [2])], constants: [1]).floatValues == [
        2, 3, 0,
      ])
  }

  @Test func dropoutAndIdentityGiveTheirInputOn() throws {
    #expect(try evaluate("Identity", [matrix]).floatValues == matrix.floatValues)
    #expect(try evaluate("Dropout", [matrix]).floatValues == matrix.floatValues)
  }

  @Test func constantsStandForTheirValues() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, [2])
    model.node("Constant", [], ["c"], ["value_floats": .floats([1, 2])])
    model.node("Constant", [], ["t"], ["value": .tensor(OnnxModelBuilder.tensor("", [2], floats: [10, 20]))])
    model.node("Sum", ["x", "c", "t"], ["y"])
    model.output("y")
    #expect(try LoadedModel(model).session.run([.floats([100, 200], [2])])[0].floatValues == [111, 222])
  }

  @Test func splitGivesPartsAlsoWhenSomeAreUnused() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 6])
    model.initializer("sizes", integers: [1, 2, 3])
    model.node("Split", ["x", "sizes"], ["a", "b", "c"], ["axis": .int(1)])
    model.node("Relu", ["c"], ["y"])
    model.output("y")
    #expect(
      try LoadedModel(model).session.run([.floats([1, 2, 3, 4, 5, 6], [1, 6])])[0].floatValues == [4, 5, 6])
  }
}
