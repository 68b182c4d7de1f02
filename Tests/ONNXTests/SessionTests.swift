import Foundation
import Locks
import ONNX
import Tensors
import TestSupport
import Testing

@Suite struct SessionTests {
  @Test func aModelTellsItsInputsAndOutputs() throws {
    let session = try LoadedModel(sum()).session
    #expect(session.inputs == [TensorDescription(name: "x", datatype: .fp32, shape: [-1, 2])])
    #expect(session.outputs == [TensorDescription(name: "y", datatype: .fp32, shape: [-1, 2])])
    #expect(session.isBatchable)
  }

  @Test func tensorsThatDoNotFitAreRefusedByName() throws {
    let session = try LoadedModel(sum()).session
    #expect(throws: ONNXError.self) { try session.run([]) }
    let error = #expect(throws: ONNXError.self) { try session.run([.floats([1, 2, 3], [1, 3])]) }
    #expect(error?.message.contains("input 'x' has shape [1,3], expected [-1,2]") == true)
    #expect(throws: ONNXError.self) { try session.run([.integers([1, 2], [1, 2])]) }
  }

  @Test func outputsAreWrittenIntoTheMemoryThatWasGiven() throws {
    let session = try LoadedModel(sum()).session
    let target = try #require(Tensor(name: "y", datatype: .fp32, shape: [2, 2]))
    let input = Tensor.floats([1, 2, 3, 4], [2, 2])
    try withExtendedLifetime(input) {
      try session.run([InputView(input)]) { index, datatype, shape in
        #expect(index == 0 && datatype == .fp32 && shape == [2, 2])
        return target.data
      } texts: { _, _ in
        Issue.record("no output holds texts")
        return target.data
      }
    }
    #expect(target.floatValues == [11, 22, 13, 24])
  }

  @Test func anOutputThatIsAnInputOrAConstantIsCopied() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, [2])
    model.initializer("c", [2], floats: [7, 8])
    model.node("Identity", ["x"], ["same"])
    model.node("Identity", ["c"], ["fixed"])
    model.output("same")
    model.output("fixed")
    model.output("x")
    let results = try LoadedModel(model).session.run([.floats([1, 2], [2])])
    #expect(results.map(\.floatValues) == [[1, 2], [7, 8], [1, 2]])
  }

  @Test func memoryIsReusedAlongAChain() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 1024])
    for index in 0..<20 {
      model.node("Softmax", [index == 0 ? "x" : "v\(index)"], ["v\(index + 1)"])
      model.node("Transpose", ["v\(index + 1)"], ["t\(index + 1)"], ["perm": .ints([1, 0])])
    }
    model.node("Neg", ["v20"], ["y"])
    model.output("y")
    let session = try LoadedModel(model).session
    let bytes = try #require(try session.runBytes([[4, 1024]]))
    #expect(bytes <= 3 * 4 * 1024 * 4)
  }

  @Test func shapesComeAndGoBeyondTheKeptPlans() throws {
    var options = SessionOptions.testing
    options.keptPlans = 2
    let session = try LoadedModel(sum(), options: options).session
    for rows in [1, 2, 3, 4, 1, 3, 0] {
      let result = try session.run([.floats(Array(repeating: 1, count: rows * 2), [rows, 2])])[0]
      #expect(result.floatValues == (0..<rows).flatMap { _ in [11, 21] as [Float] })
    }
  }

  @Test func aShapeGivenAsATensorIsFollowed() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, [6])
    model.input("shape", .int64, [2])
    model.node("Reshape", ["x", "shape"], ["y"], name: "r")
    model.output("y")
    let session = try LoadedModel(model).session
    let values: [Float] = [1, 2, 3, 4, 5, 6]
    for shape in [[2, 3], [3, 2], [-1, 1]] {
      let result = try session.run([.floats(values, [6]), .integers(shape, [2])])[0]
      #expect(result.shape == Shape(shape.map { $0 < 0 ? 6 : $0 }))
      #expect(result.floatValues == values)
    }
    let error = #expect(throws: ONNXError.self) {
      try session.run([.floats(values, [6]), .integers([4, 4], [2])])
    }
    #expect(error?.message.contains("node 'r' (Reshape)") == true)
  }

  @Test func runsOnSeveralThreadsDoNotDisturbOneAnother() throws {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 8])
    model.initializer("w", [8, 8], floats: (0..<64).map { Float($0 % 9) - 4 })
    model.node("MatMul", ["x", "w"], ["a"])
    model.node("Relu", ["a"], ["b"])
    model.node("MatMul", ["b", "w"], ["c"])
    model.node("Add", ["c", "x"], ["y"])
    model.output("y")
    let session = try LoadedModel(model).session
    let inputs = (0..<8).map { thread in
      Tensor.floats((0..<(thread % 3 + 1) * 8).map { Float($0 + thread) }, [thread % 3 + 1, 8])
    }
    let expected = try inputs.map { try session.run([$0])[0].floatValues }
    let agree = Lock(true)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for _ in 0..<100 {
        let result = try? session.run([inputs[thread]])[0].floatValues
        if result != expected[thread] { agree.withLock { $0 = false } }
      }
    }
    #expect(agree.withLock { $0 })
  }

  @Test func aRunBeyondTheMemoryLimitIsRefused() throws {
    var options = SessionOptions.testing
    options.engine.limits.arenaBytes = 4096
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["n", 1024])
    model.node("Softmax", ["x"], ["a"])
    model.node("Transpose", ["a"], ["b"], ["perm": .ints([1, 0])])
    model.node("Softmax", ["b"], ["y"])
    model.output("y")
    let session = try LoadedModel(model, options: options).session
    let input = Tensor.floats(Array(repeating: 0, count: 4096), [4, 1024])
    let error = #expect(throws: ONNXError.self) { try session.run([input]) }
    #expect(error?.kind == .limit)
  }

  private func sum() -> OnnxModelBuilder {
    var model = OnnxModelBuilder()
    model.input("x", .fp32, ["batch", 2])
    model.initializer("c", [2], floats: [10, 20])
    model.node("Add", ["x", "c"], ["y"], name: "add")
    model.output("y")
    return model
  }
}
