public import CSwervePlugin

/// The dimensions of a tensor, outermost first.
public struct Dimensions: RandomAccessCollection, Sendable {
  private let values: InlineArray<8, Int64>
  public let endIndex: Int
  public var startIndex: Int { 0 }

  init(_ tensor: UnsafePointer<swerve_tensor>) {
    let source = UnsafeRawPointer(tensor).advanced(by: MemoryLayout<swerve_tensor>.offset(of: \.dims)!)
    values = source.load(as: InlineArray<8, Int64>.self)
    endIndex = Int(tensor.pointee.rank)
  }

  public subscript(axis: Int) -> Int {
    precondition(axis >= 0 && axis < endIndex, "no such dimension")
    return Int(values[axis])
  }
}

/// An input of a batch, of the declared element type. Read-only; valid until the last request of the
/// batch is finished.
public struct InputTensor {
  @usableFromInline let tensor: UnsafePointer<swerve_tensor>

  init(_ tensor: UnsafePointer<swerve_tensor>) { self.tensor = tensor }

  public var name: String { String(cString: tensor.pointee.name) }
  public var elementType: ElementType { ElementType(rawValue: tensor.pointee.dtype) ?? .uint8 }
  public var dimensions: Dimensions { Dimensions(tensor) }
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: tensor.pointee.data, count: tensor.pointee.byte_size)
  }

  /// The elements, row-major. Throws if the tensor holds another type.
  @inlinable public func elements<Element: TensorElement>(
    as type: Element.Type = Element.self
  ) throws(ModelError) -> UnsafeBufferPointer<Element> {
    guard tensor.pointee.dtype == Element.elementType.rawValue else { throw mismatch(Element.elementType) }
    return UnsafeBufferPointer(
      start: UnsafeRawPointer(tensor.pointee.data).assumingMemoryBound(to: Element.self),
      count: tensor.pointee.byte_size / MemoryLayout<Element>.stride)
  }

  /// The elements of a `bytes` tensor as text; what is not UTF-8 is replaced.
  public func strings() throws(ModelError) -> [String] {
    try elements(as: swerve_bytes.self).map { element in
      String(decoding: UnsafeBufferPointer(start: element.data, count: element.size), as: UTF8.self)
    }
  }

  @usableFromInline func mismatch(_ wanted: ElementType) -> ModelError {
    ModelError(.internalFault, "input \"\(name)\" holds \(elementType), not \(wanted)")
  }
}

/// An output of a batch, to be filled. The server's memory; valid until the last request of the batch
/// is finished.
public struct OutputTensor {
  @usableFromInline let tensor: UnsafeMutablePointer<swerve_tensor>
  let batch: Batch

  public var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: tensor.pointee.data, count: tensor.pointee.byte_size)
  }

  /// The elements, row-major, not zeroed. Throws if the output was added as another type.
  @inlinable public func elements<Element: TensorElement>(
    as type: Element.Type = Element.self
  ) throws(ModelError) -> UnsafeMutableBufferPointer<Element> {
    guard tensor.pointee.dtype == Element.elementType.rawValue else { throw mismatch(Element.elementType) }
    return UnsafeMutableBufferPointer(
      start: tensor.pointee.data.assumingMemoryBound(to: Element.self),
      count: tensor.pointee.byte_size / MemoryLayout<Element>.stride)
  }

  /// Fills a `bytes` output.
  public func set(_ strings: [String]) throws(ModelError) {
    let slots = try elements(as: swerve_bytes.self)
    guard slots.count == strings.count else {
      throw ModelError(
        .internalFault, "output \"\(name)\" has \(slots.count) elements, not \(strings.count)")
    }
    var texts = strings
    guard var next = batch.bytes(count: texts.reduce(0) { $0 + $1.utf8.count }) else {
      throw ModelError(.outOfMemory, "no memory for the text of output \"\(name)\"")
    }
    for index in texts.indices {
      texts[index].withUTF8 { text in
        next.update(from: text.baseAddress ?? UnsafePointer(next), count: text.count)
        slots[index] = swerve_bytes(data: next, size: text.count)
        next += text.count
      }
    }
  }

  private var name: String { String(cString: tensor.pointee.name) }

  @usableFromInline func mismatch(_ wanted: ElementType) -> ModelError {
    let held = ElementType(rawValue: tensor.pointee.dtype) ?? .uint8
    return ModelError(.internalFault, "output \"\(name)\" holds \(held), not \(wanted)")
  }
}
