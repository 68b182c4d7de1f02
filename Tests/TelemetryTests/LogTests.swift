import Foundation
import Telemetry
import Testing

private func written(level: Log.Level = .info, format: Log.Format, _ body: (Log) -> Void) -> String {
  let pipe = Pipe()
  body(Log(level: level, format: format, descriptor: pipe.fileHandleForWriting.fileDescriptor))
  try? pipe.fileHandleForWriting.close()
  return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
}

@Test(arguments: Log.Format.allCases) func textFromAClientCannotForgeALine(_ format: Log.Format) {
  let text = written(format: format) {
    $0.write(.info, "hello\n2026 error forged", [("path", "/a\" x=\"1\r\n\u{1b}[2J\u{2028}")])
  }
  #expect(text.split(whereSeparator: \.isNewline).count == 1)
  #expect(!text.contains("\u{1b}"))
}

@Test func aJSONRecordParsesAndKeepsItsFields() throws {
  let text = written(format: .json) { $0.write(.warning, "say \"hi\"\\", [("model", "a\tb\u{7f}")]) }
  let record = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String])
  #expect(record["message"] == "say \"hi\"\\")
  #expect(record["model"] == "a\tb\u{7f}")
  #expect(record["level"] == "warning")
}

@Test func recordsBelowTheLevelAreNotEvenComposed() {
  var composed = false
  let text = written(level: .warning, format: .text) {
    $0.write(
      .info,
      {
        composed = true
        return "x"
      }())
  }
  #expect(text.isEmpty && !composed)
}

@Test func aMessageThatLooksLikeFieldsIsQuoted() {
  let text = written(format: .text) { $0.write(.info, "refused: x status=\"200\"", [("status", "400")]) }
  #expect(text.hasSuffix(" info \"refused: x status=\\\"200\\\"\" status=\"400\"\n"))
}

@Test func textThatTurnsATerminalAroundIsEscaped() {
  let text = written(format: .text) {
    $0.write(.info, "a", [("path", "\u{202e}gpj.\u{200b}\u{feff}\u{2066}")])
  }
  #expect(text.hasSuffix("path=\"\\u202egpj.\\u200b\\ufeff\\u2066\"\n"))
}

@Test func theLevelMayChangeWhileTheProcessRuns() {
  let text = written(level: .warning, format: .text) { log in
    log.write(.info, "one")
    log.level = .debug
    log.write(.debug, "two")
    log.level = .error
    log.write(.warning, "three")
    log.writeAlways(.info, "four")
  }
  #expect(text.split(separator: "\n").map { $0.split(separator: " ").last } == ["two", "four"])
}

@Test func levelsAreSwitchedWhileItRuns() throws {
  let pipe = Pipe()
  let log = Log(level: .warning, descriptor: pipe.fileHandleForWriting.fileDescriptor)
  #expect(Log.Level.allCases.map(log.isEnabled) == [false, false, true, true])
  log.setEnabled(.debug, true)
  log.setEnabled(.error, false)
  #expect(Log.Level.allCases.map(log.isEnabled) == [true, false, true, false])
  log.write(.error, "silent")
  log.write(.debug, "spoken")
  try pipe.fileHandleForWriting.close()
  let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
  #expect(!text.contains("silent"))
  #expect(text.contains("spoken"))
}
