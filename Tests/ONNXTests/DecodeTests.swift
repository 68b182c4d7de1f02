import Foundation
import Tensors
import TestSupport
import Testing

@testable import ONNX

@Suite struct DecodeTests {
  @Test(arguments: OnnxModelBuilder.Storage.allCases)
  func elementsAreTheSameHoweverTheyAreStored(_ storage: OnnxModelBuilder.Storage) throws {
    let floats: [Float] = [1, -2.5, .infinity, 1e-30]
    let integers = [0, -1, 1 << 40, Int.min]
    var builder = OnnxModelBuilder()
    builder.initializer("f", [2, 2], floats: floats, storage: storage)
    builder.initializer("i", integers: integers, storage: storage)
    let model = try decode(builder.bytes())
    #expect(model.graph.initializers.map(\.name) == ["f", "i"])
    #expect(model.graph.initializers[0].constant.floats == floats)
    #expect(model.graph.initializers[0].constant.shape == [2, 2])
    #expect(model.graph.initializers[1].constant.integers == integers)
  }

  @Test func nodesAndMetadataAreReadAsTheyStand() throws {
    var builder = sample()
    builder.metadata = [("labels", "cat,dog")]
    let model = try decode(builder.bytes())
    #expect(model.metadata == ["labels": "cat,dog"])
    #expect(model.opsets == ["": 17])
    #expect(model.graph.nodes.map(\.type) == ["Conv", "Relu", "Reshape", "MatMul"])
    #expect(model.graph.inputs[0].name == "x")
    guard case .tensor(.fp32, let dimensions?) = model.graph.inputs[0].type else {
      Issue.record("no tensor type")
      return
    }
    #expect(dimensions == [.named("batch"), .known(1), .known(6), .known(6)])
  }

  @Test func aFileCutShortIsRefusedOrLoadsWithoutACrash() throws {
    let bytes = sample().bytes()
    #expect(bytes.count > 97 * 10)
    var refused = 0
    for count in stride(from: 0, to: bytes.count, by: 97) {
      do { try load(Array(bytes[..<count])) } catch let error as ONNXError {
        refused += 1
        #expect(error.message.contains("model.onnx: "))
      }
    }
    #expect(refused > 9)
  }

  @Test func changedBytesNeverCrash() throws {
    let seed = seedOfThisRun()
    print("SWERVE_SEED=\(seed)")
    var generator = SeededGenerator(seed: seed)
    let bytes = sample().bytes()
    for _ in 0..<400 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        changed[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      do { try load(changed) } catch is ONNXError {}
    }
  }

  @Test func aMissingAnEmptyAndAForeignFileAreToldApart() throws {
    #expect(throws: ONNXError.self) { try ModelDecoder.decode(path: "/nowhere/model.onnx") }
    #expect(try refusal([]).contains("empty"))
    #expect(try refusal(Array("not a model at all".utf8)).contains("at byte"))
    #expect(try refusal([0x08, 0x08]).contains("no graph"))
  }

  @Test func aTensorOfAnotherSizeThanItsShapeIsRefused() throws {
    var builder = OnnxModelBuilder()
    builder.initializer("w", [3], floats: [1, 2])
    #expect(try refusal(builder.bytes()).contains("tensor 'w': raw_data of 8 bytes"))
    var huge = OnnxModelBuilder()
    huge.initializer("w", [1 << 40, 1 << 40], floats: [1], storage: .unpacked)
    #expect(try refusal(huge.bytes()).contains("tensor 'w'"))
  }

  @Test func subgraphsNestedTooDeepAreRefused() throws {
    var graph = ProtobufWriter()
    for _ in 0..<40 {
      let inner = graph
      graph = ProtobufWriter()
      graph.message(1) { node in
        node.text(4, "If")
        node.message(5) { attribute in
          attribute.text(1, "then_branch")
          attribute.data(6, inner.bytes)
          attribute.integer(20, 5)
        }
      }
    }
    var model = ProtobufWriter()
    model.data(7, graph.bytes)
    #expect(try refusal(model.bytes).contains("nested"))
  }

