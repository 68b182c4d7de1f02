import Glibc
import Tensors

/// The bytes after the JSON part of a request (the `binary_tensor_data` extension), handed out to
/// its binary inputs in order.
///
/// A tensor whose bytes happen to lie aligned is a view of the body, which `owner` keeps alive and
/// unmoved; any other is copied once.
struct BinaryInputs {
  /// Whether the request has a binary part at all, that is the header that says where it begins.
  let isPresent: Bool
  private var rest: UnsafeMutableRawBufferPointer
  private let owner: AnyObject?

  /// No binary part.
  static var none: BinaryInputs {
    BinaryInputs(isPresent: false, rest: UnsafeMutableRawBufferPointer(start: nil, count: 0), owner: nil)
  }

  /// `owner` nil: the bytes may go before the tensors do, so everything is copied.
  init(isPresent: Bool = true, rest: UnsafeMutableRawBufferPointer, owner: AnyObject?) {
    self.isPresent = isPresent
    self.rest = rest
    self.owner = owner
  }

  /// The next `size` bytes as a tensor. `path` is the input's place in the JSON part.
  mutating func take(
    _ size: Int, name: String, datatype: Datatype, shape: Shape, path: @autoclosure () -> String,
    model: String
  ) throws(APIFailure) -> Tensor {
    guard size <= rest.count else {
      throw .badRequest(
        "unexpected size for input '\(excerpt(name))', expecting \(size - rest.count) additional bytes for "
          + "model '\(excerpt(model))' (\(path()).parameters.binary_data_size)")
    }
    let bytes = UnsafeMutableRawBufferPointer(rebasing: rest[..<size])
    rest = UnsafeMutableRawBufferPointer(rebasing: rest[size...])
    if datatype == .bytes {
      return try BinaryInputs.bytesTensor(bytes, name: name, shape: shape, path: path(), model: model)
    }
    return try fixedTensor(bytes, name: name, datatype: datatype, shape: shape, path: path(), model: model)
  }

  /// Requires that every byte was some input's.
  func finish(model: String) throws(APIFailure) {
    guard rest.isEmpty else {
      throw .badRequest(
        "unexpected additional input data for model '\(excerpt(model))': \(rest.count) bytes are left over "
          + "after the last binary input")
    }
  }

  private func fixedTensor(
    _ bytes: UnsafeMutableRawBufferPointer, name: String, datatype: Datatype, shape: Shape,
    path: @autoclosure () -> String,
    model: String
  ) throws(APIFailure) -> Tensor {
    guard let elements = shape.elementCount,
      case (let expected, let overflow) = elements.multipliedReportingOverflow(by: datatype.byteCount),
      !overflow,
      expected == bytes.count
    else {
      let expected = shape.elementCount.map { "\($0.multipliedReportingOverflow(by: datatype.byteCount).0)" }
      throw .badRequest(
        "input byte size mismatch for input '\(excerpt(name))' for model '\(excerpt(model))'. Expected "
          + "\(expected ?? "a size that fits"), got \(bytes.count) (\(path()): \(datatype.name) \(shape))")
    }
    if datatype == .bool, let wrong = bytes.firstIndex(where: { $0 > 1 }) {
      throw .badRequest("\(path()): element \(wrong) of BOOL data is \(bytes[wrong]); expected 0 or 1")
    }
    let isAligned = Int(bitPattern: bytes.baseAddress) % TensorMemory.alignment == 0
    if isAligned, let owner, let start = bytes.baseAddress {
      let view = TensorMemory(viewing: start, byteCount: bytes.count, owner: owner)
      return Tensor(name: name, datatype: datatype, shape: shape, memory: view)
    }
    guard let tensor = Tensor(name: name, datatype: datatype, shape: shape) else {
      throw APIFailure(503, "no memory for the \(bytes.count) bytes of input '\(excerpt(name))'")
    }
    if let start = bytes.baseAddress { memcpy(tensor.data, start, bytes.count) }
    return tensor
  }

  /// Elements of 4 bytes of length, little-endian, and as many bytes.
  private static func bytesTensor(
    _ bytes: UnsafeMutableRawBufferPointer, name: String, shape: Shape, path: @autoclosure () -> String,
    model: String
  ) throws(APIFailure) -> Tensor {
    let elements = shape.elementCount ?? Int.max
    // Every element takes 4 bytes at least, so that a huge shape is refused before memory is taken.
    guard elements <= bytes.count / 4 else {
      throw .badRequest(
        "input byte size mismatch for input '\(excerpt(name))' for model '\(excerpt(model))': \(path()) has "
          + "\(elements) BYTES elements of at least 4 bytes, got \(bytes.count) bytes")
    }
    guard let payload = TensorMemory(byteCount: bytes.count),
      let records = TensorMemory(byteCount: elements * Datatype.bytes.byteCount)
    else { throw APIFailure(503, "no memory for the \(bytes.count) bytes of input '\(excerpt(name))'") }
    if let start = bytes.baseAddress { memcpy(payload.base, start, bytes.count) }
    let tensor = Tensor(name: name, datatype: .bytes, shape: shape, memory: records, payload: payload)
    var offset = 0
    for (index, slot) in tensor.elements(as: BytesElement.self).indices.enumerated() {
      guard bytes.count - offset >= 4 else {
        throw .badRequest("\(path()): the length of BYTES element \(index) is cut off at byte \(offset)")
      }
      let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      offset += 4
      guard length <= bytes.count - offset else {
        throw .badRequest(
          "\(path()): BYTES element \(index) says it has \(length) bytes, but \(bytes.count - offset) are left"
        )
      }
      let data = (payload.base + offset).assumingMemoryBound(to: UInt8.self)
      tensor.elements(as: BytesElement.self)[slot] = BytesElement(data: data, count: length)
      offset += length
    }
    guard offset == bytes.count else {
      throw .badRequest(
        "\(path()): \(bytes.count - offset) bytes are left over after the \(elements) BYTES elements of \(shape)"
      )
    }
    return tensor
  }
}
