import Glibc
import PluginHost
import Tensors

/// How requests of different shapes come into one batch: where the model says with which value, the shorter ones are
/// filled up to the longest.
///
/// Only those come together whose sizes round up to the same of four in each octave, so no axis grows by more than a
/// quarter.
struct Padding: Sendable {
  struct Input: Sendable {
    /// Of each axis, whether requests may differ in it.
    var isRagged: [Bool]
    var value: Double
  }

  let inputs: [String: Input]

  /// Nil: nothing of `description` is to be filled up.
  init?(_ description: ModelDescription) {
    guard description.maximumBatch > 1 else { return nil }
    var inputs: [String: Input] = [:]
    for spec in description.inputs {
      let isRagged = spec.shape.enumerated().map { $0 > 0 && $1 == Shape.anySize }
      guard let value = spec.padValue, isRagged.contains(true) else { continue }
      inputs[spec.name] = Input(isRagged: isRagged, value: value)
    }
    guard !inputs.isEmpty else { return nil }
    self.inputs = inputs
  }

  /// Equal for sizes that come together.
  static func sizeClass(_ size: Int) -> Int {
    guard size > 4 else { return size }
    let step = 1 << (Int.bitWidth - (size - 1).leadingZeroBitCount - 3)
    return (size + step - 1) / step * step
  }

  func sizeClass(_ input: Tensor, _ axis: Int) -> Int {
    let size = input.shape[axis]
    guard let rule = inputs[input.name], axis < rule.isRagged.count, rule.isRagged[axis] else { return size }
    return Padding.sizeClass(size)
  }

  /// Whether two tensors of one input, of equal rank, may be filled up to one shape.
  func evensOut(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape.indices.dropFirst().allSatisfy { sizeClass(a, $0) == sizeClass(b, $0) }
  }

  // MARK: - Filling up

  /// `parts` along dimension 0, each filled up to the largest in every other axis. Nil: out of memory.
  ///
  /// - Parameter payload: keeps what the elements of the parts point to.
  func stack(
    _ parts: [Tensor], payload: (TensorMemory) -> TensorMemory?,
    in memory: (_ byteCount: Int) -> TensorMemory?
  ) -> Tensor? {
    var shape = parts[0].shape
    for axis in shape.indices.dropFirst() { shape[axis] = parts.reduce(0) { max($0, $1.shape[axis]) } }
    shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
    let datatype = parts[0].datatype
    guard let elements = shape.elementCount,
      case (let bytes, false) = elements.multipliedReportingOverflow(by: datatype.byteCount),
      let memory = memory(bytes)
    else { return nil }
    Padding.fill(memory.base, elements, datatype, inputs[parts[0].name]?.value ?? 0)
    var row = 0
    for part in parts {
      let rowBytes = shape[0] == 0 ? 0 : bytes / shape[0]
      Padding.copy(part, to: memory.base + row * rowBytes, of: shape, axis: 0, from: part.data)
      row += part.shape[0]
    }
    return Tensor(
      name: parts[0].name, datatype: datatype, shape: shape, memory: memory, payload: payload(memory))
  }

  /// Copies the elements of `part` from `axis` on into the corner of a tensor of `shape`.
  private static func copy(
    _ part: Tensor, to target: UnsafeMutableRawPointer, of shape: Shape, axis: Int,
    from source: UnsafeMutableRawPointer
  ) {
    func bytes(_ shape: Shape, below axis: Int) -> Int {
      shape[(axis + 1)...].reduce(part.datatype.byteCount, *)
    }
    let (step, targetStep) = (bytes(part.shape, below: axis), bytes(shape, below: axis))
    if step == targetStep {
      if step > 0 { memcpy(target, source, part.shape[axis] * step) }
      return
    }
    for index in 0..<part.shape[axis] {
      copy(part, to: target + index * targetStep, of: shape, axis: axis + 1, from: source + index * step)
    }
  }

  private static func fill(
    _ memory: UnsafeMutableRawPointer, _ count: Int, _ datatype: Datatype, _ value: Double
  ) {
    func fill<Element>(_ element: Element) {
      memory.assumingMemoryBound(to: Element.self).update(repeating: element, count: count)
    }
    switch datatype {
    case .bool, .uint8: fill(UInt8(clampedAndRounded: value))
    case .uint16: fill(UInt16(clampedAndRounded: value))
    case .uint32: fill(UInt32(clampedAndRounded: value))
    case .uint64: fill(UInt64(clampedAndRounded: value))
    case .int8: fill(Int8(clampedAndRounded: value))
    case .int16: fill(Int16(clampedAndRounded: value))
    case .int32: fill(Int32(clampedAndRounded: value))
    case .int64: fill(Int64(clampedAndRounded: value))
    case .fp16: fill(Float16(value))
    case .bf16: fill(UInt16(Float(value).bitPattern >> 16))
    case .fp32: fill(Float(value))
    case .fp64: fill(value)
    case .bytes: fill(BytesElement(data: nil, count: 0))
    }
  }
}

extension FixedWidthInteger {
  /// The nearest there is; 0 for what is no number.
  fileprivate init(clampedAndRounded value: Double) {
    let rounded = value.rounded()
    self = Self(exactly: rounded) ?? (rounded.isNaN ? 0 : rounded > 0 ? .max : .min)
  }
}
