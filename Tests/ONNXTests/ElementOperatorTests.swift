import Foundation
import ONNX
import Tensors
import TestSupport
import Testing

/// Operators on elements and on matrices.
@Suite struct ElementOperatorTests {
  @Test(arguments: [
    ("Relu", [0, 0, 0.5, 2]), ("LeakyRelu", [-0.01, 0, 0.5, 2]),
    ("Sigmoid", [0.26894143, 0.5, 0.62245935, 0.880797]),
    ("Tanh", [-0.7615942, 0, 0.46211717, 0.9640276]), ("Exp", [0.36787945, 1, 1.6487213, 7.389056]),
    ("Neg", [1, 0, -0.5, -2]), ("Abs", [1, 0, 0.5, 2]), ("Floor", [-1, 0, 0, 2]), ("Ceil", [-1, 0, 1, 2]),
    ("Erf", [-0.8427008, 0, 0.5204999, 0.9953223]), ("HardSigmoid", [0.3, 0.5, 0.6, 0.9]),
    ("HardSwish", [-0.33333334, 0, 0.29166666, 1.6666666]),
  ])
  func functionsOfOneValue(_ type: String, _ expected: [Float]) throws {
    let result = try evaluate(type, [.floats([-1, 0, 0.5, 2], [4])])
    #expect(result.difference(from: .floats(expected, [4]), relative: 1e-5, absolute: 1e-6) == nil)
  }

  @Test(arguments: [
    ("Add", [11, 22, 13, 24]), ("Sub", [-9, -18, -7, -16]), ("Mul", [10, 40, 30, 80]),
    ("Div", [0.1, 0.1, 0.3, 0.2]),
  ])
  func arithmeticBroadcasts(_ type: String, _ expected: [Float]) throws {
    let a = Tensor.floats([1, 2, 3, 4], [2, 2])
    let b = Tensor.floats([10, 20], [2])
    let result = try evaluate(type, [a, b])
    #expect(result.difference(from: .floats(expected, [2, 2]), relative: 1e-6, absolute: 1e-7) == nil)
    let column = try evaluate("Add", [.floats([1, 2], [2, 1]), .floats([10, 20, 30], [1, 3])])
    #expect(column.floatValues == [11, 21, 31, 12, 22, 32])
  }

  @Test func integersWrapAndNeverTrap() throws {
    let a = Tensor.integers([Int.max, Int.min, 7, -7], [4])
    #expect(try evaluate("Add", [a, .integers([1], [1])]).intValues == [Int.min, Int.min + 1, 8, -6])
    #expect(
      try evaluate("Div", [a, .integers([-1, -1, 0, 2], [4])]).intValues == [-Int.max, Int.min, 0, -3])
  }

  @Test func shapesThatDoNotBroadcastAreRefused() throws {
    let error = #expect(throws: ONNXError.self) {
      try evaluate("Add", [.floats([1, 2], [2]), .floats([1, 2, 3], [3])])
    }
    #expect(error?.message.contains("shapes [2] and [3] do not broadcast") == true)
  }

  @Test func clipTakesBoundsFromAttributesOrInputs() throws {
    let x = Tensor.floats([-5, 0, 5], [3])
    let old = try evaluate("Clip", [x], ["min": .float(-1), "max": .float(2)], opset: 10)
    #expect(old.floatValues == [-1, 0, 2])
    #expect(
      try evaluate("Clip", [x, .floats([-1], []), .floats([2], [])], constants: [1, 2]).floatValues == [
        -1, 0, 2,
      ])
    #expect(try evaluate("Clip", [x, .floats([-1], [])]).floatValues == [-1, 0, 5])
  }

  @Test func matMulOfStacksAndVectors() throws {
    let a = Tensor.floats([1, 2, 3, 4], [2, 2])
    let b = Tensor.floats([5, 6, 7, 8], [2, 2])
    #expect(try evaluate("MatMul", [a, b]).floatValues == [19, 22, 43, 50])
    #expect(try evaluate("MatMul", [a, b], constants: [1]).floatValues == [19, 22, 43, 50])
    let vector = try evaluate("MatMul", [.floats([1, 2], [2]), b])
    #expect(vector.shape == [2] && vector.floatValues == [19, 22])
    let stack = Tensor.floats([1, 0, 0, 1, 2, 0, 0, 2], [2, 2, 2])
    #expect(try evaluate("MatMul", [stack, b]).floatValues == [5, 6, 7, 8, 10, 12, 14, 16])
    #expect(try evaluate("MatMul", [b, stack]).floatValues == [5, 6, 7, 8, 10, 12, 14, 16])
  }

  @Test func gemmTransposesScalesAndAdds() throws {
    let a = Tensor.floats([1, 2, 3, 4], [2, 2])
    let b = Tensor.floats([5, 6, 7, 8], [2, 2])
    let options: [String: OnnxModelBuilder.Attribute] = [
      "transA": .int(1), "transB": .int(1), "alpha": .float(0.5), "beta": .float(2),
    ]
    let product: [Float] = [11.5, 15.5, 17, 23]
    for constants: Set<Int> in [[], [1], [1, 2]] {
      let columns = try evaluate("Gemm", [a, b, .floats([1, 2], [2])], options, constants: constants)
      #expect(columns.floatValues == zip(product, [2, 4, 2, 4]).map(+))
      let rows = try evaluate("Gemm", [a, b, .floats([1, 2], [2, 1])], options, constants: constants)
      #expect(rows.floatValues == zip(product, [2, 2, 4, 4]).map(+))
    }
  }

  @Test func softmaxFollowsTheOpset() throws {
    let x = Tensor.floats([0, 0, 0, 0, 0, 0, 0, 0], [2, 2, 2])
    #expect(try evaluate("Softmax", [x], opset: 12).floatValues == Array(repeating: 0.25, count: 8))
    #expect(try evaluate("Softmax", [x], opset: 13).floatValues == Array(repeating: 0.5, count: 8))
    let logs = try evaluate("LogSoftmax", [x], ["axis": .int(1)]).floatValues
    #expect(logs.allSatisfy { abs($0 - log(0.5)) < 1e-6 })
  }

  @Test func reductionsTakeAxesFromAttributesOrInputs() throws {
    let x = Tensor.floats([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])
    let old = try evaluate("ReduceMean", [x], ["axes": .ints([0, 2]), "keepdims": .int(0)])
    #expect(old.floatValues == [3.5, 5.5] && old.shape == [2])
    let new = try evaluate("ReduceMean", [x, .integers([-1], [1])], opset: 18, constants: [1])
    #expect(new.floatValues == [1.5, 3.5, 5.5, 7.5] && new.shape == [2, 2, 1])
    #expect(
      try evaluate("ReduceSum", [x, .integers([1], [1])], constants: [1]).floatValues == [4, 6, 12, 14])
    #expect(try evaluate("ReduceMax", [x]).floatValues == [8])
  }

  @Test func castRoundsTowardsZeroAndSaturates() throws {
    let x = Tensor.floats([1.9, -1.9, .nan, .infinity], [4])
    #expect(try evaluate("Cast", [x], ["to": .int(7)]).intValues == [1, -1, 0, Int.max])
    let half = try evaluate("Cast", [.floats([1, 65504, 1e6], [3])], ["to": .int(10)])
    #expect(half.doubles() == [1, 65504, .infinity])
    let brain = try evaluate("Cast", [.floats([1, 3.140625, -2], [3])], ["to": .int(16)])
    #expect(brain.doubles() == [1, 3.140625, -2])
    #expect(try evaluate("Cast", [.integers([0, 5], [2])], ["to": .int(9)]).doubles() == [0, 1])
  }
}
