import PluginHost
import Tensors
import Testing

@testable import Serving

private let contract = ModelContract(
  name: "m",
  description: ModelDescription(
    inputs: [
      TensorSpec(name: "a", datatype: .fp32, shape: [-1, 2]),
      TensorSpec(name: "b", datatype: .int32, shape: [-1]),
      TensorSpec(name: "c", datatype: .int32, shape: [-1], isOptional: true),
    ], outputs: [], maximumBatch: 8, concurrency: .concurrent), configuredMaximum: nil)

private func tensor(_ name: String, _ datatype: Datatype, _ shape: Shape) -> Tensor {
  Tensor(name: name, datatype: datatype, shape: shape)!
}

private func fault(_ inputs: [Tensor]) -> String? {
  do throws(ServingError) { try contract.check(inputs) } catch { return error.message }
  return nil
}

@Test func whatTheModelAsksForPasses() {
  #expect(fault([tensor("b", .int32, [3]), tensor("a", .fp32, [3, 2])]) == nil)
  #expect(fault([tensor("a", .fp32, [1, 2]), tensor("b", .int32, [1]), tensor("c", .int32, [1])]) == nil)
}

@Test func whatItDoesNotAskForIsNamed() {
  #expect(fault([tensor("a", .fp32, [3, 2])])?.contains("missing required input(s) ['b']") == true)
  #expect(fault([tensor("z", .fp32, [3, 2])])?.contains("unexpected inference input 'z'") == true)
  #expect(
    fault([tensor("a", .fp32, [1, 2]), tensor("a", .fp32, [1, 2])])?.contains("more than once") == true)
  #expect(
    fault([tensor("a", .fp64, [3, 2]), tensor("b", .int32, [3])])
      == "inference input 'a' data-type is 'FP64', but model 'm' expects 'FP32'")
  #expect(
    fault([tensor("a", .fp32, [2]), tensor("b", .int32, [1])])
      == "unexpected shape for input 'a' for model 'm'. Expected [-1,2], got [2]."
      + " NOTE: dimension 0 is the batch: send [1,2] for a single row.")
  #expect(
    fault([tensor("a", .fp32, [3, 2]), tensor("b", .int32, [2])])?.contains("batch size does not match")
      == true)
}

@Test func theConfigurationOnlyNarrowsTheBatch() {
  func maximum(_ model: Int, _ configured: Int?) -> Int {
    ModelContract(
      name: "m",
      description: ModelDescription(inputs: [], outputs: [], maximumBatch: model, concurrency: .serial),
      configuredMaximum: configured
    ).maximumBatch
  }
  #expect(maximum(8, nil) == 8)
  #expect(maximum(8, 4) == 4)
  #expect(maximum(8, 100) == 8)
  #expect(maximum(1, 100) == 1)
}

@Test func absurdDimensionsWithoutElementsAreRefused() {
  let wide = ModelContract(
    name: "w",
    description: ModelDescription(
      inputs: [TensorSpec(name: "a", datatype: .fp32, shape: [-1, -1, -1])], outputs: [], maximumBatch: 8,
      concurrency: .concurrent), configuredMaximum: nil)
  for shape in [[.max, 0, 1], [0, .max, .max], [1 << 20, 0, 1 << 20]] as [Shape] {
    do throws(ServingError) {
      try wide.check([tensor("a", .fp32, shape)])
      Issue.record("\(shape) passed")
    } catch { #expect(error.message.contains("multiply to more than")) }
  }
  #expect(throws: Never.self) { try wide.check([tensor("a", .fp32, [1 << 20, 0, 1 << 10])]) }
}
