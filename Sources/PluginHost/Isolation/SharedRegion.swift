internal import CIsolation
internal import Glibc

/// Memory that a server and a worker both have.
///
/// Unchecked: the address and the size are constant; who may write which part when is the users' agreement.
final class SharedRegion: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let byteCount: Int
  let descriptor: Int32

  /// New memory, zeroed; it takes none of the machine's until it is written. Nil, with errno set: there is none.
  convenience init?(name: String, byteCount: Int) {
    let descriptor = isolation_memory(name, byteCount)
    guard descriptor >= 0 else { return nil }
    self.init(descriptor: descriptor, byteCount: byteCount, isWritable: true)
  }

  /// The memory behind a descriptor, which this closes. Nil, with errno set: it cannot be mapped.
  init?(descriptor: Int32, byteCount: Int, isWritable: Bool) {
    let rights = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
    guard let base = mmap(nil, byteCount, rights, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
      let reason = errno
      close(descriptor)
      errno = reason
      return nil
    }
    self.base = base
    self.byteCount = byteCount
    self.descriptor = descriptor
  }

  deinit {
    munmap(base, byteCount)
    close(descriptor)
  }
}
