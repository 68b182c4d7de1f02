import Foundation
import TestSupport
import Testing

/// `swerve plugin new` and `swerve plugin check`, by what they find in plugins with planted faults.
@Suite struct PluginToolTests {
  private static let swerve = Checkout.products + "/swerve"

  /// A new plugin in C in which a line of execute is replaced; built, and checked in one stage.
  private func check(
    _ stage: String, replacing line: String = end, with text: String, flags: [String] = [],
    options: [String] = []
  ) throws -> Command {
    let folder = try TemporaryFolder()
    let made = try Command([Self.swerve, "plugin", "new", "planted"], in: folder.path)
    #expect(made.status == 0, "\(made.error)")
    let source = folder.path + "/planted/planted.c"
    var content = try String(contentsOfFile: source, encoding: .utf8)
    let range = try #require(content.range(of: line))
    content.replaceSubrange(range, with: text)
    try content.write(toFile: source, atomically: true, encoding: .utf8)
    let library = folder.path + "/planted/plugin.so"
    let built = try Command(
      ["cc", "-g", "-shared", "-fPIC", "-I", folder.path + "/planted/include", source, "-o", library] + flags)
    #expect(built.status == 0, "\(built.error)")
    return try Command([Self.swerve, "plugin", "check", library, "--only", stage] + options)
  }

  private static let end = "return SWERVE_OK;\n}\n\nstatic const swerve_plugin"

  @Test(arguments: ["c", "c++"])
  func aNewPluginBuildsAndPasses(_ language: String) throws {
    let folder = try TemporaryFolder()
    let made = try Command([Self.swerve, "plugin", "new", "fresh", "--language", language], in: folder.path)
    #expect(made.status == 0, "\(made.error)")
    let tested = try Command(["make", "-C", folder.path + "/fresh", "test", "SWERVE=\(Self.swerve)"])
    #expect(tested.status == 0, "\(tested.output)\(tested.error)")
    #expect(tested.output.contains("verdict: fit to serve"))
    let again = try Command([Self.swerve, "plugin", "new", "fresh"], in: folder.path)
    #expect(again.status == 1)
    #expect(again.error.contains("nothing was written"))
  }

  @Test func aSwiftPluginIsWrittenForTheCheckout() throws {
    let folder = try TemporaryFolder()
    let made = try Command(
      [Self.swerve, "plugin", "new", "fresh", "--language", "swift", "--checkout", Checkout.root],
      in: folder.path)
    #expect(made.status == 0, "\(made.error)")
    let package = try String(contentsOfFile: folder.path + "/fresh/Package.swift", encoding: .utf8)
    #expect(package.contains("path: \"\(Checkout.root)\""))
  }

  @Test(arguments: ["1st", "a-b", "", "../x", "é"])
  func aNameThatIsNoneIsRefused(_ name: String) throws {
    let made = try Command([Self.swerve, "plugin", "new", name])
    #expect(made.status != 0)
  }

  @Test func aDoubleFinishIsFound() throws {
    let run = try check(
      "example",
      with: """
        for (int twice = 0; twice < 2; twice++)
          model->host->finish(model->host, batch->requests[0], SWERVE_OK, NULL);
        \(Self.end)
        """)
    #expect(run.status == 1)
    #expect(run.output.contains("finish was called with a request that is finished"), "\(run.output)")
  }

  @Test func aWrongShapeIsFound() throws {
    let run = try check(
      "example", replacing: "\"y\", SWERVE_F32, x->rank, x->dims", with: "\"y\", SWERVE_F32, 1, x->dims")
    #expect(run.status == 1)
    #expect(run.output.contains("declared with shape [-1,-1] and added with [1]"), "\(run.output)")
  }

  @Test(.disabled(if: Sanitizer.isPresent, "the check looks at malloc, or has a sanitizer of its own"))
  func aLeakIsFound() throws {
    let run = try check("leaks", with: "if (!malloc(100)) return SWERVE_OUT_OF_MEMORY;\n\(Self.end)")
    #expect(run.status == 1)
    #expect(run.output.contains("each call of execute leaves 1"), "\(run.output)")
  }

  @Test func aCrashIsFound() throws {
    let run = try check("shapes", with: "if (x->dims[1] == 63) abort();\n\(Self.end)")
    #expect(run.status == 1)
    #expect(run.output.contains("the process died of signal 6"), "\(run.output)")
  }

  @Test func rowsThatMixAreFound() throws {
    let run = try check("batches", replacing: "to[i] = from[i] + 1;", with: "to[i] = from[i] + x->dims[0];")
    #expect(run.status == 1)
    #expect(run.output.contains("is answered otherwise than alone"), "\(run.output)")
  }

  @Test(.disabled(if: Sanitizer.isPresent, "the check looks at malloc, or has a sanitizer of its own"))
  func aWriteBeyondMemoryIsFoundByItsSanitizer() throws {
    let run = try check(
      "example", with: "char *five = malloc(5);\nfive[5] = 1;\nfree(five);\n\(Self.end)",
      flags: ["-fsanitize=address"])
    #expect(run.status == 1)
    #expect(run.output.contains("heap-buffer-overflow"), "\(run.output)\(run.error)")
  }

  @Test(.disabled(if: Sanitizer.isPresent, "the check looks at malloc, or has a sanitizer of its own"))
  func aRaceOfAConcurrentModelIsFoundByItsSanitizer() throws {
    let run = try check(
      "threads", with: "static int calls;\ncalls++;\n\(Self.end)", flags: ["-fsanitize=thread"])
    #expect(run.status == 1)
    #expect(run.output.contains("data race"), "\(run.output)\(run.error)")
  }

  @Test func aHangIsFound() throws {
    let run = try check(
      "shapes", with: "for (volatile int hangs = 1; hangs;) ;\n\(Self.end)",
      options: ["--stage-seconds", "2"])
    #expect(run.status == 1)
    #expect(run.output.contains("the plugin hangs"), "\(run.output)")
  }

  @Test func aCancellationThatIsIgnoredIsFound() throws {
    let run = try check(
      "cancellation", with: "usleep(500000);\n\(Self.end)",
      flags: ["-D_DEFAULT_SOURCE", "-include", "unistd.h"])
    #expect(run.status == 1)
    #expect(run.output.contains("ask is_cancelled in long loops"), "\(run.output)")
    let heeded = try check(
      "cancellation",
      with: """
        for (int i = 0; i < 500; i++) {
          if (model->host->is_cancelled(model->host, batch->requests[0])) return SWERVE_CANCELLED;
          usleep(1000);
        }
        \(Self.end)
        """, flags: ["-D_DEFAULT_SOURCE", "-include", "unistd.h"])
    #expect(heeded.status == 0, "\(heeded.output)")
  }

  @Test func aRequestThatIsNeverFinishedIsFound() throws {
    let run = try check(
      "example", with: "return SWERVE_PENDING;\n\(Self.end)", options: ["--stage-seconds", "5"])
    #expect(run.status == 1, "\(run.output)")
  }

  @Test func whatIsNoPluginIsRefused() throws {
    let folder = try TemporaryFolder()
    let run = try Command([Self.swerve, "plugin", "check", try folder.write("t.so", "text")])
    #expect(run.status == 1)
    #expect(run.output.contains("is no whole ELF file"), "\(run.output)")
  }
}
