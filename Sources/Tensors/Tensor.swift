/// An element of a `bytes` tensor; the layout of the plugin ABI's `swerve_bytes`.
public struct BytesElement {
  public var data: UnsafePointer<UInt8>?
  public var count: Int

  public init(data: UnsafePointer<UInt8>?, count: Int) {
    self.data = data
    self.count = count
  }

  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: data, count: count) }
}

/// A named, dense, row-major tensor in host memory.
///
/// Elements lie at `data`, inside `memory`. A `bytes` tensor holds `BytesElement` records there, and
/// the bytes they point to lie in `memory` or in `payload`; both live as long as the tensor.
///
/// Unchecked: `data` points into `memory`, which the tensor retains.
public struct Tensor: @unchecked Sendable {
  public var name: String
  public let datatype: Datatype
  public let shape: Shape
  public let memory: TensorMemory
  public let data: UnsafeMutableRawPointer
  public let payload: TensorMemory?

  /// Bytes from `data` that belong to the tensor.
  public let byteCount: Int

  /// A tensor over `memory`, from `offset` bytes on.
  /// Precondition: the shape has no negative dimension and its elements fit in the memory.
  public init(
    name: String, datatype: Datatype, shape: Shape, memory: TensorMemory, offset: Int = 0,
    payload: TensorMemory? = nil
  ) {
    guard let elements = shape.elementCount else { preconditionFailure("a shape without a size") }
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: datatype.byteCount)
    precondition(!overflow && offset >= 0 && bytes <= memory.byteCount - offset, "a tensor beyond its memory")
    self.name = name
    self.datatype = datatype
    self.shape = shape
    self.memory = memory
    self.data = memory.base + offset
    self.byteCount = bytes
    self.payload = payload
  }

  /// A tensor with memory of its own, not zeroed. Nil when the shape has no size or memory is short.
  public init?(name: String, datatype: Datatype, shape: Shape) {
    guard let elements = shape.elementCount,
      case (let bytes, let overflow) = elements.multipliedReportingOverflow(by: datatype.byteCount),
      !overflow,
      let memory = TensorMemory(byteCount: bytes)
    else { return nil }
    self.init(name: name, datatype: datatype, shape: shape, memory: memory)
  }

  public var elementCount: Int { byteCount / datatype.byteCount }

  /// The elements as `Element`. Precondition: its stride is the datatype's byte count.
  @inlinable public func elements<Element>(as _: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    precondition(MemoryLayout<Element>.stride == datatype.byteCount, "element type and datatype differ")
    return UnsafeMutableBufferPointer(
      start: data.assumingMemoryBound(to: Element.self), count: elementCount)
  }

  /// The same elements under another shape. Precondition: as many elements.
  public func reshaped(to shape: Shape) -> Tensor {
    precondition(shape.elementCount == elementCount, "reshape changes the number of elements")
    return Tensor(
      name: name, datatype: datatype, shape: shape, memory: memory, offset: data - memory.base,
      payload: payload)
  }

  /// Rows `range` of dimension 0: a view, nothing is copied.
  /// Precondition: the tensor has a dimension 0 that holds the range.
  public func rows(_ range: Range<Int>) -> Tensor {
    precondition(
      shape.rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0], "rows beyond the tensor")
    var part = shape
    part[0] = range.count
    let rowBytes = shape[0] == 0 ? 0 : byteCount / shape[0]
    return Tensor(
      name: name, datatype: datatype, shape: part, memory: memory,
      offset: data - memory.base + range.lowerBound * rowBytes, payload: payload)
  }
}
