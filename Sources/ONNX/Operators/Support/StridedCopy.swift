import Tensors

/// Copies a dense tensor from elements that lie at regular distances: slices and repetitions.
struct StridedCopy: Sendable {
  /// The target's shape without axes of extent 1.
  private var extents: [Int] = []
  /// Bytes in the source from one place of each axis to the next; may be 0 or negative.
  private var strides: [Int] = []
  private let start: Int
  private let elementBytes: Int
  private let isEmpty: Bool

  /// - Parameters:
  ///   - strides: in elements, for each axis of `shape`.
  ///   - start: the source's element that comes first.
  init(shape: Shape, strides: Shape, start: Int, elementBytes: Int) {
    self.elementBytes = elementBytes
    self.start = start * elementBytes
    isEmpty = shape.elementCount == 0
    for axis in 0..<shape.rank where shape[axis] != 1 {
      extents.append(shape[axis])
      self.strides.append(strides[axis] * elementBytes)
    }
    mergeAxes()
  }

  /// Joins an axis to the one behind it where one continues the other.
  private mutating func mergeAxes() {
    var axis = extents.count - 2
    while axis >= 0 {
      if strides[axis] == strides[axis + 1] * extents[axis + 1] {
        strides[axis] = strides[axis + 1]
        extents[axis] *= extents[axis + 1]
        extents.remove(at: axis + 1)
        strides.remove(at: axis + 1)
      }
      axis -= 1
    }
  }

  func run(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    if isEmpty { return }
    var target = target
    copy(source + start, &target, axis: 0)
  }

  private func copy(_ source: UnsafeRawPointer, _ target: inout UnsafeMutableRawPointer, axis: Int) {
    if axis == extents.count {
      target.copyMemory(from: source, byteCount: elementBytes)
      target += elementBytes
    } else if axis == extents.count - 1 {
      copyRun(source, &target, count: extents[axis], stride: strides[axis])
    } else {
      for index in 0..<extents[axis] { copy(source + index * strides[axis], &target, axis: axis + 1) }
    }
  }

  private func copyRun(
    _ source: UnsafeRawPointer, _ target: inout UnsafeMutableRawPointer, count: Int, stride: Int
  ) {
    if stride == elementBytes {
      target.copyMemory(from: source, byteCount: count * elementBytes)
    } else {
      switch elementBytes {
      case 1: copyElements(source, target, count, stride, UInt8.self)
      case 2: copyElements(source, target, count, stride, UInt16.self)
      case 4: copyElements(source, target, count, stride, UInt32.self)
      case 8: copyElements(source, target, count, stride, UInt64.self)
      default: copyElements(source, target, count, stride, SIMD2<UInt64>.self)
      }
    }
    target += count * elementBytes
  }

  private func copyElements<Element: BitwiseCopyable>(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int, _ stride: Int,
    _: Element.Type
  ) {
    for index in 0..<count {
      let element = source.loadUnaligned(fromByteOffset: index * stride, as: Element.self)
      target.storeBytes(of: element, toByteOffset: index * MemoryLayout<Element>.stride, as: Element.self)
    }
  }

  /// Elements from one place of each axis to the next in a dense tensor.
  static func denseStrides(_ shape: Shape) -> Shape {
    var strides = shape
    var step = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      strides[axis] = step
      step *= shape[axis]
    }
    return strides
  }
}
