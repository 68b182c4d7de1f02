import PluginHost
import Tensors

/// Makes inputs that fit a model's description, from a seed.
struct RandomInputs {
  enum Kind {
    /// Small sizes and values.
    case tame
    /// Sizes of zero and of thousands, and values at the ends of their ranges.
    case hostile
  }

  private var state: UInt64
  private let description: ModelDescription

  init(_ description: ModelDescription, seed: UInt64) {
    self.description = description
    state = seed
  }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }

  mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int(next() % UInt64(choices.count))]
  }

  /// How many rows a request may have.
  mutating func rows() -> Int { pick([1, 2, 3].filter { $0 <= max(1, description.maximumBatch) }) }

  /// A tensor for each input. Nil if there is no memory.
  ///
  /// - Parameter rows: the size of dimension 0 if the model has a batch.
  mutating func inputs(_ kind: Kind, rows: Int) -> [Tensor]? {
    let size = kind == .tame ? pick([1, 2, 3, 4, 8]) : pick([0, 1, 5, 63, 1000])
    var tensors: [Tensor] = []
    for spec in description.inputs {
      if spec.isOptional, kind == .hostile, next() & 1 == 0 { continue }
      var shape = spec.shape
      for axis in shape.indices where shape[axis] == Shape.anySize {
        shape[axis] = axis == 0 && description.maximumBatch > 1 ? rows : size
      }
      guard let tensor = tensor(spec, shape, kind) else { return nil }
      tensors.append(tensor)
    }
    return tensors
  }

  private mutating func tensor(_ spec: TensorSpec, _ shape: Shape, _ kind: Kind) -> Tensor? {
    if spec.datatype == .bytes { return texts(spec, shape, kind) }
    guard let tensor = Tensor(name: spec.name, datatype: spec.datatype, shape: shape) else { return nil }
    for index in 0..<tensor.elementCount {
      let place = tensor.data + index * spec.datatype.byteCount
      write(spec.datatype, kind, place)
    }
    return tensor
  }

  private mutating func write(_ datatype: Datatype, _ kind: Kind, _ place: UnsafeMutableRawPointer) {
    let bits = next()
    switch datatype {
    case .fp32: place.storeBytes(of: Float(real(kind)), as: Float.self)
    case .fp64: place.storeBytes(of: real(kind), as: Double.self)
    case .bf16:
      place.storeBytes(of: UInt16(truncatingIfNeeded: Float(real(kind)).bitPattern >> 16), as: UInt16.self)
    case .fp16:
      // Zero, one half, one, two; or any bits.
      place.storeBytes(
        of: kind == .tame ? pick([0, 0x3800, 0x3C00, 0x4000]) : UInt16(truncatingIfNeeded: bits),
        as: UInt16.self)
    case .bool: place.storeBytes(of: UInt8(bits & 1), as: UInt8.self)
    default:
      let value = kind == .tame ? bits % 4 : pick([0, 1, .max, 1 << 31, 1 << 63, bits])
      for byte in 0..<datatype.byteCount {
        place.storeBytes(
          of: UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)), toByteOffset: byte, as: UInt8.self)
      }
    }
  }

  private mutating func real(_ kind: Kind) -> Double {
    let unit = Double(next() >> 11) / Double(1 << 53) * 2 - 1
    return kind == .tame ? unit : pick([unit, 0, .nan, .infinity, -.infinity, 1e30, -1e-40])
  }

  private mutating func texts(_ spec: TensorSpec, _ shape: Shape, _ kind: Kind) -> Tensor? {
    let words: [[UInt8]] =
      kind == .tame
      ? [Array("a".utf8), Array("two words".utf8)]
      : [[], [0xFF, 0xFE, 0], Array(repeating: 0x41, count: 5000)]
    let room = words.map(\.count).max() ?? 0
    guard let count = shape.elementCount,
      let tensor = Tensor(name: spec.name, datatype: .bytes, shape: shape),
      let payload = TensorMemory(byteCount: count * room)
    else { return nil }
    for index in 0..<count {
      let word = pick(words)
      let place = payload.base + index * room
      word.withUnsafeBytes {
        if let base = $0.baseAddress { place.copyMemory(from: base, byteCount: word.count) }
      }
      tensor.elements(as: BytesElement.self)[index] = BytesElement(
        data: word.isEmpty ? nil : UnsafePointer(place.assumingMemoryBound(to: UInt8.self)), count: word.count
      )
    }
    return Tensor(
      name: spec.name, datatype: .bytes, shape: shape, memory: tensor.memory, payload: payload)
  }
}
