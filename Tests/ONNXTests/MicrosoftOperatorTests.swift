import Foundation
import ONNX
import Tensors
import TestSupport
import Testing

/// Operators of com.microsoft, against what they are defined as. `scripts/onnx-exporters` compares all of them
/// with onnxruntime.
@Suite struct MicrosoftOperatorTests {
  private func run(
    _ type: String, _ inputs: [Tensor], _ datatypes: [Datatype] = [.fp32],
    _ attributes: [String: OnnxModelBuilder.Attribute] = [:], domain: String = "com.microsoft"
  ) throws -> [Tensor] {
    try outputs(type, inputs, datatypes, attributes, opset: 17, domain: domain)
  }

  @Test func aFusedProductTransposesAndScales() throws {
    let a = Tensor.floats([1, 2, 3, 4, 5, 6], [3, 2])
    let b = Tensor.floats([1, 0, 2, 1, 1, 1], [2, 3])
    let y = try run(
      "FusedMatMul", [a, b], [.fp32], ["transA": .int(1), "transB": .int(1), "alpha": .float(2)])[0]
    // Aᵀ is [[1,3,5],[2,4,6]], Bᵀ is [[1,1],[0,1],[2,1]].
    #expect(y.shape == [2, 2] && y.floatValues == [22, 18, 28, 24])
  }

  @Test func aSkipIsAddedBeforeItIsNormalized() throws {
    let y = try run(
      "SkipLayerNormalization",
      [
        .floats([1, 2, 3, 4], [1, 2, 2]), .floats([1, 4, 1, 0], [1, 2, 2]), .floats([1, 1], [2]),
        .floats([0, 10], [2]),
      ])[0]
    let expected: [Float] = [-1, 11, -0, 10]
    #expect(y.shape == [1, 2, 2])
    #expect(zip(y.floatValues, expected).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test func keysBehindALengthAreHidden() throws {
    // One head of size 1: the output is the mean of the values that are seen, since all scores are 0.
    let q = Tensor.floats([0, 0], [1, 2, 1])
    let v = Tensor.floats([1, 3, 100], [1, 3, 1])
    let lengths = Tensor(name: "", datatype: .int32, shape: [1])!
    lengths.elements(as: Int32.self)[0] = 2
    var model = OnnxModelBuilder(opset: 17)
    model.domains["com.microsoft"] = 1
    model.input("q", .fp32, [1, 2, 1])
    model.input("v", .fp32, [1, 3, 1])
    model.input("lengths", .int32, [1])
    model.node(
      "MultiHeadAttention", ["q", "v", "v", "", "lengths"], ["y"], name: "node", domain: "com.microsoft",
      ["num_heads": .int(1)])
    model.output("y")
    // Scores are q · k = 0 wherever they are seen.
    let y = try LoadedModel(model).session.run([q, v, lengths])[0]
    #expect(y.floatValues.allSatisfy { abs($0 - 2) < 1e-5 })
  }

  @Test func textsAreTakenApart() throws {
    var model = OnnxModelBuilder(opset: 17)
    model.domains["com.microsoft"] = 1
    model.input("x", .bytes, [2])
    model.node(
      "Tokenizer", ["x"], ["y"], name: "node", domain: "com.microsoft",
      ["tokenexp": .string("[a-z]+"), "pad_value": .string("#"), "mincharnum": .int(1), "mark": .int(0)])
    model.output("y", .bytes, [2, ""])
    let y = try LoadedModel(model).session.run([.texts(["ab cd", "e"], [2])])[0]
    #expect(y.shape == [2, 2] && y.textValues == ["ab", "cd", "e", "#"])
  }

  @Test func whatIsNotComputedIsRefusedByName() throws {
    var model = OnnxModelBuilder(opset: 17)
    model.domains["com.microsoft"] = 1
    model.input("x", .fp32, [2, 2])
    model.node(
      "FusedMatMul", ["x", "x"], ["y"], name: "node", domain: "com.microsoft", ["transBatchA": .int(1)])
    model.output("y")
    let refusal = try #require(try LoadedModel.refusal(model))
    #expect(refusal.contains("node 'node' (FusedMatMul)") && refusal.contains("transBatchA"))
  }
}

@Suite struct CommonSubexpressionTests {
  @Test func nodesThatComputeTheSameShareOneResult() throws {
    var model = OnnxModelBuilder(opset: 17)
    model.input("x", .fp32, ["n", 2])
    for name in ["a", "b"] { model.node("Softmax", ["x"], [name], name: name, ["axis": .int(1)]) }
    model.node("Softmax", ["x"], ["c"], name: "c", ["axis": .int(0)])
    model.node("Add", ["a", "b"], ["ab"], name: "ab")
    model.node("Add", ["ab", "c"], ["y"], name: "y")
    model.output("y")
    let folder = try TemporaryFolder()
    let path = try folder.write("model.onnx", .init(model.bytes()))
    let text = try StageReport.text(path: path, stage: .simplified, options: .testing)
    #expect(text.components(separatedBy: "Softmax(").count - 1 == 2, "\(text)")
    let y = try LoadedModel(model).session.run([.floats([0, 0], [1, 2])])[0]
    #expect(y.floatValues == [2, 2])
  }
}
