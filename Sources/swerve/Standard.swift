import Bytes
import Glibc

/// Whole lines on standard output and standard error, past any buffer.
enum Standard {
  static func output(_ line: String) { write(line, to: STDOUT_FILENO) }

  static func error(_ line: String) { write(line, to: STDERR_FILENO) }

  private static func write(_ line: String, to descriptor: Int32) {
    let buffer = ByteBuffer()
    buffer.append(line)
    buffer.append(UInt8(ascii: "\n"))
    _ = Glibc.write(descriptor, buffer.bytes.baseAddress, buffer.count)
  }
}
