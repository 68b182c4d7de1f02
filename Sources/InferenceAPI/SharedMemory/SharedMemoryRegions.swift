import Locks
import Tensors

/// The regions of system shared memory that clients have registered (the `system_shared_memory` extension), so
/// that tensors of theirs need not go through the connection.
///
/// Whoever may ask the server can have it read and write any shared memory object that its user may; so it is
/// for servers whose clients are all trusted, and off unless it is asked for.
public final class SharedMemoryRegions: Sendable {
  struct Region: Sendable {
    var name: String
    var key: String
    var offset: Int
    var byteCount: Int
    var object: SharedMemoryObject
  }

  private let maximumCount: Int
  /// Bytes that the inputs of one request may have in shared memory.
  let maximumInputBytes: Int
  /// In the order of their registration.
  private let regions = Lock<[Region]>([])

  /// - Parameters:
  ///   - maximumCount: regions that may be registered at once.
  ///   - maximumInputBytes: bytes that the inputs of one request may have in shared memory; they are copied.
  public init(maximumCount: Int, maximumInputBytes: Int) {
    self.maximumCount = maximumCount
    self.maximumInputBytes = maximumInputBytes
  }

  func register(_ name: String, key: String, offset: Int, byteCount: Int) throws(APIFailure) {
    try Self.check(key)
    guard let object = SharedMemoryObject(key: key) else {
      throw .badRequest(
        "Unable to open shared memory region: '\(excerpt(key))' (key): no such shared memory object, or the server "
          + "may not read and write it")
    }
    guard byteCount > 0, offset <= object.byteCount - byteCount else {
      throw .badRequest(
        "failed to register shared memory region '\(excerpt(name))': invalid args: byte_size \(byteCount) at offset "
          + "\(offset) is not within the \(object.byteCount) bytes of '\(excerpt(key))'")
    }
    let region = Region(name: name, key: key, offset: offset, byteCount: byteCount, object: object)
    let refusal: APIFailure? = regions.withLock { regions in
      if regions.contains(where: { $0.name == name }) {
        return .badRequest(
          "shared memory region '\(excerpt(name))' already in manager; unregister it first, or take another name"
        )
      }
      guard regions.count < maximumCount else {
        return APIFailure(
          429, "\(regions.count) shared memory regions are registered, which is the limit; unregister one")
      }
      regions.append(region)
      return nil
    }
    if let refusal { throw refusal }
  }

  /// Forgets a region, or all of them; nothing happens if there is none of that name. Requests under way keep it.
  func unregister(_ name: String?) {
    regions.withLock { regions in
      if let name { regions.removeAll { $0.name == name } } else { regions.removeAll() }
    }
  }

  var all: [Region] { regions.withLock { $0 } }

  func region(_ name: String) throws(APIFailure) -> Region {
    guard let region = regions.withLock({ $0.first { $0.name == name } }) else {
      throw .badRequest(
        "Unable to find shared memory region: '\(excerpt(name))'; register it first, with POST "
          + "/v2/systemsharedmemory/region/NAME/register")
    }
    return region
  }

  /// A part of a region, for one tensor.
  func slice(of name: String, offset: Int, byteCount: Int, path: String) throws(APIFailure)
    -> SharedMemorySlice
  {
    let region = try region(name)
    guard offset <= region.byteCount - byteCount else {
      throw .badRequest(
        "Invalid offset + byte size for shared memory region: '\(excerpt(name))' (\(path)): \(byteCount) bytes at "
          + "offset \(offset) are not within its \(region.byteCount)")
    }
    return SharedMemorySlice(
      region: region.name, object: region.object, start: region.offset + offset, offset: offset,
      byteCount: byteCount)
  }

  /// A key is what `shm_open` takes everywhere: a slash, and a name that is none of a folder.
  private static func check(_ key: String) throws(APIFailure) {
    let name = key.utf8.dropFirst()
    let isName = !name.isEmpty && name.count <= 254 && !name.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    guard key.utf8.first == UInt8(ascii: "/"), isName, key != "/.", key != "/.." else {
      throw .badRequest(
        "'\(excerpt(key))' (key) names no shared memory object; expected a slash and a name of up to 254 bytes"
      )
    }
  }
}

/// A part of a region of shared memory that holds one tensor.
final class SharedMemorySlice: Sendable {
  /// As the client calls it.
  let region: String
  let object: SharedMemoryObject
  /// Where it begins in the object.
  let start: Int
  /// Where it begins in the region.
  let offset: Int
  let byteCount: Int

  init(region: String, object: SharedMemoryObject, start: Int, offset: Int, byteCount: Int) {
    self.region = region
    self.object = object
    self.start = start
    self.offset = offset
    self.byteCount = byteCount
  }

  /// Its bytes, copied.
  func read(path: String) throws(APIFailure) -> TensorMemory {
    guard let memory = TensorMemory(byteCount: byteCount) else {
      throw APIFailure(503, "\(path): no memory for \(byteCount) bytes of shared memory")
    }
    guard object.read(into: UnsafeMutableRawBufferPointer(start: memory.base, count: byteCount), at: start)
    else {
      throw .badRequest(
        "\(path): \(byteCount) bytes at offset \(offset) of shared memory region '\(excerpt(region))' cannot be "
          + "read; the object has been made shorter")
    }
    return memory
  }

  /// Has `bytes` at its begin.
  func write(_ bytes: UnsafeRawBufferPointer, output: String) throws(APIFailure) {
    guard bytes.count <= byteCount else {
      throw .badRequest(
        "shared memory size specified with the request for output '\(output)' (\(byteCount) bytes) should be at "
          + "least \(bytes.count) bytes to hold the results")
    }
    guard object.write(bytes, at: start) else {
      throw .badRequest(
        "output '\(output)' cannot be written to shared memory region '\(excerpt(region))'; the object has been "
          + "made shorter")
    }
  }
}
