import PluginHost
import Tensors
import TestSupport
import Testing

@testable import Serving

private func description(_ shape: Shape, _ datatype: Datatype = .fp32, value: Double? = 0) -> ModelDescription
{
  ModelDescription(
    inputs: [TensorSpec(name: "x", datatype: datatype, shape: shape, padValue: value)], outputs: [],
    maximumBatch: 8, concurrency: .serial)
}

@Test func sizesComeTogetherIfNoneGrowsByMoreThanAQuarter() {
  for size in 0...5000 {
    let rounded = Padding.sizeClass(size)
    #expect(rounded >= size && Double(rounded) <= max(Double(size) * 1.25, 4))
    #expect(Padding.sizeClass(rounded) == rounded)
  }
  #expect(Set((257...512).map(Padding.sizeClass)).count == 4)
}

@Test func nothingIsFilledUpUnlessTheModelSaysSo() {
  #expect(Padding(description([-1, -1], value: nil)) == nil)
  #expect(Padding(description([-1, 8])) == nil)
  #expect(Padding(description([-1, -1]))?.inputs["x"]?.isRagged == [false, true])
}

@Test func requestsOfDifferentLengthsShareABatch() throws {
  let server = try PickyServer(plugin: "ragged")
  let busy = try server.submit(floats([1, 1], [1000])).1
  while try server.manager.find("m").queueDepth > 0 {}
  let lengths = [9, 10, 11, 10]
  let sent = try lengths.map { try server.submit(floats([1, $0], (0..<$0).map(Float.init))).1 }
  #expect(busy.answer() != nil)
  let answers = try sent.map { values(try #require($0.answer()).get()[0]) }
  for (length, answer) in zip(lengths, answers) {
    #expect(answer == [Float(length * (length - 1) / 2), length == 11 ? 11 : 10])
  }
  #expect(try server.manager.find("m").batching?.history.suffix(2).map(\.rows) == [3, 1])
}

@Test func theOperatorMaySayWithWhichValue() throws {
  var configuration = ModelConfiguration()
  configuration.padValues = ["x": 7]
  #expect(try ConfiguredSignature(description([-1, -1]), configuration).description.inputs[0].padValue == 7)
  let fixed = #expect(throws: PluginError.self) {
    try ConfiguredSignature(description([-1, 4]), configuration)
  }
  #expect(fixed?.message.contains("no dimension but the batch varies") == true)
  configuration.padValues = ["z": 7]
  let unknown = #expect(throws: PluginError.self) {
    try ConfiguredSignature(description([-1, -1]), configuration)
  }
  #expect(unknown?.message.contains("the model has 'x'") == true)
}

/// Against element by element, for shapes of up to three axes beside the batch.
@Test func whatIsFilledUpIsAsItIsElementByElement() throws {
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  for _ in 0..<200 {
    let rank = Int.random(in: 2...4, using: &random)
    let padding = try #require(Padding(description(Shape(Array(repeating: -1, count: rank)), value: 0.5)))
    var number: Float = 0
    let parts = (0..<Int.random(in: 2...4, using: &random)).map { _ in
      let shape = Shape((0..<rank).map { _ in Int.random(in: 0...4, using: &random) })
      return floats(
        shape,
        (0..<shape.elementCount!).map { _ in
          number += 1
          return number
        })
    }
    let whole = try #require(
      padding.stack(parts, payload: { _ in nil }, in: { TensorMemory(byteCount: $0) }), "seed \(seed)")
    #expect(values(whole) == reference(parts, whole.shape), "seed \(seed)")
    #expect(whole.shape[0] == parts.reduce(0) { $0 + $1.shape[0] })
  }
}

private func reference(_ parts: [Tensor], _ shape: Shape) -> [Float] {
  func places(_ shape: Shape) -> [[Int]] {
    shape.reduce([[]]) { places, size in places.flatMap { place in (0..<size).map { place + [$0] } } }
  }
  var table: [[Int]: Float] = [:]
  var row = 0
  for part in parts {
    for (place, value) in zip(places(part.shape), values(part)) {
      table[[place[0] + row] + place.dropFirst()] = value
    }
    row += part.shape[0]
  }
  return places(shape).map { table[$0] ?? 0.5 }
}

@Test func everyDatatypeHasItsPadValue() throws {
  for datatype in Datatype.allCases {
    let padding = try #require(Padding(description([-1, -1], datatype, value: 300)))
    let parts = [1, 2].map { Tensor(name: "x", datatype: datatype, shape: [1, $0])! }
    for part in parts { part.data.initializeMemory(as: UInt8.self, repeating: 0, count: part.byteCount) }
    let whole = try #require(padding.stack(parts, payload: { _ in nil }, in: { TensorMemory(byteCount: $0) }))
    let element = whole.data + datatype.byteCount
    let isRight: Bool =
      switch datatype {
      case .bool, .uint8: element.load(as: UInt8.self) == 255
      case .int8: element.load(as: Int8.self) == 127
      case .uint16: element.load(as: UInt16.self) == 300
      case .int16: element.load(as: Int16.self) == 300
      case .uint32: element.load(as: UInt32.self) == 300
      case .int32: element.load(as: Int32.self) == 300
      case .uint64: element.load(as: UInt64.self) == 300
      case .int64: element.load(as: Int64.self) == 300
      case .fp16: element.load(as: Float16.self) == 300
      case .bf16: element.load(as: UInt16.self) == UInt16(Float(300).bitPattern >> 16)
      case .fp32: element.load(as: Float.self) == 300
      case .fp64: element.load(as: Double.self) == 300
      case .bytes: element.load(as: BytesElement.self).count == 0
      }
    #expect(isRight, "\(datatype)")
  }
}
