import ONNX
import Tensors
import TestSupport
import Testing

/// Whether the engine proves, or refuses to believe, that rows do not depend on one another.
@Suite struct BatchTests {
  @Test func rowsOfAConvolutionalNetworkAreIndependent() throws {
    #expect(
      try isBatchable(["n", 1, 4, 4]) { model in
        model.initializer("w", [2, 1, 3, 3], floats: Array(repeating: 1, count: 18))
        model.initializer("shape", integers: [-1, 8])
        model.node("Conv", ["x", "w"], ["c"])
        model.node("Reshape", ["c", "shape"], ["f"])
        model.node("Softmax", ["f"], ["y"])
      })
  }

  @Test func aReshapeToSizesReadFromTheInputKeepsRows() throws {
    #expect(
      try isBatchable(["n", 6]) { model in
        model.initializer("zero", [], integers: [0])
        model.initializer("rest", integers: [3, 2])
        model.initializer("axes", integers: [0])
        model.node("Shape", ["x"], ["s"])
        model.node("Gather", ["s", "zero"], ["n"])
        model.node("Unsqueeze", ["n", "axes"], ["n1"])
        model.node("Concat", ["n1", "rest"], ["target"], ["axis": .int(0)])
        model.node("Reshape", ["x", "target"], ["y"])
      })
  }

  @Test func transposingTheBatchAwayAndBackKeepsRows() throws {
    #expect(
      try isBatchable(["n", 2, 3]) { model in
        model.node("Transpose", ["x"], ["t"], ["perm": .ints([1, 0, 2])])
        model.node("Relu", ["t"], ["r"])
        model.node("Transpose", ["r"], ["y"], ["perm": .ints([1, 0, 2])])
      })
  }

  @Test(arguments: [
    ("ReduceMean", ["axes": OnnxModelBuilder.Attribute.ints([0])]), ("Softmax", ["axis": .int(0)]),
    ("Transpose", ["perm": .ints([1, 0])]), ("Flatten", ["axis": .int(0)]),
  ])
  func anOperatorThatMixesRowsIsFound(_ type: String, _ attributes: [String: OnnxModelBuilder.Attribute])
    throws
  {
    #expect(try !isBatchable(["n", 4]) { $0.node(type, ["x"], ["y"], attributes) })
  }

  @Test func gatheringFromTheBatchMixesRows() throws {
    #expect(
      try !isBatchable(["n", 4]) { model in
        model.initializer("i", integers: [0])
        model.node("Gather", ["x", "i"], ["y"], ["axis": .int(0)])
      })
  }

  @Test func joiningAlongTheBatchMixesRows() throws {
    #expect(try !isBatchable(["n", 4]) { $0.node("Concat", ["x", "x"], ["y"], ["axis": .int(0)]) })
  }

  @Test func theNumberOfRowsAsAValueMixesThem() throws {
    #expect(
      try !isBatchable(["n", 1]) { model in
        model.node("Shape", ["x"], ["s"], ["end": .int(1)])
        model.node("Cast", ["s"], ["f"], ["to": .int(1)])
        model.node("Div", ["x", "f"], ["y"])
      })
  }

  @Test func aFixedDimensionIsNoBatch() throws {
    #expect(try !isBatchable([1, 4]) { $0.node("Relu", ["x"], ["y"]) })
  }

  @Test func aNameThatStandsTwiceIsNoBatch() throws {
    #expect(try !isBatchable(["n", "n"]) { $0.node("Relu", ["x"], ["y"]) })
  }

  private func isBatchable(_ dimensions: [Any], _ build: (inout OnnxModelBuilder) -> Void) throws -> Bool {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, dimensions)
    build(&model)
    model.output("y")
    return try LoadedModel(model).session.isBatchable
  }
}
