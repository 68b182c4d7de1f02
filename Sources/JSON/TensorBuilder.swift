import Tensors

/// Elements on their way from text into tensor memory.
///
/// Either the memory is given and has room for all of them, or it grows. Elements of a `bytes` tensor
/// get their place in `payload` once all are there, since that moves while it grows.
struct TensorBuilder {
  let datatype: Datatype
  private(set) var base: UnsafeMutableRawPointer
  /// Elements that fit.
  private(set) var capacity: Int
  /// Elements that are there.
  var count = 0
  private(set) var memory: TensorMemory?
  private var payload: TensorMemory?
  private var payloadCount = 0

  private static let firstCapacity = 64

  /// A builder into `base`, which has room for `capacity` elements.
  init(_ datatype: Datatype, into base: UnsafeMutableRawPointer, capacity: Int) {
    self.datatype = datatype
    self.base = base
    self.capacity = capacity
  }

  /// A builder with memory of its own. Nil when there is none.
  init?(_ datatype: Datatype, capacity: Int = TensorBuilder.firstCapacity) {
    guard let memory = TensorMemory(byteCount: capacity * datatype.byteCount) else { return nil }
    self.init(datatype, into: memory.base, capacity: capacity)
    self.memory = memory
  }

  /// Doubles the room for elements; false when there is no memory or it was given from outside.
  mutating func grow() -> Bool {
    let wanted = max(capacity * 2, TensorBuilder.firstCapacity)
    guard memory != nil, let larger = TensorMemory(byteCount: wanted * datatype.byteCount) else {
      return false
    }
    larger.base.copyMemory(from: base, byteCount: count * datatype.byteCount)
    memory = larger
    base = larger.base
    capacity = wanted
    return true
  }

  /// Where the next `room` bytes of a `bytes` element go; nil when there is no memory.
  mutating func reservePayload(_ room: Int) -> UnsafeMutablePointer<UInt8>? {
    // An empty element takes no room, but a place to point at.
    if payload == nil || room > (payload?.byteCount ?? 0) - payloadCount {
      let expected = max(payloadCount * 2, capacity * 16)
      guard let larger = TensorMemory(byteCount: max(payloadCount + room, expected)) else { return nil }
      if let payload { larger.base.copyMemory(from: payload.base, byteCount: payloadCount) }
      payload = larger
    }
    return payload.map { ($0.base + payloadCount).assumingMemoryBound(to: UInt8.self) }
  }

  /// Appends the element whose `length` bytes were stored where `reservePayload` said.
  mutating func appendBytes(length: Int) {
    let record = BytesElement(data: nil, count: length)
    base.storeBytes(
      of: record, toByteOffset: count * MemoryLayout<BytesElement>.stride, as: BytesElement.self)
    payloadCount += length
    count += 1
  }

  /// Points the records of a `bytes` tensor at their bytes, which lie one behind the other in the
  /// memory that is returned. Nil for other datatypes.
  func finishPayload() -> TensorMemory? {
    guard datatype == .bytes else { return nil }
    let records = base.assumingMemoryBound(to: BytesElement.self)
    var position = payload?.base.assumingMemoryBound(to: UInt8.self)
    for index in 0..<count {
      records[index].data = position.map { UnsafePointer($0) }
      position = position.map { $0 + records[index].count }
    }
    return payload
  }
}
