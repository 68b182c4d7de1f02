import Foundation
import Tensors
import TestSupport
import Testing

@testable import ONNX

@Suite struct SimplificationTests {
  @Test func convolutionNormalizationBiasResidualAndActivationBecomeOneNode() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("model.onnx", Data(network().bytes()))
    let options = SessionOptions.testing
    let graph = try GraphBuilder.graph(of: try ModelDecoder.decode(path: path))
    let inferred = try ShapeInference.infer(graph, options.engine)
    let simplified = try Simplification.simplified(inferred, options.engine).graph
    #expect(graph.nodes.count == 8)
    #expect(
      simplified.nodes.map(\.operation.name) == [
        "LayoutChange", "Conv", "Conv", "LayoutChange", "Flatten", "MatMul",
      ])
  }

  @Test(arguments: Simplification.passes.indices)
  func leavingOutAPassChangesNothing(_ left: Int) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("model.onnx", Data(network().bytes()))
    let input = Tensor.floats((0..<72).map { sin(Float($0)) }, [2, 4, 3, 3])
    var options = SessionOptions.testing
    options.passes = []
    let expected = try Session(path: path, options: options).run([input])[0]
    options.passes = Simplification.passes
    let all = try Session(path: path, options: options).run([input])[0]
    options.passes.remove(at: left)
    let some = try Session(path: path, options: options).run([input])[0]
    #expect(all.difference(from: expected, relative: 1e-4, absolute: 1e-4) == nil)
    #expect(some.difference(from: expected, relative: 1e-4, absolute: 1e-4) == nil)
  }

  private func network() -> OnnxModelBuilder {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 4, 3, 3])
    let weights = (0..<16).map { cos(Float($0)) }
    model.initializer("w", [4, 4, 1, 1], floats: weights)
    for (name, values) in [
      ("scale", [1, 2, 0.5, 1]), ("shift", [0, 1, -1, 0.25]), ("mean", [0.1, 0, -0.1, 0.2]),
      ("variance", [1, 2, 3, 4]),
    ] as [(String, [Float])] {
      model.initializer(name, [4], floats: values)
    }
    model.initializer("m", [36, 3], floats: (0..<108).map { sin(Float($0) / 3) })
    model.initializer("bias", [3], floats: [1, 2, 3])
    model.node("Conv", ["x", "w"], ["c"])
    model.node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["b"])
    model.node("Relu", ["b"], ["r"])
    model.node("Conv", ["r", "w"], ["d"])
    model.node("Add", ["d", "x"], ["e"])
    model.node("Flatten", ["e"], ["f"])
    model.node("MatMul", ["f", "m"], ["p"])
    model.node("Add", ["p", "bias"], ["y"])
    model.output("y")
    return model
  }
}
