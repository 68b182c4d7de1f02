import Tensors

/// Elements as Swift numbers, for evaluations that need no kernel: floating-point datatypes as doubles,
/// integers and booleans as `Int`.
extension Tensor {
  var isFloat: Bool { datatype.isFloat }

  /// All elements as doubles; none of a tensor of texts.
  func doubles() -> [Double] {
    if datatype == .bytes { return [] }
    return [Double](unsafeUninitializedCapacity: elementCount) { buffer, count in
      count = elementCount
      if let base = buffer.baseAddress {
        ElementConversion.convert(data, datatype, base, .fp64, count: count)
      }
    }
  }

  /// All elements of an integer or boolean tensor; a UINT64 beyond `Int.max` wraps around.
  func integers() -> [Int] {
    [Int](unsafeUninitializedCapacity: elementCount) { buffer, count in
      count = elementCount
      if let base = buffer.baseAddress {
        ElementConversion.convert(data, datatype, base, .int64, count: count)
      }
    }
  }

  /// The elements, when they are integers or booleans.
  var integersIfAny: [Int]? { datatype.isFloat || datatype == .bytes ? nil : integers() }

  /// All elements as numbers that compare as they do, also those of UINT64.
  func orderedIntegers() -> [Int] {
    let values = integers()
    return datatype == .uint64 ? values.map { $0 ^ .min } : values
  }

  /// Writes the elements, rounded or cut to the datatype. Precondition: as many values as elements.
  func fill(with values: [Double]) {
    precondition(values.count == elementCount, "another number of elements")
    values.withUnsafeBytes { source in
      if let base = source.baseAddress {
        ElementConversion.convert(base, .fp64, data, datatype, count: values.count)
      }
    }
  }

  /// Writes the elements, the low bits of each. Precondition: as many values as elements.
  func fill(with values: [Int]) {
    precondition(values.count == elementCount, "another number of elements")
    values.withUnsafeBytes { source in
      if let base = source.baseAddress {
        ElementConversion.convert(base, .int64, data, datatype, count: values.count)
      }
    }
  }
}

extension Datatype {
  static let integers: [Datatype] = [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64]
  static let floats: [Datatype] = [.fp16, .bf16, .fp32, .fp64]

  var isFloat: Bool {
    switch self {
    case .fp16, .bf16, .fp32, .fp64: true
    default: false
    }
  }

  var isSigned: Bool {
    switch self {
    case .int8, .int16, .int32, .int64: true
    default: isFloat
    }
  }

  /// The range of an integer datatype of at most 32 bits, and that of `Int` for others.
  var integerRange: ClosedRange<Int> {
    switch self {
    case .bool: 0...1
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65535
    case .int16: -32768...32767
    case .uint32: 0...Int(UInt32.max)
    case .int32: Int(Int32.min)...Int(Int32.max)
    case .uint64: 0...Int.max
    default: Int.min...Int.max
    }
  }
}
