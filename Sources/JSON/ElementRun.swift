import Tensors

/// How a run of elements ended.
enum RunEnd {
  /// At the list's end, which is consumed; or behind the one element that is in no list.
  case closed
  /// A comma, which is consumed, promises more elements than there is room or leave for.
  case full
  /// At something that is no element of the datatype.
  case element
  /// Behind an element, at something that is neither a comma nor the list's end.
  case separator
  case string(StringFault)
  case base64
  case noMemory
}

extension JSONReader {
  /// Reads elements separated by commas into `builder` until their list ends or it holds `limit`,
  /// never beyond its capacity; where `inList` is false, one element only. The cursor stands where an
  /// element is due, and afterwards where the end was seen.
  mutating func readRun(into builder: inout TensorBuilder, upTo limit: Int, inList: Bool = true) -> RunEnd {
    let limit = min(limit, builder.capacity)
    guard builder.count < limit else { return .full }
    return switch builder.datatype {
    case .bool: readNumbers(BoolElement.self, &builder, limit, inList)
    case .uint8: readNumbers(UInt8.self, &builder, limit, inList)
    case .uint16: readNumbers(UInt16.self, &builder, limit, inList)
    case .uint32: readNumbers(UInt32.self, &builder, limit, inList)
    case .uint64: readNumbers(UInt64.self, &builder, limit, inList)
    case .int8: readNumbers(Int8.self, &builder, limit, inList)
    case .int16: readNumbers(Int16.self, &builder, limit, inList)
    case .int32: readNumbers(Int32.self, &builder, limit, inList)
    case .int64: readNumbers(Int64.self, &builder, limit, inList)
    case .fp16: readNumbers(FP16.self, &builder, limit, inList)
    case .bf16: readNumbers(BF16.self, &builder, limit, inList)
    case .fp32: readNumbers(Float.self, &builder, limit, inList)
    case .fp64: readNumbers(Double.self, &builder, limit, inList)
    case .bytes: readStrings(&builder, limit, inList)
    }
  }

  @inline(__always)
  private mutating func readNumbers<Element: TensorElement>(
    _: Element.Type, _ builder: inout TensorBuilder, _ limit: Int, _ inList: Bool
  ) -> RunEnd {
    let elements = builder.base.assumingMemoryBound(to: Element.self)
    let tables = NumberTables()
    let end = self.end
    var position = cursor
    var count = builder.count
    defer {
      builder.count = count
      cursor = position
    }
    while true {
      Whitespace.skip(&position, end)
      let first = position
      guard let element = Element.parse(&position, end, tables) else {
        position = first
        return .element
      }
      elements[count] = element
      count &+= 1
      guard inList else { return .closed }
      switch JSONReader.separator(&position, end) {
      case UInt8(ascii: ","): if count == limit { return .full }
      case UInt8(ascii: "]"): return .closed
      default: return .separator
      }
    }
  }

  /// Moves behind the comma or the list's end that comes next and returns it; 0 for anything else.
  @inline(__always)
  static func separator(
    _ position: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> UInt8 {
    Whitespace.skip(&position, end)
    guard position < end else { return 0 }
    let byte = position.pointee
    guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") else { return 0 }
    position += 1
    return byte
  }
}
