import ONNX
import Tensors
import TestSupport
import Testing

@Suite struct GraphTests {
  @Test func everyUnsupportedOperatorIsListedAtOnce() throws {
    var builder = OnnxModelBuilder(opset: 15)
    builder.domains = ["com.example": 3]
    builder.input("x", .fp32, [1])
    builder.node("Frobnicate", ["x"], ["a"], name: "first", domain: "com.example")
    builder.node("Relu", ["a"], ["b"], name: "fine")
    builder.node("Whirl", ["b"], ["c"], name: "second")
    builder.node("Whirl", ["c"], ["d"], name: "third")
    builder.output("d")
    let message = try #require(try LoadedModel.refusal(builder))
    #expect(message.contains("2 unsupported operators at 3 nodes"))
    #expect(message.contains("Frobnicate (domain com.example, opset 3) at node 'first'"))
    #expect(message.contains("Whirl (domain ai.onnx, opset 15) at 2 nodes, first 'second'"))
  }

  @Test func anInputThatNothingDefinesIsRefusedWithItsNode() throws {
    var builder = OnnxModelBuilder()
    builder.input("x", .fp32, [1])
    builder.node("Add", ["x", "ghost"], ["y"], name: "sum")
    builder.output("y")
    let message = try #require(try LoadedModel.refusal(builder))
    #expect(message.contains("node 'sum' (Add): input 'ghost' is defined by nothing"))
  }

  @Test func aNameDefinedTwiceIsRefused() throws {
    var builder = OnnxModelBuilder()
    builder.input("x", .fp32, [1])
    builder.node("Relu", ["x"], ["x"], name: "again")
    builder.output("x")
    #expect(try LoadedModel.refusal(builder)?.contains("node 'again' (Relu) defines 'x'") == true)
  }

  @Test func aCycleIsRefusedWithItsNodes() throws {
    var builder = OnnxModelBuilder()
    builder.input("x", .fp32, [1])
    builder.node("Add", ["x", "b"], ["a"], name: "one")
    builder.node("Relu", ["a"], ["b"], name: "two")
    builder.output("b")
    let message = try #require(try LoadedModel.refusal(builder))
    #expect(message.contains("cycle through node 'one' (Add), node 'two' (Relu)"))
  }

  @Test func nodesInAnyOrderRunInTheRightOne() throws {
    var builder = OnnxModelBuilder()
    builder.input("x", .fp32, [2])
    builder.node("Neg", ["a"], ["y"], name: "last")
    builder.node("Relu", ["x"], ["a"], name: "first")
    builder.output("y")
    #expect(try LoadedModel(builder).session.run([.floats([-1, 2], [2])])[0].floatValues == [0, -2])
  }

  @Test(arguments: [0, 1000])
  func anOpsetOutOfRangeIsRefused(_ opset: Int) throws {
    var builder = OnnxModelBuilder(opset: opset)
    builder.input("x", .fp32, [1])
    builder.node("Relu", ["x"], ["y"])
    builder.output("y")
    #expect(try LoadedModel.refusal(builder)?.contains("opset \(opset)") == true)
  }

  @Test func anAttributeOfTheWrongKindIsRefused() throws {
    var builder = OnnxModelBuilder()
    builder.input("x", .fp32, [1, 2])
    builder.node("Flatten", ["x"], ["y"], name: "flat", ["axis": .string("one")])
    builder.output("y")
    #expect(
      try LoadedModel.refusal(builder)?.contains(
        "node 'flat' (Flatten): attribute 'axis' is a STRING, expected an INT")
        == true)
  }
}
