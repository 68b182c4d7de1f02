import PluginHost
import Tensors
import TestSupport
import Testing

@testable import Serving

private let model = ModelDescription(
  inputs: [TensorSpec(name: "x", datatype: .fp32, shape: [-1, 4])],
  outputs: [TensorSpec(name: "y", datatype: .fp32, shape: [-1, -1])], maximumBatch: 8,
  concurrency: .concurrent)

private func configuration(_ change: (inout ModelConfiguration) -> Void) -> ModelConfiguration {
  var configuration = ModelConfiguration()
  change(&configuration)
  return configuration
}

private func fault(_ change: (inout ModelConfiguration) -> Void) -> String {
  do {
    _ = try ConfiguredSignature(model, configuration(change))
    return ""
  } catch {
    return error.message
  }
}

@Test func aConfigurationThatFitsNarrowsOpenDimensionsAndNamesClasses() throws {
  let signature = try ConfiguredSignature(
    model,
    configuration {
      $0.maximumBatch = 4
      $0.inputs = [TensorSettings(name: "x", datatype: .fp32, dimensions: [4])]
      var output = TensorSettings(name: "y", datatype: .fp32, dimensions: [2])
      output.labels = ["cat", "dog"]
      $0.outputs = [output]
    })
  #expect(signature.description.inputs[0].shape == [-1, 4])
  #expect(signature.description.outputs[0].shape == [-1, 2])
  #expect(signature.description.outputs[0].labels == ["cat", "dog"])
  #expect(!signature.reshapes)
}

@Test func whatDoesNotFitTheModelIsNamed() {
  func input(_ name: String, _ datatype: Datatype, _ dimensions: [Int]) -> (inout ModelConfiguration) -> Void
  {
    { $0.inputs = [TensorSettings(name: name, datatype: datatype, dimensions: dimensions)] }
  }
  #expect(fault(input("z", .fp32, [4])).contains("input 'z'; the model has 'x'"))
  #expect(fault(input("x", .int32, [4])).contains("is INT32; the model says FP32"))
  #expect(fault(input("x", .fp32, [5])).contains("[-1,5] with its batch dimension; the model says [-1,4]"))
  #expect(fault(input("x", .fp32, [])).contains("the model says [-1,4]"))
  #expect(fault(input("x", .fp32, [4])).isEmpty)
  #expect(fault(input("x", .fp32, [-1, 4])).isEmpty, "with the batch dimension written out")
}

@Test func withoutABatchDimensionRowsAreNotStacked() throws {
  let signature = try ConfiguredSignature(
    model,
    configuration {
      $0.maximumBatch = 0
      $0.inputs = [TensorSettings(name: "x", datatype: .fp32, dimensions: [-1, 4])]
    })
  #expect(signature.description.maximumBatch == 1)
  #expect(signature.description.inputs[0].shape == [-1, 4])
}

@Test func aReshapeGoesBothWays() throws {
  let signature = try ConfiguredSignature(
    model,
    configuration {
      var input = TensorSettings(name: "x", datatype: .fp32, dimensions: [2, 2])
      input.reshaped = [4]
      $0.inputs = [input]
    })
  #expect(signature.description.inputs[0].shape == [-1, 2, 2])
  let reshape = try #require(signature.inputReshapes["x"])
  let outer = Tensor.floats((0..<12).map(Float.init), [3, 2, 2], name: "x")
  #expect(reshape.inward(outer)?.shape == [3, 4])
  #expect(reshape.inward(outer).flatMap(reshape.outward)?.shape == [3, 2, 2])
  #expect(reshape.inward(.floats([1, 2], [2])) == nil)
}

@Test func openDimensionsOfAReshapeKeepTheirOrder() {
  let reshape = Reshape(outer: [-1, 1, -1], inner: [-1, -1], hasBatch: false)
  #expect(reshape.inward(.floats(Array(repeating: 0, count: 6), [2, 1, 3]))?.shape == [2, 3])
  #expect(reshape.outward(.floats(Array(repeating: 0, count: 6), [3, 2]))?.shape == [3, 1, 2])
}
