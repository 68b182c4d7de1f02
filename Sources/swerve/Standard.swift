import Bytes
import Glibc

/// Whole lines on standard output and standard error, past any buffer.
enum Standard {
  static func output(_ line: String) { write(line, to: STDOUT_FILENO) }

  static func error(_ line: String) { write(line, to: STDERR_FILENO) }

  /// Runs `action` on a thread of its own.
  static func startThread(_ action: @escaping @Sendable () -> Void) {
    final class Body {
      let run: @Sendable () -> Void
      init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    let body = Unmanaged.passRetained(Body(action))
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      {
        Unmanaged<Body>.fromOpaque($0!).takeRetainedValue().run()
        return nil
      }, body.toOpaque())
    pthread_detach(thread)
  }

  private static func write(_ line: String, to descriptor: Int32) {
    let buffer = ByteBuffer()
    buffer.append(line)
    buffer.append(UInt8(ascii: "\n"))
    _ = Glibc.write(descriptor, buffer.bytes.baseAddress, buffer.count)
  }
}
