import Foundation
import JSON
import Tensors
import TestSupport
import Testing

private func tensor<Element>(_ elements: [Element], _ datatype: Datatype, _ shape: Shape? = nil) throws
  -> Tensor
{
  let tensor = try #require(Tensor(name: "t", datatype: datatype, shape: shape ?? [elements.count]))
  for (index, element) in elements.enumerated() { tensor.elements(as: Element.self)[index] = element }
  return tensor
}

private func flat<Element>(_ elements: [Element], _ datatype: Datatype) throws -> String {
  let tensor = try tensor(elements, datatype)
  return written { $0.writeFlat(tensor) }
}

@Test func everyDatatypeIsWritten() throws {
  #expect(try flat([0, 1, 2] as [UInt8], .bool) == "[false,true,true]")
  #expect(try flat([0, 9, 10, 255] as [UInt8], .uint8) == "[0,9,10,255]")
  #expect(try flat([-128, 127] as [Int8], .int8) == "[-128,127]")
  #expect(try flat([.min, .max] as [Int64], .int64) == "[-9223372036854775808,9223372036854775807]")
  #expect(try flat([.max] as [UInt64], .uint64) == "[18446744073709551615]")
  #expect(try flat([1, -0.5] as [Float16], .fp16) == "[1.0,-0.5]")
  #expect(try flat([BF16(1), BF16(3.140625)], .bf16) == "[1.0,3.140625]")
  #expect(try flat([1, 0.1] as [Float], .fp32) == "[1.0,0.1]")
  #expect(try flat([1, 0.1] as [Double], .fp64) == "[1.0,0.1]")
  #expect(try flat([] as [Float], .fp32) == "[]")
  let empty = try readTensor(#"["",""]"#, .bytes, [2])
  #expect(written { $0.writeFlat(empty) } == #"["",""]"#)
  let strings = try readTensor(#"["a\n","é\u0000",""]"#, .bytes, [3])
  #expect(written { $0.writeFlat(strings) } == #"["a\n","é\u0000",""]"#)
}

@Test(
  arguments: [
    (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-1, "-1.0"), (100, "100.0"), (1e15, "1000000000000000.0"),
    (1e16, "1e16"),
    (1.5e16, "1.5e16"), (0.00001, "0.00001"), (0.000001, "1e-6"), (1.25e-7, "1.25e-7"), (123.456, "123.456"),
    (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e308"),
    (9_007_199_254_740_992, "9007199254740992.0"),
    (0.3, "0.3"), (2.2250738585072014e-308, "2.2250738585072014e-308"), (1e23, "1e23"),
    (12_345_678_901_234_568, "1.2345678901234568e16"),
    (.infinity, "Infinity"), (-.infinity, "-Infinity"), (.nan, "NaN"),
    (9.5367431640625e-7, "9.5367431640625e-7"),
  ] as [(Double, String)])
func doublesAreWrittenShortest(value: Double, text: String) {
  #expect(written { $0.write(value) } == text)
}

@Test(
  arguments: [
    (16_777_216, "16777216.0"), (3.4028235e38, "3.4028235e38"), (.leastNonzeroMagnitude, "1e-45"),
    (.leastNormalMagnitude.nextDown, "1.1754942e-38"),
    (0.1, "0.1"), (33_554_432, "33554432.0"), (8_388_608, "8388608.0"),
    (.leastNormalMagnitude, "1.1754944e-38"),
    (-.infinity, "-Infinity"), (3.1415927, "3.1415927"), (0.001, "0.001"), (1e10, "10000000000.0"),
  ] as [(Float, String)])
func floatsAreWrittenShortest(value: Float, text: String) {
  #expect(written { $0.write(value) } == text)
}

/// The digits of a number's text without point, exponent and zeros around them.
private func significantDigits(_ text: String) -> Int {
  let mantissa = text.prefix { $0 != "e" }.filter(\.isNumber)
  return mantissa.trimmingCharacters(in: CharacterSet(charactersIn: "0")).count
}

@Test func floatsReadBackWithTheirBitsAndNoDigitTooMany() throws {
  var random = seededGenerator("FP32 round trip")
  for _ in 0..<4 {
    var floats = (0..<50_000).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
    }
    floats = floats.filter { !$0.isNaN }
    floats += (0..<256).map { Float(bitPattern: UInt32($0) << 23) }
    floats += (1..<255).flatMap {
      [Float(bitPattern: UInt32($0) << 23).nextDown, Float(bitPattern: UInt32($0) << 23).nextUp]
    }
    let text = try flat(floats, .fp32)
    let back = values(try readTensor(text, .fp32, [floats.count]), Float.self)
    #expect(back.map(\.bitPattern) == floats.map(\.bitPattern))
    for (word, float) in zip(text.dropFirst().dropLast().split(separator: ","), floats) where float.isFinite {
      #expect(significantDigits(String(word)) == significantDigits("\(float)"), "\(word)")
      #expect(Float(String(word)) == Float("\(float)"))
    }
  }
}

@Test func doublesReadBackWithTheirBitsAndNoDigitTooMany() throws {
  var random = seededGenerator("FP64 round trip")
  for _ in 0..<4 {
    var doubles = (0..<50_000).map { _ in
      Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
    }
    doubles = doubles.filter { !$0.isNaN }
    doubles += (0..<2048).map { Double(bitPattern: UInt64($0) << 52) }
    doubles += (1..<2047).map { Double(bitPattern: UInt64($0) << 52).nextDown }
    doubles += (0..<1000).map { _ in Double(Int64.random(in: -(1 << 60)...(1 << 60), using: &random)) }
    let text = try flat(doubles, .fp64)
    let back = values(try readTensor(text, .fp64, [doubles.count]), Double.self)
    #expect(back.map(\.bitPattern) == doubles.map(\.bitPattern))
    for (word, double) in zip(text.dropFirst().dropLast().split(separator: ","), doubles)
    where double.isFinite {
      #expect(significantDigits(String(word)) == significantDigits("\(double)"), "\(word)")
      #expect(Double(String(word)) == Double("\(double)"))
    }
  }
}

@Test func everyHalfAndBrainFloatReadsBack() throws {
  let patterns = (0...UInt16.max).map { $0 }
  let halves = patterns.filter { !FP16(bits: $0).float.isNaN }
  #expect(values(try readTensor(try flat(halves, .fp16), .fp16, [halves.count])) == halves)
  let brains = patterns.filter { !BF16(bits: $0).float.isNaN }
  #expect(values(try readTensor(try flat(brains, .bf16), .bf16, [brains.count])) == brains)
}

@Test func tensorsAreNestedByTheirShape() throws {
  let six: [Int32] = [1, 2, 3, 4, 5, 6]
  for (shape, text) in [
    ([6], "[1,2,3,4,5,6]"), ([2, 3], "[[1,2,3],[4,5,6]]"), ([3, 1, 2], "[[[1,2]],[[3,4]],[[5,6]]]"),
    ([1, 2, 3, 1], "[[[[1],[2],[3]],[[4],[5],[6]]]]"),
    ([1, 1, 1, 1, 1, 1, 1, 6], "[[[[[[[[1,2,3,4,5,6]]]]]]]]"),
  ] as [(Shape, String)] {
    let tensor = try tensor(six, .int32, shape)
    #expect(written { $0.writeNested(tensor) } == text)
  }
  let scalar = try tensor([2.5] as [Float], .fp32, [])
  #expect(written { $0.writeNested(scalar) } == "2.5")
  #expect(written { $0.writeFlat(scalar) } == "[2.5]")
  for (shape, text) in [
    ([0], "[]"), ([0, 3], "[]"), ([2, 0], "[[],[]]"), ([2, 0, 3], "[[],[]]"), ([1, 2, 0], "[[[],[]]]"),
  ] as [(Shape, String)] {
    let empty = try tensor([] as [Float], .fp32, shape)
    #expect(written { $0.writeNested(empty) } == text)
    #expect(try readTensor(text, .fp32, shape).shape == shape)
  }
}

@Test func nestedTensorsOfManyElementsReadBack() throws {
  let floats = (0..<6000).map { Float($0) / 7 }
  let tensor = try tensor(floats, .fp32, [20, 3, 100])
  let text = written { $0.writeNested(tensor) }
  #expect(values(try readTensor(text, .fp32, [20, 3, 100])) == floats)
  #expect(try readNested(text, .fp32).shape == [20, 3, 100])
}

@Test func stringsAreEscaped() {
  #expect(
    written { $0.write("a\"b\\c\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é😀/") }
      == #""a\"b\\c\n\r\t\b\f\u0000\u001f"# + "\u{7f}é😀/\"")
}

@Test func bytesThatAreNotUTF8AreReplacedAsSwiftReplacesThem() {
  var random = seededGenerator("repair of UTF-8")
  let interesting: [UInt8] = [
    0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xa9, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0xf4, 0x8f, 0xff,
  ]
  for _ in 0..<20_000 {
    let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
      interesting.randomElement(using: &random) ?? 0
    }
    let text = written { writer in bytes.withUnsafeBytes { writer.write(stringBytes: $0) } }
    #expect(text == "\"" + String(decoding: bytes, as: UTF8.self) + "\"", "\(bytes)")
  }
}

@Test func longStringsKeepEveryByte() throws {
  let text = String(repeating: "né\u{1}😀\"", count: 5000)
  let json = written { $0.write(text) }
  #expect(try read(json.utf8) { reader throws(JSONError) in try reader.readString() } == text)
}
