/// What a stage of a check found. A child process prints it line by line, and its parent reads it again.
struct StageOutcome {
  private static let finding = "finding: "
  private static let note = "note: "
  private static let mostLines = 20

  /// What is wrong.
  private(set) var findings: [String] = []
  /// What is worth knowing.
  private(set) var notes: [String] = []

  init() {}

  mutating func find(_ text: String) {
    if findings.count < Self.mostLines, !findings.contains(text) { findings.append(text) }
  }

  mutating func note(_ text: String) { notes.append(text) }

  /// Finds `text` if `condition` does not hold.
  mutating func expect(_ condition: Bool, _ text: @autoclosure () -> String) {
    if !condition { find(text()) }
  }

  func print() {
    for note in notes { Standard.output(Self.note + Self.oneLine(note)) }
    for finding in findings { Standard.output(Self.finding + Self.oneLine(finding)) }
  }

  /// What a child process printed, and how it ended.
  init(_ ending: ChildProcess.Ending, seconds: Int) {
    var rest: [String] = []
    for line in ending.output.split(separator: "\n") {
      if line.hasPrefix(Self.finding) {
        findings.append(String(line.dropFirst(Self.finding.count)))
      } else if line.hasPrefix(Self.note) {
        notes.append(String(line.dropFirst(Self.note.count)))
      } else {
        rest.append(String(line))
      }
    }
    switch ending.kind {
    case .exited(0): break
    case .exited(1) where !findings.isEmpty && rest.isEmpty: break
    case .exited(let code): findings.append("the process ended with code \(code)\(Self.excerpt(rest))")
    case .signalled(let name): findings.append("the process died of \(name)\(Self.excerpt(rest))")
    case .hung:
      findings.append("no end after \(seconds) seconds: the plugin hangs, or is too slow for this stage")
    }
  }

  /// The lines of a report.
  func report(_ stage: CheckStage) -> String {
    let head = "\(findings.isEmpty ? "ok     " : "FAILED ") \(stage.title)"
    return ([head] + notes.map { "          \($0)" } + findings.map { "        ! \($0)" })
      .joined(separator: "\n")
  }

  private static func excerpt(_ lines: [String]) -> String {
    lines.isEmpty ? "" : ":\n" + lines.prefix(mostLines).map { "          \($0)" }.joined(separator: "\n")
  }

  private static func oneLine(_ text: String) -> String { text.split(separator: "\n").joined(separator: " ") }
}