  @Test func externalDataInsideTheFolderIsRead() throws {
    let folder = try TemporaryFolder()
    let data = [Float](arrayLiteral: 9, 1, 2).flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
    try folder.write("weights.bin", Data(data))
    var builder = OnnxModelBuilder()
    builder.external("w", [2], location: "weights.bin", offset: 4, length: 8)
    let model = try ModelDecoder.decode(path: try folder.write("model.onnx", Data(builder.bytes())))
    #expect(model.graph.initializers[0].constant.floats == [1, 2])
  }

  @Test(arguments: ["../outside.bin", "/etc/passwd", "link.bin", "sub/../../outside.bin", ""])
  func externalDataOutsideTheFolderIsRefused(_ location: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("outside.bin", Data(count: 64))
    try folder.write("model/inside.bin", Data(count: 64))
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/model/link.bin", withDestinationPath: folder.path + "/outside.bin")
    var builder = OnnxModelBuilder()
    builder.external("w", [2], location: location, length: 8)
    let path = try folder.write("model/model.onnx", Data(builder.bytes()))
    #expect(throws: ONNXError.self) { try ModelDecoder.decode(path: path) }
  }

  @Test func externalDataBeyondItsFileIsRefused() throws {
    let folder = try TemporaryFolder()
    try folder.write("weights.bin", Data(count: 8))
    var builder = OnnxModelBuilder()
    builder.external("w", [2], location: "weights.bin", offset: 4, length: 8)
    let path = try folder.write("model.onnx", Data(builder.bytes()))
    #expect(throws: ONNXError.self) { try ModelDecoder.decode(path: path) }
  }

  /// A small network with weights of every kind of storage.
  private func sample() -> OnnxModelBuilder {
    var builder = OnnxModelBuilder()
    builder.input("x", .fp32, ["batch", 1, 6, 6])
    builder.initializer("w", [4, 1, 3, 3], floats: (0..<36).map { Float($0) / 36 }, storage: .packed)
    builder.initializer("b", [4], floats: [1, 2, 3, 4], storage: .unpacked)
    builder.initializer("shape", integers: [0, -1], storage: .packed)
    builder.initializer("m", [64, 5], floats: (0..<320).map { Float($0 % 7) })
    builder.node(
      "Conv", ["x", "w", "b"], ["c"], name: "conv", ["strides": .ints([1, 1]), "group": .int(1)])
    builder.node("Relu", ["c"], ["r"], name: "relu")
    builder.node("Reshape", ["r", "shape"], ["f"], name: "flat")
    builder.node("MatMul", ["f", "m"], ["y"], name: "product")
    builder.output("y")
    return builder
  }

  private func decode(_ bytes: [UInt8]) throws -> DecodedModel {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) {
      try ModelDecoder.decode(path: try folder.write("model.onnx", Data(bytes)))
    }
  }

  private func refusal(_ bytes: [UInt8]) throws -> String {
    do { _ = try decode(bytes) } catch let error as ONNXError { return error.message }
    return "decoded"
  }

  /// Loads, and runs what loads, on one small image.
  private func load(_ bytes: [UInt8]) throws {
    let folder = try TemporaryFolder()
    var options = SessionOptions.testing
    options.engine.limits.tensorBytes = 1 << 24
    options.engine.limits.arenaBytes = 1 << 26
    let session = try Session(path: try folder.write("model.onnx", Data(bytes)), options: options)
    _ = try session.run(
      session.inputs.map { input in
        let shape = Shape(input.shape.map { $0 < 0 ? 1 : min($0, 64) })
        let tensor = Tensor(name: input.name, datatype: input.datatype, shape: shape)!
        memset(tensor.data, 0, tensor.byteCount)
        return tensor
      })
  }
}
