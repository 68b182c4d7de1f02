import Foundation
import Kernels

/// SplitMix64: the same numbers for the same seed, on every machine.
struct Randomness {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  /// From SWERVE_SEED, or a new seed; printed, so that a failure can be run again.
  static func seeded(_ test: String = #function) -> Randomness {
    let given = ProcessInfo.processInfo.environment["SWERVE_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 0...999_999)
    print("\(test): SWERVE_SEED=\(seed)")
    return Randomness(seed)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }

  mutating func int(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.count))
  }

  mutating func bool() -> Bool { next() & 1 == 1 }

  mutating func float(_ range: ClosedRange<Float> = -1...1) -> Float {
    let unit = Float(next() >> 40) / Float(1 << 24)
    return range.lowerBound + unit * (range.upperBound - range.lowerBound)
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[int(0...(elements.count - 1))] }
}

/// Floats at an address that is a multiple of 4 but not always of more, with guards around them that a
/// kernel must not write.
final class Floats {
  let count: Int
  let base: UnsafeMutablePointer<Float>
  private let memory: UnsafeMutableRawPointer
  private static let guardCount = 32
  private static let guardValue: Float = 12345

  init(_ count: Int, misaligned: Bool = false, _ value: (Int) -> Float = { _ in .nan }) {
    self.count = count
    memory = .allocate(byteCount: (count + 2 * Floats.guardCount + 16) * 4, alignment: 64)
    let all = memory.assumingMemoryBound(to: Float.self)
    for index in 0..<(count + 2 * Floats.guardCount + 16) { all[index] = Floats.guardValue }
    base = all + Floats.guardCount + (misaligned ? 3 : 0)
    for index in 0..<count { base[index] = value(index) }
  }

  convenience init(_ count: Int, _ random: inout Randomness, _ range: ClosedRange<Float> = -1...1) {
    self.init(count, misaligned: random.bool())
    for index in 0..<count { base[index] = random.float(range) }
  }

  convenience init(copying other: Floats) {
    self.init(other.count, misaligned: true) { other.base[$0] }
  }

  deinit { memory.deallocate() }

  var guardsAreIntact: Bool {
    (1...Floats.guardCount).allSatisfy { base[-$0] == Floats.guardValue }
      && (0..<13).allSatisfy { base[count + $0] == Floats.guardValue }
  }

  var array: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }
}

/// 64-byte aligned scratch, filled with NaN so that a kernel that reads what it has not written shows.
final class Scratch {
  let pointer: UnsafeMutableRawPointer

  init(_ byteCount: Int) {
    pointer = .allocate(byteCount: byteCount + 64, alignment: 64)
    let floats = pointer.assumingMemoryBound(to: Float.self)
    for index in 0..<(byteCount / 4) { floats[index] = .nan }
  }

  deinit { pointer.deallocate() }
}

let tables = KernelTable.all

/// The first difference larger than `tolerance` + `relative` · |expected|, in words; nil if there is none.
func difference(
  _ result: Floats, _ expected: Floats, tolerance: Float, relative: Float = 0
) -> String? {
  if !result.guardsAreIntact { return "wrote beyond its output" }
  for index in 0..<expected.count {
    let got = result.base[index]
    let wanted = expected.base[index]
    if got.isNaN && wanted.isNaN || got == wanted { continue }
    if !(abs(got - wanted) <= tolerance + relative * abs(wanted)) {
      return "at \(index) of \(expected.count): \(got) instead of \(wanted)"
    }
  }
  return nil
}
