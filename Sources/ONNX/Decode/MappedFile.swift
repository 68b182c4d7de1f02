import Glibc

/// A file in memory by mmap, read-only, unmapped with the last reference.
///
/// Unchecked: the mapping is never written and lives as long as the object.
public final class MappedFile: @unchecked Sendable {
  public let path: String
  public let bytes: UnsafeRawBufferPointer

  /// Maps the regular file at `path`.
  public init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw MappedFile.failure(path, "cannot be opened") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw MappedFile.failure(path, "cannot be examined") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ONNXError(.unreadable, "\(path): is not a regular file")
    }
    self.path = path
    let count = Int(status.st_size)
    if count == 0 {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw MappedFile.failure(path, "cannot be mapped")
    }
    bytes = UnsafeRawBufferPointer(start: base, count: count)
  }

  deinit {
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
  }

  private static func failure(_ path: String, _ what: String) -> ONNXError {
    ONNXError(.unreadable, "\(path): \(what): \(String(cString: strerror(errno)))")
  }
}
