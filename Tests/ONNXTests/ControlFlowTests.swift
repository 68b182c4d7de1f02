import ONNX
import Tensors
import TestSupport
import Testing

/// Graphs within nodes, sequences, optionals and functions.
@Suite struct ControlFlowTests {
  @Test(arguments: [(true, [Float(11), 12]), (false, [-9, -8])])
  func aBranchUsesWhatLiesAroundIt(_ condition: Bool, _ expected: [Float]) throws {
    var yes = OnnxModelBuilder()
    yes.node("Add", ["x", "ten"], ["sum"])
    yes.output("sum")
    var no = OnnxModelBuilder()
    no.node("Sub", ["x", "ten"], ["difference"])
    no.output("difference")
    var model = OnnxModelBuilder()
    model.input("c", .bool, [])
    model.input("x", .fp32, [2])
    model.initializer("ten", [], floats: [10])
    model.node(
      "If", ["c"], ["y"], ["then_branch": .graph(yes.subgraph), "else_branch": .graph(no.subgraph)])
    model.output("y", .fp32, [2])
    let results = try LoadedModel(model).session.run([.bools([condition], []), .floats([1, 2], [2])])
    #expect(results[0].floatValues == expected)
  }

  @Test func aLoopCarriesValuesAndCollectsOthers() throws {
    var body = OnnxModelBuilder()
    body.input("i", .int64, [])
    body.input("goes", .bool, [])
    body.input("held", .fp32, [1])
    body.node("Add", ["held", "step"], ["next"])
    body.node("Identity", ["goes"], ["goesOn"])
    body.node("Identity", ["next"], ["seen"])
    for name in ["goesOn", "next", "seen"] { body.output(name) }
    var model = OnnxModelBuilder()
    model.input("n", .int64, [])
    model.input("start", .fp32, [1])
    model.initializer("step", [1], floats: [2])
    model.node("Loop", ["n", "", "start"], ["end", "all"], ["body": .graph(body.subgraph)])
    model.output("end", .fp32, [1])
    model.output("all", .fp32, ["", 1])
    let results = try LoadedModel(model).session.run([.integers([3], []), .floats([1], [1])])
    #expect(results[0].floatValues == [7])
    #expect(results[1].shape == [3, 1] && results[1].floatValues == [3, 5, 7])
  }

  @Test func aScanSumsAlongItsInput() throws {
    var body = OnnxModelBuilder()
    body.input("held", .fp32, [2])
    body.input("row", .fp32, [2])
    body.node("Add", ["held", "row"], ["next"])
    body.node("Identity", ["next"], ["seen"])
    for name in ["next", "seen"] { body.output(name) }
    let results = try outputs(
      "Scan", [.floats([0, 0], [2]), .floats([1, 2, 3, 4, 5, 6], [3, 2])], [.fp32, .fp32],
      ["body": .graph(body.subgraph), "num_scan_inputs": .int(1)])
    #expect(results[0].floatValues == [9, 12])
    #expect(results[1].floatValues == [1, 2, 4, 6, 9, 12])
  }

  @Test func aSequenceIsTakenApartAndJoined() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, [4])
    model.initializer("two", [], integers: [2])
    model.initializer("last", [], integers: [-1])
    model.node("SplitToSequence", ["x", "two"], ["parts"])
    model.node("SequenceAt", ["parts", "last"], ["end"])
    model.node("SequenceInsert", ["parts", "end"], ["more"])
    model.node("ConcatFromSequence", ["more"], ["y"], ["axis": .int(0)])
    model.output("y", .fp32, [""])
    let results = try LoadedModel(model).session.run([.floats([1, 2, 3, 4], [4])])
    #expect(results[0].floatValues == [1, 2, 3, 4, 3, 4])
  }

  @Test func anEmptyOptionalHasNoElement() throws {
    var model = OnnxModelBuilder(opset: 18)
    model.input("x", .fp32, [1])
    model.node("Optional", ["x"], ["full"])
    model.node("OptionalHasElement", ["full"], ["yes"])
    model.node("OptionalHasElement", [], ["no"])
    model.output("yes", .bool)
    model.output("no", .bool)
    let results = try LoadedModel(model).session.run([.floats([1], [1])])
    #expect(results.map(\.byteValues) == [[1], [0]])
  }

  @Test func aFunctionOfTheModelStandsForItsNodes() throws {
    var model = OnnxModelBuilder()
    model.domains = ["own": 1]
    model.input("x", .fp32, [2])
    model.function(
      "Twice", domain: "own", inputs: ["a"], outputs: ["c"],
      nodes: [OnnxModelBuilder.node("Add", ["a", "a"], ["b"]), OnnxModelBuilder.node("Neg", ["b"], ["c"])])
    model.node("Twice", ["x"], ["once"], domain: "own")
    model.node("Twice", ["once"], ["y"], domain: "own")
    model.output("y", .fp32, [2])
    #expect(try LoadedModel(model).session.run([.floats([1, 2], [2])])[0].floatValues == [4, 8])
  }

  @Test func anUnsupportedOperatorInABranchIsNamedAtLoad() throws {
    var branch = OnnxModelBuilder()
    branch.node("Whirl", ["x"], ["y"])
    branch.output("y")
    var model = OnnxModelBuilder()
    model.input("c", .bool, [])
    model.input("x", .fp32, [1])
    model.node(
      "If", ["c"], ["z"], ["then_branch": .graph(branch.subgraph), "else_branch": .graph(branch.subgraph)])
    model.output("z", .fp32, [1])
    #expect(try #require(try LoadedModel.refusal(model)).contains("Whirl (domain ai.onnx, opset 17)"))
  }
}
