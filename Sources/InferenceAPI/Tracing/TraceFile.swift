import Bytes
import Glibc

/// A file that holds an array of JSON, whole after each element that is written behind the others.
final class TraceFile {
  private let descriptor: Int32
  private(set) var byteCount = 0
  private(set) var elementCount = 0

  private static let end = "\n]\n"

  /// Begins the file at `path` anew; nil, and `errno` says why, if it cannot be written.
  init?(_ path: String) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// False if it cannot be written; the file then holds what it held.
  func append(_ write: (ByteBuffer) -> Void) -> Bool {
    let buffer = ByteBuffer(capacity: 1024)
    buffer.append(byteCount == 0 ? "[\n" : ",\n")
    write(buffer)
    buffer.append(Self.end)
    let start = byteCount == 0 ? 0 : byteCount - Self.end.utf8.count
    guard pwrite(descriptor, buffer.bytes.baseAddress, buffer.count, off_t(start)) == buffer.count else {
      ftruncate(descriptor, off_t(byteCount))
      return false
    }
    byteCount = start + buffer.count
    elementCount += 1
    return true
  }
}
