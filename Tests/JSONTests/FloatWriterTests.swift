import Glibc
import Testing

@testable import JSON

/// The text that one way of writing gives.
private func text(
  _ value: Float, _ write: (FloatWriter) -> (Float, UnsafeMutablePointer<UInt8>) -> Int
) -> String {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FloatWriter.maximumLength) { room in
    guard let start = room.baseAddress else { return "" }
    let count = write(FloatWriter())(value, start)
    return String(decoding: room[..<count], as: UTF8.self)
  }
}

private func quickText(_ value: Float) -> String { text(value) { writer in { writer.write($0, to: $1) } } }

private func slowText(_ value: Float) -> String {
  text(value) { writer in { writer.writeSlowly($0, to: $1) } }
}

private func expectSame(_ value: Float) {
  let (quick, slow) = (quickText(value), slowText(value))
  if quick != slow { Issue.record("\(value.bitPattern): \(quick), where the slow way writes \(slow)") }
}

@Test func quickFloatsAreThoseOfTheSlowWay() {
  var random = seededGenerator("floats written both ways")
  for _ in 0..<200_000 { expectSame(Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))) }
  for _ in 0..<200_000 {
    let size = Float.random(in: -6...8, using: &random)
    expectSame(Float.random(in: -1...1, using: &random) * powf(10, size))
  }
}

@Test func quickFloatsOfFewDigitsAreThoseOfTheSlowWay() {
  for number in 0..<40_000 {
    for scale in [1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e8] as [Float] {
      expectSame(Float(number) / scale)
      expectSame(-Float(number) * scale)
    }
  }
}

@Test func floatsBesidePowersAreThoseOfTheSlowWay() {
  for exponent in 0...255 as ClosedRange<UInt32> {
    for fraction in [0, 1, 2, 3, 0x3f_ffff, 0x40_0000, 0x7f_fffe, 0x7f_ffff] as [UInt32] {
      expectSame(Float(bitPattern: exponent << 23 | fraction))
    }
  }
  for exponent in -45...38 {
    let power = Float("1e\(exponent)") ?? 0
    for value in [power.nextDown.nextDown, power.nextDown, power, power.nextUp, power.nextUp.nextUp] {
      expectSame(value)
      expectSame(-value)
    }
  }
}

@Test(
  arguments: [
    (0.1, "0.1"), (0.15, "0.15"), (0.0625001, "0.0625001"), (0.11111111, "0.11111111"), (3, "3.0"),
    (9_999_999, "9999999.0"), (1.0000001, "1.0000001"), (0.000012345678, "0.000012345678"),
    (16_777_215, "16777215.0"),
    (100.25, "100.25"), (-1234567.9, "-1234567.9"), (0.3, "0.3"),
  ] as [(Float, String)])
func knownFloats(value: Float, text: String) {
  #expect(quickText(value) == text)
}
