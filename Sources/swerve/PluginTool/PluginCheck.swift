import ArgumentParser
import ModelFiles

/// Runs a plugin through everything a server does with it, and more, and gives a verdict.
struct PluginCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Puts a plugin (.so) to the test and reports what a server would suffer from it.",
    discussion: """
      Each stage runs in a process of its own: what crashes or hangs is a finding, not an end. A library that was \
      compiled with -fsanitize=address or -fsanitize=thread gets the sanitizer's library, which finds writes beyond \
      memory and races. Exit code 0: no findings. 1: findings.
      """)

  @Argument(help: "The plugin, FILE.so.")
  var file: String

  @Option(help: "The model's version folder that create is given; the plugin's folder if left out.")
  var model: String?

  @Option(help: "The model's configuration, a JSON object.")
  var config = "{}"

  @Option(help: "A file with a request of the Open Inference Protocol in JSON, to be answered with success.")
  var example: String?

  @Option(help: "Where the random inputs begin; printed, so that a finding can be seen again.")
  var seed: UInt64 = .random(in: 0...999_999)

  @Option(help: "A stage to run, and no others but load and describe. May be given again.")
  var only: [CheckStage] = []

  @Option(help: "Seconds that one stage may take.")
  var stageSeconds = 30

  @Option(help: ArgumentHelp("Run one stage in this process.", visibility: .hidden))
  var stage: CheckStage?

  func validate() throws {
    guard (1...3600).contains(stageSeconds) else {
      throw ValidationError("--stage-seconds \(stageSeconds): expected 1 to 3600")
    }
  }

  func run() throws {
    for path in [file, model, example].compactMap(\.self) where !Files.exists(path) {
      throw Refusal("\(path): no such file or folder")
    }
    if let stage { return try runStage(stage) }
    Standard.output("plugin  \(file)\nseed    \(seed)")
    var findings = 0
    for stage in CheckStage.allCases where only.isEmpty || only.contains(stage) || stage.isNeededByTheRest {
      let outcome = try outcome(of: stage)
      Standard.output(outcome.report(stage))
      findings += outcome.findings.count
      if stage.isNeededByTheRest, !outcome.findings.isEmpty { break }
    }
    Standard.output(findings == 0 ? "verdict: fit to serve" : "verdict: \(findings) finding(s)")
    if findings > 0 { throw ExitCode(1) }
  }

  private func runStage(_ stage: CheckStage) throws {
    let subject = CheckSubject(
      file: Files.absolute(file), folder: Files.absolute(model ?? file + "/.."), configuration: config,
      example: example, seed: seed)
    let outcome = stage.run(subject)
    outcome.print()
    if !outcome.findings.isEmpty { throw ExitCode(1) }
  }

  private func outcome(of stage: CheckStage) throws -> StageOutcome {
    var arguments = [
      "plugin", "check", file, "--stage", stage.rawValue, "--seed", "\(seed)", "--config", config,
    ]
    if let model { arguments += ["--model", model] }
    if let example { arguments += ["--example", example] }
    let child = ChildProcess(
      Installation.executable, arguments, environment: try Sanitizer.environment(for: Files.absolute(file)))
    return StageOutcome(try child.run(seconds: stageSeconds), seconds: stageSeconds)
  }
}
