import ONNX
import Tensors
import TestSupport
import Testing

/// Operators whose outputs' shapes come with the data: their graphs run node by node.
@Suite struct DataDependentTests {
  @Test func nonZeroGivesColumnsOfIndices() throws {
    let x = Tensor.floats([1, 0, 0, 2], [2, 2])
    let y = try outputs("NonZero", [x], [.int64])[0]
    #expect(y.shape == [2, 2] && y.intValues == [0, 1, 0, 1])
  }

  @Test func whatFollowsADataDependentShapeRunsToo() throws {
    var model = OnnxModelBuilder(opset: 20)
    model.input("x", .fp32, ["n"])
    model.initializer("zero", integers: [0])
    model.node("NonZero", ["x"], ["places"])
    model.node("Squeeze", ["places", "zero"], ["list"])
    model.node("Gather", ["x", "list"], ["kept"])
    model.node("Mul", ["kept", "kept"], ["y"])
    model.output("y", .fp32, [""])
    let session = try LoadedModel(model).session
    #expect(!session.isBatchable)
    #expect(try session.run([.floats([0, 3, 0, 4], [4])])[0].floatValues == [9, 16])
    #expect(try session.run([.floats([0, 0], [2])])[0].shape == [0])
  }

  @Test func uniqueTellsPlacesInverseAndCounts() throws {
    let y = try outputs("Unique", [.floats([2, 1, 1, 3, 4, 3], [6])], [.fp32, .int64, .int64, .int64])
    #expect(y[0].floatValues == [1, 2, 3, 4])
    #expect(y[1].intValues == [1, 0, 3, 4])
    #expect(y[2].intValues == [1, 0, 0, 2, 3, 2])
    #expect(y[3].intValues == [2, 1, 2, 1])
  }

  @Test func compressKeepsWhatTheConditionPicks() throws {
    let x = Tensor.floats([1, 2, 3, 4, 5, 6], [3, 2])
    let y = try outputs("Compress", [x, .bools([false, true, true], [3])], [.fp32], ["axis": .int(0)])[0]
    #expect(y.shape == [2, 2] && y.floatValues == [3, 4, 5, 6])
  }

  @Test func rangeAndTopKTakeTheirSizesFromInputs() throws {
    let range = try outputs(
      "Range", [.integers([3], []), .integers([-4], []), .integers([-3], [])], [.int64])[0]
    #expect(range.intValues == [3, 0, -3])
    let top = try outputs(
      "TopK", [.floats([1, 4, 3, 4], [4]), .integers([2], [1])], [.fp32, .int64])
    #expect(top[0].floatValues == [4, 4] && top[1].intValues == [1, 3])
  }

  @Test func aSizeOutOfAllMeasureIsAnError() throws {
    let error = #expect(throws: ONNXError.self) {
      try outputs("Range", [.integers([0], []), .integers([1 << 40], []), .integers([1], [])], [.int64])
    }
    #expect(error?.kind == .limit)
  }

  @Test func nonMaxSuppressionDropsWhatOverlapsABetterBox() throws {
    let boxes = Tensor.floats([0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11], [1, 3, 4])
    let y = try outputs(
      "NonMaxSuppression",
      [
        boxes, .floats([0.9, 0.75, 0.6], [1, 1, 3]), .integers([3], [1]), .floats([0.5], [1]),
        .floats([0], [1]),
      ],
      [.int64])[0]
    #expect(y.shape == [2, 3] && y.intValues == [0, 0, 0, 0, 0, 2])
  }
}
