import Tensors
import TestSupport
import Testing

@Test func everyHalfBecomesTheFloatOfTheSameValue() {
  for bits in 0...UInt16.max {
    let ours = FP16(bits: bits).float
    let truth = Float(Float16(bitPattern: bits))
    #expect(truth.isNaN ? ours.isNaN : ours.bitPattern == truth.bitPattern, "\(bits)")
  }
}

@Test func everyHalfAndBrainFloatSurvivesTheWayThroughFloat() {
  for bits in 0...UInt16.max {
    if !FP16(bits: bits).float.isNaN { #expect(FP16(FP16(bits: bits).float).bits == bits) }
    if !BF16(bits: bits).float.isNaN { #expect(BF16(BF16(bits: bits).float).bits == bits) }
  }
}

@Test func floatsBecomeTheNearestHalf() {
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  func check(_ float: Float) {
    let truth = Float16(float)
    let ours = FP16(float).bits
    #expect(truth.isNaN ? FP16(bits: ours).float.isNaN : ours == truth.bitPattern, "\(float), seed \(seed)")
  }
  for _ in 0..<200_000 { check(Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))) }
  // Halfway between neighbours, and beside it, over the whole range with the subnormals.
  for bits in UInt16(0)..<0x7c00 {
    let middle = (Float(Float16(bitPattern: bits)) + min(Float(Float16(bitPattern: bits + 1)), 65536)) / 2
    for float in [middle, middle.nextUp, middle.nextDown, -middle] { check(float) }
  }
}

@Test func floatsBecomeTheNearestBrainFloat() {
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  for _ in 0..<200_000 {
    let float = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random) & 0xbfff_ffff)
    let ours = BF16(float)
    let (below, above) = (BF16(bits: ours.bits &- 1).float, BF16(bits: ours.bits &+ 1).float)
    let distance = abs(Double(ours.float) - Double(float))
    for neighbour in [below, above] where neighbour.isFinite {
      let other = abs(Double(neighbour) - Double(float))
      #expect(distance < other || (distance == other && ours.bits & 1 == 0), "\(float), seed \(seed)")
    }
  }
}

@Test func specialValuesStayWhatTheyAre() {
  #expect(FP16(.infinity).float == .infinity)
  #expect(FP16(-.infinity).float == -.infinity)
  #expect(FP16(65519.996).bits == 0x7bff)
  #expect(FP16(65520).float == .infinity)
  #expect(BF16(.infinity).float == .infinity)
  #expect(BF16(.greatestFiniteMagnitude).float == .infinity)
  for pattern in [0x7f80_0001, 0x7fff_ffff, 0xff80_0001, 0xffc0_0000] as [UInt32] {
    #expect(FP16(Float(bitPattern: pattern)).float.isNaN)
    #expect(BF16(Float(bitPattern: pattern)).float.isNaN)
  }
  #expect(FP16(-0.0).bits == 0x8000)
  #expect(BF16(-0.0).bits == 0x8000)
}
