import Bytes
import Foundation
import Glibc
import JSON
import Tensors
import TestSupport
import Testing

/// Reads the numbers as one flat tensor.
private func parse(_ numbers: [String], _ datatype: Datatype) throws -> Tensor {
  try readTensor("[" + numbers.joined(separator: ",") + "]", datatype, [numbers.count])
}

/// Decimal texts of many kinds, all of which round to something finite in FP32.
private func randomNumber(_ random: inout SeededGenerator) -> String {
  let sign = Bool.random(using: &random) ? "-" : ""
  func digits(_ count: Int) -> String {
    String((0..<count).map { _ in Character(UnicodeScalar(UInt8.random(in: 48...57, using: &random))) })
  }
  switch Int.random(in: 0..<8, using: &random) {
  case 0: return "\(sign)0.\(digits(Int.random(in: 1...40, using: &random)))"
  case 1:
    return
      "\(sign)\(Int.random(in: 1...999_999, using: &random)).\(digits(Int.random(in: 1...25, using: &random)))"
  case 2: return "\(sign)\(UInt64.random(in: 0...UInt64.max, using: &random))"
  case 3:
    let float = Float(bitPattern: UInt32.random(in: 0..<0x7f7f_0000, using: &random))
    return "\(sign)\(float)"
  case 4:
    // Halfway between two floats, or a little beside it.
    let float = Float(bitPattern: UInt32.random(in: 0x2000_0000..<0x6000_0000, using: &random))
    let middle = (Double(float) + Double(float.nextUp)) / 2
    let beside = [middle, middle.nextUp, middle.nextDown].randomElement(using: &random) ?? middle
    return "\(sign)\(beside)"
  case 5:
    let exponent = Int.random(in: -60...20, using: &random)
    return
      "\(sign)\(Int.random(in: 1...9, using: &random)).\(digits(Int.random(in: 1...20, using: &random)))e\(exponent)"
  case 6:
    let exponent = Int.random(in: 0...12, using: &random)
    return
      "\(sign)\(Int.random(in: 1...9, using: &random))\(digits(Int.random(in: 0...18, using: &random)))E+\(exponent)"
  default: return "\(sign)\(Double.random(in: 0...1, using: &random))"
  }
}

@Test func floatsHaveTheBitsOfStrtof() throws {
  var random = seededGenerator("FP32 against strtof")
  for _ in 0..<20 {
    let numbers = (0..<50_000).map { _ in randomNumber(&random) }
    let got = values(try parse(numbers, .fp32), Float.self)
    for (text, value) in zip(numbers, got) where value.bitPattern != strtof(text, nil).bitPattern {
      Issue.record("\(text): got \(value), strtof says \(strtof(text, nil))")
    }
  }
}

@Test func doublesHaveTheBitsOfStrtod() throws {
  var random = seededGenerator("FP64 against strtod")
  for _ in 0..<20 {
    var numbers = (0..<25_000).map { _ in randomNumber(&random) }
    numbers += (0..<25_000).map { _ in
      let bits = UInt64.random(in: 0..<0x7ff0_0000_0000_0000, using: &random)
      return "\(Double(bitPattern: bits))"
    }
    let got = values(try parse(numbers, .fp64), Double.self)
    for (text, value) in zip(numbers, got) where value.bitPattern != strtod(text, nil).bitPattern {
      Issue.record("\(text): got \(value), strtod says \(strtod(text, nil))")
    }
  }
}

/// The exact decimal expansion of a value.
private func expansion(_ value: Double) -> String { String(format: "%.160f", value) }

/// Texts a hair below, at and above the middle between each pair of neighbours, and the bits that
/// each must round to.
private func besideMiddles(_ bits: some Sequence<UInt16>, _ value: (UInt16) -> Double) -> [(String, UInt16)] {
  bits.flatMap { lower in
    let middle = expansion((value(lower) + value(lower + 1)) / 2)
    let below = expansion(((value(lower) + value(lower + 1)) / 2).nextDown)
    return [(middle + "0001", lower + 1), (middle, lower + lower & 1), (below, lower)]
  }
}

@Test func halvesRoundOnceAndToEvenAtTheMiddle() throws {
  let cases = besideMiddles(0..<0x7bff) { Double(Float16(bitPattern: $0)) }
  let got = values(try parse(cases.map(\.0), .fp16), UInt16.self)
  for ((text, expected), bits) in zip(cases, got) where bits != expected {
    Issue.record("\(text): got \(bits), expected \(expected)")
  }
}

