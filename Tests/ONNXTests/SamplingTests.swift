import ONNX
import Tensors
import TestSupport
import Testing

/// Operators that read between elements, and those that work along axes.
@Suite struct SamplingTests {
  @Test func aResizeRepeatsOrInterpolates() throws {
    var model = OnnxModelBuilder(opset: 19)
    model.input("x", .fp32, [1, 1, 1, 2])
    model.initializer("scales", [4], floats: [1, 1, 1, 2])
    model.node(
      "Resize", ["x", "", "scales"], ["near"],
      ["coordinate_transformation_mode": .string("asymmetric"), "nearest_mode": .string("floor")])
    model.node("Resize", ["x", "", "scales"], ["line"], ["mode": .string("linear")])
    model.output("near", .fp32, [1, 1, 1, 4])
    model.output("line", .fp32, [1, 1, 1, 4])
    let y = try LoadedModel(model).session.run([.floats([1, 3], [1, 1, 1, 2])])
    #expect(y[0].floatValues == [1, 1, 3, 3] && y[1].floatValues == [1, 1.5, 2.5, 3])
  }

  @Test func aTransposedConvolutionSpreadsEachElement() throws {
    let y = try outputs(
      "ConvTranspose", [.floats([1, 2], [1, 1, 1, 2]), .floats([1, 10, 100, 1000], [1, 1, 2, 2])], [.fp32],
      ["strides": .ints([1, 1])])[0]
    #expect(y.shape == [1, 1, 2, 3] && y.floatValues == [1, 12, 20, 100, 1200, 2000])
  }

  @Test func maxPoolTellsWhereItTookItsElements() throws {
    let y = try outputs(
      "MaxPool", [.floats([1, 5, 2, 4], [1, 1, 2, 2])], [.fp32, .int64], ["kernel_shape": .ints([2, 2])])
    #expect(y[0].floatValues == [5] && y[1].intValues == [1])
  }

  @Test func einsumMultipliesAndSums() throws {
    let (a, b) = (Tensor.floats([1, 2, 3, 4], [2, 2]), Tensor.floats([1, 1], [2]))
    #expect(
      try outputs("Einsum", [a, b], [.fp32], ["equation": .string("ij,j->i")])[0].floatValues == [3, 7])
    #expect(try outputs("Einsum", [a], [.fp32], ["equation": .string("ii")])[0].floatValues == [5])
  }

  @Test func runningSumsAndScatters() throws {
    let x = Tensor.floats([1, 2, 3], [3])
    let exclusive = try outputs("CumSum", [x, .integers([0], [])], [.fp32], ["exclusive": .int(1)])[0]
    #expect(exclusive.floatValues == [0, 1, 3])
    let scattered = try outputs(
      "ScatterElements", [x, .integers([2, 0], [2]), .floats([10, 20], [2])], [.fp32],
      ["reduction": .string("add")],
      opset: 18)[0]
    #expect(scattered.floatValues == [21, 2, 13])
    let tuples = try outputs(
      "GatherND", [.floats([1, 2, 3, 4], [2, 2]), .integers([1, 0], [1, 2])], [.fp32])[0]
    #expect(tuples.floatValues == [3])
  }

  @Test func aTransformOfAnImpulseIsFlat() throws {
    let y = try outputs("DFT", [.floats([1, 0, 0, 0], [1, 4, 1])], [.fp32], ["axis": .int(1)], opset: 17)[0]
    #expect(y.floatValues == [1, 0, 1, 0, 1, 0, 1, 0])
  }

  @Test func attentionWeighsValuesByTheirKeys() throws {
    // Equal scores: the mean of the values; with the causal mask the first query sees the first value only.
    let zero = Tensor.floats([0, 0], [1, 1, 2, 1])
    let values = Tensor.floats([2, 4], [1, 1, 2, 1])
    #expect(try outputs("Attention", [zero, zero, values], [.fp32], opset: 23)[0].floatValues == [3, 3])
    let causal = try outputs("Attention", [zero, zero, values], [.fp32], ["is_causal": .int(1)], opset: 23)[0]
    #expect(causal.floatValues == [2, 3])
  }

  @Test(arguments: [Datatype.fp16, .bf16])
  func halfPrecisionIsComputedInFloat(_ datatype: Datatype) throws {
    let bits: [UInt16] = datatype == .fp16 ? [0x3c00, 0x4000] : [0x3f80, 0x4000]
    let x = try #require(Tensor(name: "", datatype: datatype, shape: [2]))
    for (index, value) in bits.enumerated() { x.elements(as: UInt16.self)[index] = value }
    let y = try outputs("Add", [x, x], [datatype])[0]
    // 1 + 1 and 2 + 2.
    #expect(Array(y.elements(as: UInt16.self)) == (datatype == .fp16 ? [0x4000, 0x4400] : [0x4000, 0x4080]))
  }

  @Test func comparisonsAndBitsAreExact() throws {
    let (a, b) = (Tensor.integers([Int.max, 3], [2]), Tensor.integers([Int.max - 1, 3], [2]))
    #expect(try outputs("Greater", [a, b], [.bool])[0].byteValues == [1, 0])
    #expect(try outputs("LessOrEqual", [a, b], [.bool])[0].byteValues == [0, 1])
    #expect(try outputs("BitwiseXor", [a, b], [.int64])[0].intValues == [1, 0])
    #expect(try outputs("Mod", [.integers([-7], [1]), .integers([3], [1])], [.int64])[0].intValues == [2])
  }
}
