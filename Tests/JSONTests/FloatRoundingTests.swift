import Bytes
import Glibc
import JSON
import Tensors
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
  case 1: return "\(sign)\(Int.random(in: 1...999_999, using: &random)).\(digits(Int.random(in: 1...25, using: &random)))"
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
    return "\(sign)\(Int.random(in: 1...9, using: &random)).\(digits(Int.random(in: 1...20, using: &random)))e\(exponent)"
  case 6:
    let exponent = Int.random(in: 0...12, using: &random)
    return "\(sign)\(Int.random(in: 1...9, using: &random))\(digits(Int.random(in: 0...18, using: &random)))E+\(exponent)"
  default: return "\(sign)\(Double.random(in: 0...1, using: &random))"
  }
}

@Test func floatsHaveTheBitsOfStrtof() throws {
  var random = SeededGenerator("FP32 against strtof")
  for _ in 0..<20 {
    let numbers = (0..<50_000).map { _ in randomNumber(&random) }
    let got = values(try parse(numbers, .fp32), Float.self)
    for (text, value) in zip(numbers, got) where value.bitPattern != strtof(text, nil).bitPattern {
      Issue.record("\(text): got \(value), strtof says \(strtof(text, nil))")
    }
  }
}

@Test func doublesHaveTheBitsOfStrtod() throws {
  var random = SeededGenerator("FP64 against strtod")
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