@Test func brainFloatsRoundOnceAndToEvenAtTheMiddle() throws {
  let every = [UInt16](stride(from: 0, to: 0x7f7f, by: 7)) + [0x7f7e]
  let cases = besideMiddles(every) { Double(Float(bitPattern: UInt32($0) << 16)) }
  let got = values(try parse(cases.map(\.0), .bf16), UInt16.self)
  for ((text, expected), bits) in zip(cases, got) where bits != expected {
    Issue.record("\(text): got \(bits), expected \(expected)")
  }
}

@Test func numbersOfAnyLengthRoundExactly() throws {
  var random = seededGenerator("long numbers")
  var numbers: [String] = []
  for _ in 0..<200 {
    let float = Float(bitPattern: UInt32.random(in: 1..<0x7f7f_0000, using: &random))
    let middle = expansion((Double(float) + Double(float.nextUp)) / 2)
    let zeros = String(repeating: "0", count: Int.random(in: 0...10_000, using: &random))
    numbers += [middle + zeros, middle + zeros + "1", "-" + zeros.prefix(0) + middle + "9" + zeros]
    numbers.append("0." + zeros + "1234567e\(zeros.count)")
    numbers.append("1234567" + zeros + "e-\(zeros.count + 3)")
  }
  let floats = values(try parse(numbers, .fp32), Float.self)
  let doubles = values(try parse(numbers, .fp64), Double.self)
  for (index, text) in numbers.enumerated() {
    #expect(floats[index].bitPattern == strtof(text, nil).bitPattern, "\(text)")
    #expect(doubles[index].bitPattern == strtod(text, nil).bitPattern, "\(text)")
  }
}

@Test func doublesAtTheEdgesOfTheirRangeRoundExactly() throws {
  let half = String(repeating: "0", count: 323) + "24703282292062327208"
  let numbers = [
    "1.7976931348623157e308", "1.7976931348623158e308", "4.9e-324", "2.5e-324", "2.4e-324", "0.\(half)",
    "2.2250738585072011e-308", "2.2250738585072014e-308", "1e-400", "1e-99999999999999999999",
    "0e99999999999",
    "9007199254740993", "9007199254740993.0000000000000000000000000000001", "1e23", "8.5e-322",
    "0.000000000000000000000000000000000000000000000000000000000001e60", "123456789012345678901234567890e-10",
  ]
  let got = values(try parse(numbers, .fp64), Double.self)
  for (text, value) in zip(numbers, got) {
    #expect(value.bitPattern == strtod(text, nil).bitPattern, "\(text)")
  }
}

@Test(arguments: [
  (Datatype.fp32, "3.4028235677973366e38", "3.4028235677973367e38"),
  (.fp64, "1.7976931348623157e308", "1.7976931348623159e308"),
  (.fp16, "65519.999", "65520"), (.bf16, "3.3961775292304600e38", "3.3961775292304601e38"),
])
func finiteLiteralsThatRoundToInfinityAreRefused(datatype: Datatype, fits: String, tooLarge: String) throws {
  _ = try parse([fits, "-" + fits], datatype)
  let error = error { () throws(JSONError) in _ = try readTensor("[\(tooLarge)]", datatype, [1]) }
  #expect(error?.message == "expected \(datatype.name), got \(tooLarge), which is out of range")
}

@Test func bareWordsStandForTheSpecialValues() throws {
  let words = ["NaN", "Infinity", "-Infinity", "Inf", "-Inf"]
  let expected = [Double.nan, .infinity, -.infinity, .infinity, -.infinity]
  let doubles = values(try parse(words, .fp64), Double.self)
  let floats = values(try parse(words, .fp32), Float.self).map(Double.init)
  let halves = values(try parse(words, .fp16), Float16.self).map(Double.init)
  let brains = values(try parse(words, .bf16), BF16.self).map { Double($0.float) }
  for got in [doubles, floats, halves, brains] {
    #expect(got[0].isNaN)
    #expect(Array(got[1...]) == Array(expected[1...]))
  }
}

@Test func zeroKeepsItsSign() throws {
  let got = values(try parse(["-0", "0", "-0.0e5", "-0.000000000000000000000000000"], .fp32), Float.self)
  #expect(got.map { $0.sign } == [.minus, .plus, .minus, .minus])
}
