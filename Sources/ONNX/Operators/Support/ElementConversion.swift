import Tensors

/// Converts elements from one datatype to another: through Double where a floating-point datatype is on
/// either side, else through Int64. Integers wrap around; a float beyond an integer's range becomes the
/// nearest, NaN becomes 0.
enum ElementConversion {
  private static let chunk = 512

  static func convert(
    _ source: UnsafeRawPointer, _ from: Datatype, _ target: UnsafeMutableRawPointer, _ to: Datatype,
    count: Int
  ) {
    if from.isFloat || to.isFloat || to == .bool {
      staged(source, from, target, to, count: count, as: Double.self, readDoubles, writeDoubles)
    } else {
      staged(source, from, target, to, count: count, as: Int64.self, readIntegers, writeIntegers)
    }
  }

  private static func staged<Stage>(
    _ source: UnsafeRawPointer, _ from: Datatype, _ target: UnsafeMutableRawPointer, _ to: Datatype,
    count: Int,
    as _: Stage.Type, _ read: (UnsafeRawPointer, Datatype, UnsafeMutableBufferPointer<Stage>) -> Void,
    _ write: (UnsafeMutableBufferPointer<Stage>, UnsafeMutableRawPointer, Datatype) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Stage.self, capacity: chunk) { stage in
      var done = 0
      while done < count {
        let part = UnsafeMutableBufferPointer(rebasing: stage[..<min(chunk, count - done)])
        read(source + done * from.byteCount, from, part)
        write(part, target + done * to.byteCount, to)
        done += part.count
      }
    }
  }

  private static func readDoubles(
    _ source: UnsafeRawPointer, _ datatype: Datatype, _ stage: UnsafeMutableBufferPointer<Double>
  ) {
    func read<Element: BitwiseCopyable>(_: Element.Type, _ value: (Element) -> Double) {
      let elements = source.assumingMemoryBound(to: Element.self)
      for index in stage.indices { stage[index] = value(elements[index]) }
    }
    switch datatype {
    case .bool, .uint8: read(UInt8.self) { Double($0) }
    case .uint16: read(UInt16.self) { Double($0) }
    case .uint32: read(UInt32.self) { Double($0) }
    case .uint64: read(UInt64.self) { Double($0) }
    case .int8: read(Int8.self) { Double($0) }
    case .int16: read(Int16.self) { Double($0) }
    case .int32: read(Int32.self) { Double($0) }
    case .int64: read(Int64.self) { Double($0) }
    case .fp16: read(UInt16.self) { Double(HalfFloat.value($0)) }
    case .bf16: read(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .fp32: read(Float.self) { Double($0) }
    case .fp64: read(Double.self) { $0 }
    case .bytes: break
    }
  }

  private static func writeDoubles(
    _ stage: UnsafeMutableBufferPointer<Double>, _ target: UnsafeMutableRawPointer, _ datatype: Datatype
  ) {
    func write<Element: BitwiseCopyable>(_: Element.Type, _ element: (Double) -> Element) {
      let elements = target.assumingMemoryBound(to: Element.self)
      for index in stage.indices { elements[index] = element(stage[index]) }
    }
    switch datatype {
    case .bool: write(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .uint8: write(UInt8.self) { nearest($0) }
    case .uint16: write(UInt16.self) { nearest($0) }
    case .uint32: write(UInt32.self) { nearest($0) }
    case .uint64: write(UInt64.self) { nearest($0) }
    case .int8: write(Int8.self) { nearest($0) }
    case .int16: write(Int16.self) { nearest($0) }
    case .int32: write(Int32.self) { nearest($0) }
    case .int64: write(Int64.self) { nearest($0) }
    case .fp16: write(UInt16.self) { HalfFloat.bits($0) }
    case .bf16: write(UInt16.self) { brainFloat(Float($0)) }
    case .fp32: write(Float.self) { Float($0) }
    case .fp64: write(Double.self) { $0 }
    case .bytes: break
    }
  }

  private static func readIntegers(
    _ source: UnsafeRawPointer, _ datatype: Datatype, _ stage: UnsafeMutableBufferPointer<Int64>
  ) {
    func read<Element: FixedWidthInteger>(_: Element.Type) {
      let elements = source.assumingMemoryBound(to: Element.self)
      for index in stage.indices { stage[index] = Int64(truncatingIfNeeded: elements[index]) }
    }
    switch datatype {
    case .bool, .uint8: read(UInt8.self)
    case .uint16: read(UInt16.self)
    case .uint32: read(UInt32.self)
    case .uint64: read(UInt64.self)
    case .int8: read(Int8.self)
    case .int16: read(Int16.self)
    case .int32: read(Int32.self)
    default: read(Int64.self)
    }
  }

  private static func writeIntegers(
    _ stage: UnsafeMutableBufferPointer<Int64>, _ target: UnsafeMutableRawPointer, _ datatype: Datatype
  ) {
    func write<Element: FixedWidthInteger>(_: Element.Type) {
      let elements = target.assumingMemoryBound(to: Element.self)
      for index in stage.indices { elements[index] = Element(truncatingIfNeeded: stage[index]) }
    }
    switch datatype.byteCount {
    case 1: write(UInt8.self)
    case 2: write(UInt16.self)
    case 4: write(UInt32.self)
    default: write(Int64.self)
    }
  }

  /// The whole part, or the end of the range that is nearer.
  private static func nearest<Element: FixedWidthInteger>(_ value: Double) -> Element {
    if value.isNaN { return 0 }
    return Element(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
  }

  /// The upper half of a float, rounded to the nearest, ties to even.
  private static func brainFloat(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
  }
}

/// IEEE 754 binary16.
private enum HalfFloat {
  static func value(_ bits: UInt16) -> Float { Float(Float16(bitPattern: bits)) }
  static func bits(_ value: Double) -> UInt16 { Float16(value).bitPattern }
}
