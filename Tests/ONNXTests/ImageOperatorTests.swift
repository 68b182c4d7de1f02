import ONNX
import Tensors
import TestSupport
import Testing

/// Operators on images, against values computed by hand or by a definition written out here.
@Suite struct ImageOperatorTests {
  private let image = Tensor.floats((1...9).map { Float($0) }, [1, 1, 3, 3])
  private let ones = Tensor.floats([1, 1, 1, 1], [1, 1, 2, 2])

  @Test func convSumsItsWindow() throws {
    #expect(try evaluate("Conv", [image, ones]).floatValues == [12, 16, 24, 28])
    #expect(try evaluate("Conv", [image, ones], constants: [1]).floatValues == [12, 16, 24, 28])
  }

  @Test func convPadsStridesAndDilates() throws {
    #expect(
      try evaluate(
        "Conv", [image, ones], ["pads": .ints([1, 1, 0, 0]), "strides": .ints([2, 2])], constants: [1]
      )
      .floatValues == [1, 5, 11, 28])
    #expect(
      try evaluate("Conv", [image, ones], ["dilations": .ints([2, 2])], constants: [1]).floatValues == [20])
  }

  @Test(arguments: [
    ("SAME_UPPER", [12, 16, 9, 24, 28, 15, 15, 17, 9]), ("SAME_LOWER", [1, 3, 5, 5, 12, 16, 11, 24, 28]),
  ])
  func convPadsToTheSameSize(_ mode: String, _ expected: [Float]) throws {
    #expect(
      try evaluate("Conv", [image, ones], ["auto_pad": .string(mode)], constants: [1]).floatValues == expected
    )
  }

  @Test func convOfGroupsKeepsChannelsApart() throws {
    let x = Tensor.floats([1, 2, 3, 4], [1, 2, 1, 2])
    let w = Tensor.floats([10, 100], [2, 1, 1, 1])
    let bias = Tensor.floats([0, 1], [2])
    let result = try evaluate("Conv", [x, w, bias], ["group": .int(2)], constants: [1, 2])
    #expect(result.floatValues == [10, 20, 301, 401])
  }

  @Test func convOfALineAndOfAVolume() throws {
    let line = Tensor.floats([1, 2, 3, 4], [1, 1, 4])
    let weights = Tensor.floats([1, 10], [1, 1, 2])
    #expect(try evaluate("Conv", [line, weights], constants: [1]).floatValues == [21, 32, 43])
    let volume = Tensor.floats((0..<8).map { Float($0) }, [1, 1, 2, 2, 2])
    let cube = Tensor.floats(Array(repeating: 1, count: 8), [1, 1, 2, 2, 2])
    let bias = Tensor.floats([0.5], [1])
    #expect(try evaluate("Conv", [volume, cube, bias], constants: [1, 2]).floatValues == [28.5])
    let padded = try evaluate("Conv", [volume, cube], ["pads": .ints([1, 0, 0, 1, 0, 0])], constants: [1])
    #expect(padded.floatValues == [6, 28, 22])
  }

  @Test func convRefusesChannelsThatDoNotFit() throws {
    let error = #expect(throws: ONNXError.self) {
      try evaluate("Conv", [image, .floats([1, 1], [1, 2, 1, 1])], constants: [1])
    }
    #expect(error?.message.contains("node 'node' (Conv)") == true)
  }

  @Test func poolsTakeTheGreatestOrTheMean() throws {
    let window = ["kernel_shape": OnnxModelBuilder.Attribute.ints([2, 2])]
    #expect(try evaluate("MaxPool", [image], window).floatValues == [5, 6, 8, 9])
    #expect(try evaluate("AveragePool", [image], window).floatValues == [3, 4, 6, 7])
    let rounded = window.merging(["strides": .ints([2, 2]), "ceil_mode": .int(1)]) { $1 }
    #expect(try evaluate("MaxPool", [image], rounded).floatValues == [5, 6, 8, 9])
  }

  @Test func averagesCountPaddingOnlyWhenTold() throws {
    let padded: [String: OnnxModelBuilder.Attribute] = [
      "kernel_shape": .ints([2, 2]), "pads": .ints([1, 1, 0, 0]), "strides": .ints([3, 3]),
    ]
    #expect(try evaluate("AveragePool", [image], padded).floatValues == [1])
    let counting = padded.merging(["count_include_pad": .int(1)]) { $1 }
    #expect(try evaluate("AveragePool", [image], counting).floatValues == [0.25])
  }

  @Test func globalPoolsLeaveOneValueAChannel() throws {
    let mean = try evaluate("GlobalAveragePool", [image])
    #expect(mean.floatValues == [5] && mean.shape == [1, 1, 1, 1])
    #expect(try evaluate("GlobalMaxPool", [image]).floatValues == [9])
  }

  @Test func batchNormalizationScalesEachChannel() throws {
    let x = Tensor.floats([1, 2, 3, 4], [1, 2, 1, 2])
    let parameters: [Tensor] = [
      .floats([2, 1], [2]), .floats([0, 10], [2]), .floats([1, 3], [2]), .floats([1, 4], [2]),
    ]
    let result = try evaluate("BatchNormalization", [x] + parameters, ["epsilon": .float(0)])
    #expect(result.floatValues == [0, 2, 10, 10.5])
  }
}
