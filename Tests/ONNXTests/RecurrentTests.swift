import Foundation
import ONNX
import Tensors
import TestSupport
import Testing

/// One unit, one step: the cells' formulas by hand.
@Suite struct RecurrentTests {
  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  @Test func anLSTMCell() throws {
    let gates = Tensor.floats([0.1, 0.2, 0.3, 0.4], [1, 4, 1])
    let y = try outputs(
      "LSTM", [.floats([2], [1, 1, 1]), gates, .floats([0, 0, 0, 0], [1, 4, 1])], [.fp32, .fp32, .fp32],
      ["hidden_size": .int(1)])
    let cell = sigmoid(0.2) * tanh(0.8)
    #expect(abs(Double(y[2].floatValues[0]) - cell) < 1e-6)
    #expect(abs(Double(y[0].floatValues[0]) - sigmoid(0.4) * tanh(cell)) < 1e-6)
    #expect(y[0].shape == [1, 1, 1, 1] && y[1].floatValues == y[0].floatValues)
  }

  @Test func aGRUCell() throws {
    let gates = Tensor.floats([0.1, 0.2, 0.3], [1, 3, 1])
    let y = try outputs(
      "GRU", [.floats([2], [1, 1, 1]), gates, .floats([0, 0, 0], [1, 3, 1])], [.fp32],
      ["hidden_size": .int(1)])[0]
    #expect(abs(Double(y.floatValues[0]) - (1 - sigmoid(0.2)) * tanh(0.6)) < 1e-6)
  }

  @Test func anRNNReadsBackwardsAndStopsAtLengths() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, [2, 1, 1])
    model.initializer("w", [1, 1, 1], floats: [1])
    model.initializer("r", [1, 1, 1], floats: [1])
    model.node(
      "RNN", ["x", "w", "r"], ["y"],
      ["hidden_size": .int(1), "direction": .string("reverse"), "activations": .strings(["Relu"])])
    model.output("y", .fp32, [2, 1, 1, 1])
    #expect(try LoadedModel(model).session.run([.floats([1, 10], [2, 1, 1])])[0].floatValues == [11, 10])
  }
}
