import Glibc
import Tensors

/// Random numbers, the same ones for the same seed.
struct RandomNumbers: RandomNumberGenerator {
  private var state: UInt64

  /// - Parameter seed: nil for numbers that nobody can foresee.
  init(seed: Float?) {
    var system = SystemRandomNumberGenerator()
    state = seed.map { UInt64($0.bitPattern) &* 0x9e37_79b9_7f4a_7c15 } ?? system.next()
  }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// From 0 to below 1.
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Of mean 0 and deviation 1.
  mutating func normal() -> Double {
    (-2 * log(1 - uniform())).squareRoot() * cos(2 * Double.pi * uniform())
  }
}

/// The datatype that an attribute names; nil when it is left out.
func randomDatatype(_ reader: NodeReader) throws -> Datatype? {
  guard let number = try reader.int("dtype") else { return nil }
  guard let datatype = ElementType.datatype(number), datatype != .bytes else {
    throw ONNXError(.unsupported, "elements of \(ElementType.name(number))")
  }
  return datatype
}
