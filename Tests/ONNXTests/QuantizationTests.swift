import ONNX
import Tensors
import TestSupport
import Testing

@Suite struct QuantizationTests {
  @Test func levelsAreRoundedToEvenAndCut() throws {
    let zero = try #require(Tensor(name: "", datatype: .uint8, shape: []))
    zero.elements(as: UInt8.self)[0] = 128
    let y = try outputs(
      "QuantizeLinear", [.floats([0, 1, 3, 1000, -1000], [5]), .floats([2], []), zero], [.uint8])[0]
    // 0.5 goes to 0 and 1.5 to 2: halves to the even level.
    #expect(y.byteValues == [128, 128, 130, 255, 0])
    let back = try outputs("DequantizeLinear", [y, .floats([2], []), zero], [.fp32])[0]
    #expect(back.floatValues == [0, 0, 4, 254, -256])
  }

  @Test func scalesBelongToPlacesOfAnAxis() throws {
    let x = try #require(Tensor(name: "", datatype: .int8, shape: [2, 2]))
    for (index, value) in [Int8(1), -2, 3, -4].enumerated() { x.elements(as: Int8.self)[index] = value }
    let rows = try outputs("DequantizeLinear", [x, .floats([1, 10], [2])], [.fp32], ["axis": .int(0)])[0]
    #expect(rows.floatValues == [1, -2, 30, -40])
    let blocks = try outputs(
      "DequantizeLinear", [x, .floats([1, 10], [2, 1])], [.fp32], ["axis": .int(1), "block_size": .int(2)],
      opset: 21)[0]
    #expect(blocks.floatValues == [1, -2, 30, -40])
  }

  @Test func productsOfBytesHaveZeroPoints() throws {
    func bytes(_ values: [UInt8], _ shape: Shape) throws -> Tensor {
      let tensor = try #require(Tensor(name: "", datatype: .uint8, shape: shape))
      for (index, value) in values.enumerated() { tensor.elements(as: UInt8.self)[index] = value }
      return tensor
    }
    let y = try outputs(
      "MatMulInteger", [try bytes([11, 7], [1, 2]), try bytes([1, 4], [2, 1]), try bytes([12], [])], [.int32])[
        0]
    // (11-12)·1 + (7-12)·4
    #expect(Array(y.elements(as: Int32.self)) == [-21])
  }

  @Test func aTensorIsQuantizedByItsOwnRange() throws {
    let y = try outputs(
      "DynamicQuantizeLinear", [.floats([0, 2, -3, -2.5, 1.34, 0.5], [6])], [.uint8, .fp32, .uint8])
    #expect(y[0].byteValues == [153, 255, 0, 26, 221, 179] && y[2].byteValues == [153])
    #expect(abs(y[1].floatValues[0] - 5 / 255) < 1e-7)
  }
}
