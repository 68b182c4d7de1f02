import Foundation
import TestSupport
import Testing

@Suite struct CommandLineTests {
  private func swerve(_ arguments: String..., environment: [String: String] = [:]) throws -> Command {
    try Command([Checkout.products + "/swerve"] + arguments, environment: environment)
  }

  @Test func aPluginBuiltWithPlainCCIsChecked() throws {
    let folder = try TemporaryFolder()
    let built = try Command([
      "cc", "-shared", "-fPIC", "-I", "Sources/CSwervePlugin/include", "plugins/identity/identity.c", "-o",
      folder.path + "/x.so",
    ])
    #expect(built.status == 0, "\(built.error)")
    let check = try swerve("check", folder.path + "/x.so")
    #expect(check.status == 0, "\(check.error)")
    #expect(check.output.contains("plugin 'identity'"))
  }

  @Test func whatServeWouldRefuseCheckRefusesWithTheReason() throws {
    let folder = try TemporaryFolder()
    let text = try folder.write("t.so", "text")
    for path in [text, folder.path + "/none.so", folder.path] {
      let check = try swerve("check", path)
      #expect(check.status == 1)
      #expect(check.error.contains(path), "\(check.error)")
    }
  }

  @Test func kernelsPrintsTheLevelAndWhatIsPicked() throws {
    let run = try swerve("kernels", environment: ["SWERVE_CPU": "portable"])
    #expect(run.status == 0, "\(run.error)")
    #expect(run.output.contains("level         portable (limit: portable)"))
    #expect(run.output.contains("OpenBLAS"))
    #expect(run.output.contains("depthwise"))
    let refused = try swerve("kernels", "--cpu", "abacus")
    #expect(refused.status != 0)
    #expect(refused.error.contains("portable, avx2, avx512"))
  }

  @Test func describePrintsAModelAsJSON() throws {
    let run = try swerve("describe", "models/fashion")
    #expect(run.status == 0, "\(run.error)")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let version = try #require((document["versions"] as? [[String: Any]])?.first)
    #expect((version["inputs"] as? [[String: Any]])?.first?["shape"] as? [Int] == [-1, 1, 28, 28])
    #expect((version["max_batch"] as? Int ?? 0) > 1)
    #expect(((version["outputs"] as? [[String: Any]])?.first?["labels"] as? [String])?.last == "Ankle boot")
  }

  @Test func whatOfAConfigurationHasNoEffectIsDescribed() throws {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "half_plus_two")
    try folder.write("half_plus_two/config.pbtxt", "name: \"half_plus_two\"\nfrobnicate: 1\n")
    let run = try swerve("describe", folder.path + "/half_plus_two")
    #expect(
      run.output.contains("config.pbtxt: line 2: 'frobnicate' is no setting that is known"), "\(run.output)")
  }

  @Test func healthAsksTheServer() throws {
    let server = try ServerProcess(models: ["models"])
    #expect(try swerve("health", "--port", "\(server.port)").status == 0)
    #expect(try swerve("health", "--port", "\(server.port)", "--path", "/nope").status == 1)
    #expect(try swerve("health", environment: ["SWERVE_PORT": "\(server.port)"]).status == 0)
  }

  @Test func everyOptionHasAnEnvironmentVariable() throws {
    let run = try swerve(
      "serve", environment: ["SWERVE_MODELS": "models", "SWERVE_PORT": "99999"])
    #expect(run.status != 0)
    #expect(run.error.contains("99999"))
    let chunks = try swerve("serve", environment: ["SWERVE_MODELS": "models", "SWERVE_MAX_CHUNKS": "0"])
    #expect(chunks.error.contains("--max-chunks 0: expected 1 to"), "\(chunks.error)")
    let help = try swerve("serve", "--help").output
    for option in ["--models", "--host", "--port", "--max-body-bytes", "--log-level"] {
      #expect(help.contains(option))
    }
  }

  @Test func aVariableThatIsNoSettingIsNamed() throws {
    let flag = try swerve("serve", environment: ["SWERVE_ACCESS_LOG": "yes", "SWERVE_MODELS": "models"])
    #expect(flag.status != 0)
    #expect(flag.error.contains("SWERVE_ACCESS_LOG=yes: expected 1 or true, or 0 or false"), "\(flag.error)")
    let run = try Command(
      [
        "timeout", "--preserve-status", "2", Checkout.products + "/swerve", "serve", "--models", "models",
        "--port", "0",
      ],
      environment: ["SWERVE_LOGLEVEL": "debug", "SWERVE_ACCESS_LOG": "0", "SWERVE_HOST": "127.0.0.1"])
    #expect(run.error.contains("variable=\"SWERVE_LOGLEVEL\""), "\(run.error)")
    #expect(!run.error.contains("SWERVE_HOST") && !run.error.contains("SWERVE_ACCESS_LOG"), "\(run.error)")
  }

  @Test func whatKubernetesTellsOfAServiceNamedSwerveIsNoSetting() throws {
    let link = ["SWERVE_PORT": "tcp://10.0.0.1:80", "SWERVE_PORT_80_TCP_ADDR": "10.0.0.1"]
    let run = try swerve("serve", "--models", "models", "--max-chunks", "0", environment: link)
    #expect(run.error.contains("--max-chunks 0") && !run.error.contains("tcp:"), "\(run.error)")
  }

  @Test func aWrongValueIsRefusedWithWhatIsExpected() throws {
    let run = try swerve("serve", "--cpu", "pentium")
    #expect(run.status != 0)
    #expect(run.error.contains("--cpu pentium: expected portable, avx2, avx512"), "\(run.error)")
  }

  @Test func originsAreSeparatedByCommas() throws {
    let good = "https://a.example,http://b.example:8080"
    for (origins, offender) in [
      (good + ",c.example", "c.example"), (good + ",https://d.example/", "https://d.example/"),
      ("https://E.example", "https://E.example"),
    ] {
      let run = try swerve("serve", environment: ["SWERVE_CORS_ORIGINS": origins, "SWERVE_MODELS": "models"])
      #expect(run.status != 0)
      #expect(run.error.contains("--cors-origins \(offender): expected * or an origin"), "\(run.error)")
    }
    // What is refused is the port, so the origins were taken.
    let run = try swerve("serve", "--cors-origins", good, "--port", "99999", "--models", "models")
    #expect(run.error.contains("99999"))
  }

  @Test func versionSaysWhatItSpeaks() throws {
    #expect(try swerve("version").output.contains("plugin ABI 1.0"))
    #expect(try swerve("--version").output.contains("0.1.0"))
  }
}
