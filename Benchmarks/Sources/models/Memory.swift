import Foundation

/// What the process takes of the machine's memory, in bytes.
enum Memory {
  static func current() throws -> Int { try status("VmRSS") }
  static func peak() throws -> Int { try status("VmHWM") }

  private static func status(_ field: String) throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    for line in text.split(separator: "\n") where line.hasPrefix(field + ":") {
      let words = line.split(whereSeparator: \.isWhitespace)
      if words.count > 1, let kilobytes = Int(words[1]) { return kilobytes << 10 }
    }
    throw Refusal(description: "/proc/self/status has no \(field)")
  }
}
