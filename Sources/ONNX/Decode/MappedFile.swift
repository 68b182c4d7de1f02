import CFileGuard
import Glibc

/// A file in memory by mmap, read-only, unmapped with the last reference.
///
/// Whoever writes to the file in place changes what is read here. A file that is made shorter reads as zeros behind its
/// end, instead of ending the process; `checkUnchanged` tells whether either has happened.
///
/// Unchecked: the mapping is never written and lives as long as the object.
public final class MappedFile: @unchecked Sendable {
  public let path: String
  public let bytes: UnsafeRawBufferPointer
  private let descriptor: Int32
  /// When it was mapped.
  private let status: stat
  /// Nil for an empty file, of which nothing is mapped.
  private let guardPlace: Int32?

  /// Maps the regular file at `path`.
  public init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw MappedFile.failure(path, "cannot be opened") }
    do {
      let status = try MappedFile.status(of: descriptor, path)
      (bytes, guardPlace) = try MappedFile.map(descriptor, Int(status.st_size), path)
      self.status = status
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.path = path
  }

  deinit {
    if let guardPlace { file_guard_end(guardPlace) }
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
    close(descriptor)
  }

  /// Throws if the file was written to since it was mapped, since what was read then may be of no state that it ever
  /// had.
  public func checkUnchanged() throws {
    let now = try MappedFile.status(of: descriptor, path)
    let isUnchanged =
      now.st_size == status.st_size && now.st_mtim.tv_sec == status.st_mtim.tv_sec
      && now.st_mtim.tv_nsec == status.st_mtim.tv_nsec
    guard isUnchanged, guardPlace.map({ !file_guard_is_torn($0) }) ?? true else {
      throw ONNXError(
        .unreadable,
        "\(path): was written to while it was read; write to another file and put that in its place with mv")
    }
  }

  /// Lets go of the memory that holds a part of the file that has been read: it is read from the file again if it is
  /// needed again.
  func forget(_ part: UnsafeRawBufferPointer) {
    guard let start = part.baseAddress else { return }
    let page = UInt(getpagesize())
    let first = (UInt(bitPattern: start) + page - 1) / page * page
    let end = UInt(bitPattern: start + part.count) / page * page
    guard first < end else { return }
    madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), MADV_DONTNEED)
  }

  private static func status(of descriptor: Int32, _ path: String) throws -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(path, "cannot be examined") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ONNXError(.unreadable, "\(path): is not a regular file")
    }
    return status
  }

  private static func map(
    _ descriptor: Int32, _ count: Int, _ path: String
  ) throws -> (UnsafeRawBufferPointer, Int32?) {
    if count == 0 { return (UnsafeRawBufferPointer(start: nil, count: 0), nil) }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw failure(path, "cannot be mapped")
    }
    let place = file_guard_begin(base, count)
    guard place >= 0 else {
      munmap(base, count)
      throw ONNXError(.limit, "\(path): too many files are being read at once")
    }
    return (UnsafeRawBufferPointer(start: base, count: count), place)
  }

  private static func failure(_ path: String, _ what: String) -> ONNXError {
    ONNXError(.unreadable, "\(path): \(what): \(String(cString: strerror(errno)))")
  }
}
