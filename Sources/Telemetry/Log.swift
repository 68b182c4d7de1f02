import Bytes
import Glibc
import Synchronization

/// Log lines on standard error: one record a line, as text or as JSON.
///
/// Whatever a client sent is escaped, so that it can neither begin a line nor end a field. A record
/// is written by one `write`, so that lines of several threads do not mix.
public final class Log: Sendable {
  public enum Level: Int, Sendable, Comparable, CaseIterable {
    case debug, info, warning, error

    public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }

    public init?(name: String) {
      guard let level = Level.allCases.first(where: { "\($0)" == name }) else { return nil }
      self = level
    }
  }

  public enum Format: String, Sendable, CaseIterable { case text, json }

  /// A bit for each level that is written.
  private let levels: Atomic<Int>
  private let format: Format
  private let descriptor: Int32

  /// - Parameter level: it and all above it are written.
  public init(level: Level = .info, format: Format = .text, descriptor: Int32 = 2) {
    levels = Atomic(Log.bits(from: level))
    self.format = format
    self.descriptor = descriptor
  }

  /// Whether records of `level` are written. From any thread.
  public func isEnabled(_ level: Level) -> Bool { levels.load(ordering: .relaxed) & 1 << level.rawValue != 0 }

  /// Has records of `level` written from now on, or not. From any thread.
  public func setEnabled(_ level: Level, _ isEnabled: Bool) {
    if isEnabled {
      levels.bitwiseOr(1 << level.rawValue, ordering: .relaxed)
    } else {
      levels.bitwiseAnd(~(1 << level.rawValue), ordering: .relaxed)
    }
  }

  /// The least level that is written; to set it has all above it written too, and none below.
  public var level: Level {
    get { Level.allCases.first(where: isEnabled) ?? .error }
    set { levels.store(Log.bits(from: newValue), ordering: .relaxed) }
  }

  private static func bits(from level: Level) -> Int {
    Level.allCases.reduce(0) { $1 >= level ? $0 | 1 << $1.rawValue : $0 }
  }

  /// Writes one record if its level is; `message` is not evaluated otherwise.
  public func write(_ level: Level, _ message: @autoclosure () -> String, _ fields: [(String, String)] = []) {
    guard isEnabled(level) else { return }
    writeAlways(level, message(), fields)
  }

  /// Writes one record whatever its level: one that was asked for apart, as the access log's are.
  public func writeAlways(_ level: Level, _ message: String, _ fields: [(String, String)] = []) {
    let line = ByteBuffer(capacity: 256)
    switch format {
    case .text:
      line.append("\(Log.timestamp()) \(level) ")
      Log.append(message, to: line, quoted: Log.looksLikeFields(message))
      for (name, value) in fields {
        line.append(" \(name)=")
        Log.append(value, to: line, quoted: true)
      }
    case .json:
      line.append("{\"time\":\"\(Log.timestamp())\",\"level\":\"\(level)\",\"message\":")
      Log.append(message, to: line, quoted: true)
      for (name, value) in fields {
        line.append(",\"\(name)\":")
        Log.append(value, to: line, quoted: true)
      }
      line.append("}")
    }
    line.append(UInt8(ascii: "\n"))
    _ = Glibc.write(descriptor, line.bytes.baseAddress, line.count)
  }

  /// Whether a text could be taken for fields where it stands without quotes.
  private static func looksLikeFields(_ text: String) -> Bool {
    text.utf8.contains { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\"") }
  }

  private static func append(_ text: String, to line: ByteBuffer, quoted: Bool) {
    if quoted { line.append(UInt8(ascii: "\"")) }
    for character in text.unicodeScalars {
      switch character {
      case "\"" where quoted: line.append("\\\"")
      case "\\": line.append("\\\\")
      case "\n": line.append("\\n")
      case "\r": line.append("\\r")
      case "\t": line.append("\\t")
      // Control characters, and what hides or turns around the text about it on a terminal.
      case "\u{0}"..<"\u{20}", "\u{7f}"..<"\u{a0}", "\u{200b}"..."\u{200f}", "\u{2028}"..."\u{202e}",
        "\u{2066}"..."\u{2069}", "\u{feff}":
        let hex = String(character.value, radix: 16)
        line.append("\\u" + String(repeating: "0", count: 4 - hex.count) + hex)
      default: line.append(String(character))
      }
    }
    if quoted { line.append(UInt8(ascii: "\"")) }
  }

  /// Now, as RFC 3339 in UTC with milliseconds.
  private static func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
    let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)Z"
  }
}
