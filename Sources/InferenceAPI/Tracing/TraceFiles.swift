import Bytes
import Glibc

/// Where traces are written to: the file that the operator names, or, as `PATH.0`, `PATH.1`, …, files of so many traces
/// each; not more than a number of bytes in all.
struct TraceFiles {
  enum Fault: Error {
    /// As many bytes are written as may be.
    case isFull
    case unwritable(path: String, errno: Int32)
  }

  let path: String
  private let byteLimit: Int
  private var single: TraceFile?
  private var numbered: TraceFile?
  private var number = 0
  private var byteCount = 0
  private var traceCount = 0

  init(path: String, byteLimit: Int) {
    self.path = path
    self.byteLimit = byteLimit
  }

  /// - Parameter frequency: traces in each numbered file; 0 for the one file.
  mutating func append(_ trace: RequestTrace, frequency: Int) throws(Fault) {
    let file = try frequency == 0 ? wholeFile() : numberedFile(frequency)
    let before = file.byteCount
    guard byteCount < byteLimit else { throw .isFull }
    traceCount += 1
    let id = traceCount
    guard file.append({ trace.write(to: $0, id: id) }) else { throw .unwritable(path: path, errno: errno) }
    byteCount += file.byteCount - before
  }

  private mutating func wholeFile() throws(Fault) -> TraceFile {
    if let single { return single }
    let file = try TraceFiles.begin(path)
    single = file
    return file
  }

  private mutating func numberedFile(_ frequency: Int) throws(Fault) -> TraceFile {
    if let numbered, numbered.elementCount < frequency { return numbered }
    let file = try TraceFiles.begin("\(path).\(number)")
    number += 1
    numbered = file
    return file
  }

  private static func begin(_ path: String) throws(Fault) -> TraceFile {
    guard let file = TraceFile(path) else { throw .unwritable(path: path, errno: errno) }
    return file
  }
}
