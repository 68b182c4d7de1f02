import Foundation
import TestSupport
import Testing

/// What each target may depend on: the arrows of docs/ARCHITECTURE.md. A target that is not listed
/// here is refused, so that a new one is drawn before it is built.
private let allowed: [String: Set<String>] = [
  "CSwervePlugin": [], "CEvent": [], "CJansson": [], "CZlib": [], "COpenSSL": [], "COpenBLAS": [],
  "CMalloc": [], "COpenAPI": [], "CFileGuard": [],
  "CKernels": [],
  "Bytes": [], "Tensors": [], "Locks": [], "Scheduling": [], "Telemetry": ["Bytes", "Locks"],
  "KernelsBaseline": ["CKernels"], "KernelsAVX2": ["CKernels"], "KernelsAVX512": ["CKernels"],
  "Kernels": ["Tensors", "CKernels", "KernelsBaseline", "KernelsAVX2", "KernelsAVX512", "COpenBLAS"],
  "ONNX": ["Tensors", "Kernels", "Locks", "CFileGuard"],
  "PluginKit": ["CSwervePlugin"],
  "IdentityPlugin": ["CSwervePlugin"], "HalfPlusTwoPlugin": ["CSwervePlugin"],
  "WordsPlugin": ["CSwervePlugin"],
  "OnnxPlugin": ["CSwervePlugin", "PluginKit", "ONNX", "Kernels", "Tensors"],
  "CIsolation": [],
  "PluginHost": [
    "CSwervePlugin", "CIsolation", "CJansson", "COpenSSL", "Tensors", "Kernels", "Telemetry", "Locks",
  ],
  "Serving": ["PluginHost", "Scheduling", "Tensors", "Telemetry", "Locks"],
  "HTTP": ["CEvent", "CZlib", "COpenSSL", "Bytes", "Telemetry", "Locks"],
  "JSON": ["CJansson", "Bytes", "Tensors"],
  "ModelFiles": ["Serving", "PluginHost", "JSON", "Tensors", "Bytes"],
  "InferenceAPI": [
    "HTTP", "JSON", "Serving", "Scheduling", "PluginHost", "Tensors", "Bytes", "Telemetry", "Locks",
  ],
  "swerve": [
    "InferenceAPI", "ModelFiles", "HTTP", "JSON", "Serving", "Scheduling", "PluginHost", "Kernels", "Tensors",
    "Telemetry", "Bytes", "ArgumentParser", "CMalloc", "COpenAPI",
  ],
]

private struct Target {
  var name: String
  var type: String
  var dependencies: Set<String>
}

private func targets() throws -> [Target] {
  let scratch = NSTemporaryDirectory() + "swerve-dump-" + UUID().uuidString
  defer { try? FileManager.default.removeItem(atPath: scratch) }
  let dump = try Command(["swift", "package", "--scratch-path", scratch, "dump-package"])
  #expect(dump.status == 0, "\(dump.error)")
  let package = try JSONSerialization.jsonObject(with: Data(dump.output.utf8)) as? [String: Any]
  let list = try #require(package?["targets"] as? [[String: Any]])
  return try list.map { target in
    let dependencies = try #require(target["dependencies"] as? [[String: Any]])
    return Target(
      name: try #require(target["name"] as? String), type: try #require(target["type"] as? String),
      dependencies: Set(dependencies.compactMap { ($0.values.first as? [Any])?.first as? String }))
  }
}

@Test func noArrowPointsUp() throws {
  let shipped = try targets().filter {
    $0.type != "test"
      && !["TestSupport", "CAllocationCount", "SchedulerSimulation", "onnx-cases"].contains($0.name)
  }
  #expect(shipped.count >= 20)
  for target in shipped {
    guard let may = allowed[target.name] else {
      Issue.record("target \(target.name) is not drawn: add it to docs/ARCHITECTURE.md and to this test")
      continue
    }
    let extra = target.dependencies.subtracting(may)
    #expect(extra.isEmpty, "\(target.name) must not depend on \(extra.sorted().joined(separator: ", "))")
  }
}

@Test func theDrawnArrowsMakeNoCycle() {
  var settled: Set<String> = ["ArgumentParser"]
  var left = allowed
  while let next = left.first(where: { $0.value.isSubset(of: settled) }) {
    settled.insert(next.key)
    left[next.key] = nil
  }
  #expect(left.isEmpty, "these depend on each other: \(left.keys.sorted())")
}

/// `pattern` in the Swift files below `folders`, as `file:line`.
private func lines(matching pattern: String, below folders: [String], except: Set<String> = []) throws
  -> [String]
{
  let expression = try NSRegularExpression(pattern: pattern)
  return try folders.flatMap(Checkout.swiftFiles).filter { !except.contains($0) }.flatMap { file in
    try Checkout.text(of: file).split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .compactMap {
        let line = String($1)
        let range = NSRange(line.startIndex..., in: line)
        return expression.firstMatch(in: line, range: range) == nil ? nil : "\(file):\($0 + 1)"
      }
  }
}

@Test func noFoundationInTheServerOrInPlugins() throws {
  #expect(
    try lines(
      matching: #"^\s*(public |internal |private |@preconcurrency )*import Foundation"#,
      below: ["Sources", "plugins"]) == [])
}

@Test func onlyTheCommandLineReadsTheEnvironment() throws {
  let others = try FileManager.default.contentsOfDirectory(atPath: Checkout.root + "/Sources").filter {
    $0 != "swerve"
  }
  #expect(
    try lines(
      matching: #"\b(getenv|secure_getenv|environ)\b"#, below: others.map { "Sources/" + $0 } + ["plugins"])
      == [])
}

@Test func onlyThePluginHostAndPluginsTouchTheABI() throws {
  let others = try FileManager.default.contentsOfDirectory(atPath: Checkout.root + "/Sources")
    .filter { !["PluginHost", "PluginKit"].contains($0) }
  #expect(
    try lines(
      matching: #"^\s*(public |internal )*import CSwervePlugin"#, below: others.map { "Sources/" + $0 }) == []
  )
}

@Test func everyUncheckedClaimSaysWhyItHolds() throws {
  for file in Checkout.swiftFiles(below: "Sources") + Checkout.swiftFiles(below: "plugins") {
    let text = try Checkout.text(of: file).split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
    for (index, line) in text.enumerated()
    where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
      let above =
        text[..<index].reversed().first { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("@") } ?? ""
      #expect(line.contains("//") || above.contains("//"), "\(file):\(index + 1) gives no reason")
    }
  }
}
