import Glibc

/// A shared memory object of the system (`shm_open`), read and written by calls instead of a mapping: a client
/// that makes it shorter gets an error, and cannot fault the server.
final class SharedMemoryObject: Sendable {
  private let descriptor: Int32

  /// Nil if there is no such object, or none that may be read and written.
  init?(key: String) {
    descriptor = shm_open(key, O_RDWR | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Bytes it has now.
  var byteCount: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Fills `bytes` from `offset` on; false if the object has not as many.
  func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
    Self.forEachPiece(bytes.count) { done in
      pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
    }
  }

  /// Writes `bytes` from `offset` on; false if the object is shorter, or has no room.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    guard offset <= byteCount - bytes.count else { return false }
    return Self.forEachPiece(bytes.count) { done in
      pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
    }
  }

  private static func forEachPiece(_ count: Int, _ transfer: (Int) -> Int) -> Bool {
    var done = 0
    while done < count {
      let moved = transfer(done)
      if moved < 0, errno == EINTR { continue }
      guard moved > 0 else { return false }
      done += moved
    }
    return true
  }
}
