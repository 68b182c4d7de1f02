import Foundation
import Kernels
import Tensors
import TestSupport
import Testing

@testable import ONNX

/// Spelled-out networks: with all passes they give what they give with none, and the passes do their work.
@Suite struct FusionTests {
  @Test func activationsThatAreSpelledOutAreFound() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 40])
    for (name, value) in [
      ("half", 0.5), ("one", 1), ("root", 2.0.squareRoot()), ("three", 3), ("six", 6), ("zero", 0),
    ] {
      model.initializer(name, [], floats: [Float(value)])
    }
    model.node("Div", ["x", "root"], ["g1"])
    model.node("Erf", ["g1"], ["g2"])
    model.node("Add", ["g2", "one"], ["g3"])
    model.node("Mul", ["half", "g3"], ["g4"])
    model.node("Mul", ["x", "g4"], ["gelu"])
    model.node("Add", ["x", "three"], ["h1"])
    model.node("Clip", ["h1", "zero", "six"], ["h2"])
    model.node("Mul", ["x", "h2"], ["h3"])
    model.node("Div", ["h3", "six"], ["swish"])
    model.node("Sigmoid", ["x"], ["s1"])
    model.node("Mul", ["s1", "x"], ["silu"])
    for name in ["gelu", "swish", "silu"] { model.output(name) }
    let input = Tensor.floats((0..<80).map { Float($0) / 8 - 5 }, [2, 40])
    #expect(try expectSame(model, [input]).sorted() == ["Gelu", "HardSwish", "SiLU"])
  }

  @Test func geluByTanhIsFound() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 40])
    for (name, value) in [
      ("half", 0.5), ("one", 1), ("third", 3), ("cubic", 0.044715), ("root", 0.7978845608),
    ] {
      model.initializer(name, [], floats: [Float(value)])
    }
    model.node("Pow", ["x", "third"], ["a"])
    model.node("Mul", ["cubic", "a"], ["b"])
    model.node("Add", ["x", "b"], ["c"])
    model.node("Mul", ["root", "c"], ["d"])
    model.node("Tanh", ["d"], ["e"])
    model.node("Add", ["e", "one"], ["f"])
    model.node("Mul", ["half", "f"], ["g"])
    model.node("Mul", ["x", "g"], ["y"])
    model.output("y")
    let input = Tensor.floats((0..<80).map { Float($0) / 8 - 5 }, [2, 40])
    #expect(try expectSame(model, [input]) == ["Gelu"])
  }

  @Test(arguments: [false, true])
  func attentionIsOneStep(_ hasMask: Bool) throws {
    var model = OnnxModelBuilder()
    for name in ["q", "k", "v"] { model.input(name, .fp32, ["b", 5, 2, 8]) }
    model.initializer("scale", [], floats: [2.5])
    model.node("Transpose", ["q"], ["qh"], ["perm": .ints([0, 2, 1, 3])])
    model.node("Transpose", ["k"], ["kh"], ["perm": .ints([0, 2, 3, 1])])
    model.node("Transpose", ["v"], ["vh"], ["perm": .ints([0, 2, 1, 3])])
    model.node("MatMul", ["qh", "kh"], ["s"])
    model.node("Div", ["s", "scale"], ["t"])
    if hasMask {
      model.input("mask", .fp32, ["b", 1, 1, 5])
      model.node("Add", ["t", "mask"], ["m"])
    }
    model.node("Softmax", [hasMask ? "m" : "t"], ["p"])
    model.node("MatMul", ["p", "vh"], ["o"])
    model.node("Transpose", ["o"], ["y"], ["perm": .ints([0, 2, 1, 3])])
    model.output("y")
    var inputs = (0..<3).map { place in
      Tensor.floats((0..<240).map { sin(Float($0 + 7 * place)) }, [3, 5, 2, 8])
    }
    if hasMask { inputs.append(.floats((0..<15).map { $0 % 5 == 4 ? -1e4 : Float($0) / 9 }, [3, 1, 1, 5])) }
    #expect(try expectSame(model, inputs) == ["FusedAttention"])
  }

  @Test func channelsLastFromEndToEnd() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 3, 17, 19])
    model.initializer("w1", [16, 3, 3, 3], floats: wave(432))
    model.initializer("w2", [16, 1, 3, 3], floats: wave(144))
    model.initializer("w3", [24, 16, 1, 1], floats: wave(384))
    model.initializer("w4", [24, 8, 2, 2], floats: wave(768))
    model.initializer("gate", [1, 24, 1, 1], floats: wave(24))
    model.initializer("two", [], floats: [2])
    model.initializer("scales", [4], floats: [1, 1, 2, 3])
    let pads = OnnxModelBuilder.Attribute.ints([1, 1, 1, 1])
    model.node("Conv", ["x", "w1"], ["a"], ["pads": pads, "strides": .ints([2, 2])])
    model.node("Mul", ["a", "two"], ["b"])
    model.node("Conv", ["b", "w2"], ["c"], ["pads": pads, "group": .int(16)])
    model.node("MaxPool", ["c"], ["d"], ["kernel_shape": .ints([3, 3]), "pads": pads])
    model.node(
      "AveragePool", ["c"], ["e"],
      ["kernel_shape": .ints([3, 3]), "pads": pads, "count_include_pad": .int(1)])
    model.node("Add", ["d", "e"], ["f"])
    model.node("Conv", ["f", "w3"], ["g"])
    model.node("Mul", ["g", "gate"], ["h"])
    model.node("GlobalAveragePool", ["h"], ["i"])
    model.node("Sigmoid", ["i"], ["j"])
    model.node("Mul", ["h", "j"], ["k"])
    model.node("Concat", ["k", "g"], ["l"], ["axis": .int(1)])
    model.node("Resize", ["l", "", "scales"], ["m"], ["mode": .string("linear")])
    model.node("Softplus", ["m"], ["y"])
    model.node("ConvTranspose", ["k", "w4"], ["z"], ["strides": .ints([2, 2])])
    model.output("y")
    model.output("z")
    let input = Tensor.floats(wave(2 * 3 * 17 * 19), [2, 3, 17, 19])
    let operators = try expectSame(model, [input])
    // Of the image, of both outputs' values, and of the gates, whose one pixel lies the same either way.
    #expect(operators.count { $0 == "LayoutChange" } == 5, "\(operators)")
  }

  @Test(arguments: ["forward", "reverse", "bidirectional"])
  func recurrentOperatorsRunOnTheKernels(_ direction: String) throws {
    let directions = direction == "bidirectional" ? 2 : 1
    for (type, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
      var model = OnnxModelBuilder()
      model.input("x", .fp32, [6, "n", 5])
      model.initializer("w", [directions, gates * 9, 5], floats: wave(directions * gates * 45))
      model.initializer("r", [directions, gates * 9, 9], floats: wave(directions * gates * 81))
      model.initializer("b", [directions, gates * 18], floats: wave(directions * gates * 18))
      model.input("lengths", .int32, ["n"])
      model.input("h", .fp32, [directions, "n", 9])
      model.node(
        type, ["x", "w", "r", "b", "lengths", "h"], ["y", "last"],
        ["hidden_size": .int(9), "direction": .string(direction)])
      model.output("y")
      model.output("last")
      let lengths = Tensor(name: "", datatype: .int32, shape: [3])!
      for (place, length) in [6, 2, 5].enumerated() {
        lengths.elements(as: Int32.self)[place] = Int32(length)
      }
      let inputs = [
        Tensor.floats(wave(90), [6, 3, 5]), lengths, .floats(wave(directions * 27), [directions, 3, 9]),
      ]
      #expect(try expectSame(model, inputs) == [type])
    }
  }

  @Test func dynamicQuantizationIsOneProduct() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 32])
    let weights = wave(32 * 24).map { UInt8(bitPattern: Int8(127 * $0)) }
    model.raw { graph in
      graph.message(5) { tensor in
        for size in [32, 24] { tensor.integer(1, size) }
        tensor.integer(2, 3)
        tensor.data(9, weights)
        tensor.text(8, "w")
      }
    }
    model.initializer("ws", [], floats: [0.01])
    model.initializer("bias", [24], floats: wave(24))
    model.node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])
    model.node("MatMulInteger", ["q", "w", "z"], ["sums"])
    model.node("Cast", ["sums"], ["floats"], ["to": .int(1)])
    model.node("Mul", ["s", "ws"], ["scale"])
    model.node("Mul", ["floats", "scale"], ["scaled"])
    model.node("Add", ["scaled", "bias"], ["y"])
    model.output("y")
    let operators = try expectSame(model, [.floats(wave(96), [3, 32])])
    #expect(operators == ["MatMul"])
  }

  @Test func rowsOfLargeImagesRunOneByOne() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 3, 180, 180])
    model.initializer("w", [16, 3, 3, 3], floats: wave(432))
    model.initializer("v", [16, 16, 1, 1], floats: wave(256))
    model.node("Conv", ["x", "w"], ["a"])
    model.node("Relu", ["a"], ["b"])
    model.node("Conv", ["b", "v"], ["c"])
    model.node("GlobalAveragePool", ["c"], ["y"])
    model.output("y")
    let pool = ThreadPool(workerCount: 1)
    var options = SessionOptions.testing
    options.engine.team = ThreadTeam(pool)
    let session = try LoadedModel(model, options: options).session
    let row = 3 * 180 * 180
    let values = wave(3 * row)
    let all = try session.run([.floats(values, [3, 3, 180, 180])])[0]
    #expect(try session.rowPlan([[3, 3, 180, 180]]) != nil)
    #expect(all.shape == [3, 16, 1, 1])
    for index in 0..<3 {
      let one = try session.run([.floats(Array(values[index * row..<(index + 1) * row]), [1, 3, 180, 180])])[
        0]
      let part = Tensor.floats(Array(all.floatValues[index * 16..<(index + 1) * 16]), [1, 16, 1, 1])
      #expect(part.difference(from: one, relative: 1e-5, absolute: 1e-5) == nil)
    }
  }

  @Test func branchesThatShapesChooseArePlanned() throws {
    var yes = OnnxModelBuilder()
    yes.node("Squeeze", ["x", "axis"], ["then"])
    yes.output("then")
    var no = OnnxModelBuilder()
    no.node("Identity", ["x"], ["else"])
    no.output("else")
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", "m"])
    model.initializer("axis", [1], integers: [1])
    model.initializer("one", [], integers: [1])
    model.node("Shape", ["x"], ["shape"])
    model.node("Gather", ["shape", "one"], ["size"])
    model.node("Equal", ["size", "one"], ["c"])
    model.node("If", ["c"], ["z"], ["then_branch": .graph(yes.subgraph), "else_branch": .graph(no.subgraph)])
    model.node("Relu", ["z"], ["y"])
    model.output("y", .fp32, ["k"])
    let session = try LoadedModel(model).session
    #expect(try session.planText([[3, 1]]).contains("Relu"))
    #expect(try session.run([.floats([1, -2, 3], [3, 1])])[0].shape == [3])
    #expect(try session.run([.floats([1, -2, 3], [1, 3])])[0].shape == [1, 3])
  }

  private func wave(_ count: Int) -> [Float] { (0..<count).map { sin(Float($0 * $0 % 1009)) / 2 } }

  /// Compares the outputs with all passes and with none.
  /// - Returns: the operators that are left.
  private func expectSame(_ model: OnnxModelBuilder, _ inputs: [Tensor]) throws -> [String] {
    var options = SessionOptions.testing
    let fast = try LoadedModel(model, options: options)
    options.passes = []
    let slow = try LoadedModel(model, options: options)
    for (result, expected) in zip(try fast.session.run(inputs), try slow.session.run(inputs)) {
      #expect(result.difference(from: expected, relative: 1e-3, absolute: 1e-4) == nil, "\(result.name)")
    }
    return fast.session.graph.nodes.map(\.operation.name)
  }
}
