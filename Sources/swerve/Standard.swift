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

  static func sleep(seconds: Double) {
    var left = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
    var rest = timespec()
    while nanosleep(&left, &rest) != 0, errno == EINTR { left = rest }
  }

  /// Signals that come from here on wait until `unblockSignals`. The first process of a container loses what
  /// comes before it has a handler, since the kernel has no default for it.
  static func blockSignals() {
    var waiting = sigset_t()
    sigemptyset(&waiting)
    for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2] { sigaddset(&waiting, number) }
    pthread_sigmask(SIG_SETMASK, &waiting, nil)
  }

  static func unblockSignals() {
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
  }

  private static func write(_ line: String, to descriptor: Int32) {
    let buffer = ByteBuffer()
    buffer.append(line)
    buffer.append(UInt8(ascii: "\n"))
    _ = Glibc.write(descriptor, buffer.bytes.baseAddress, buffer.count)
  }
}
