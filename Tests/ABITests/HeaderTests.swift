import CSwervePlugin
import PluginHost
import Tensors
import Testing

@Suite struct HeaderTests {
  static let headers = [
    "swerve_plugin.h", "ext/config.h", "ext/kernels.h", "ext/memory.h", "ext/metrics.h", "ext/models.h",
    "ext/threads.h", "ext/tool.h",
  ]
  static let languages = [["cc", "-std=c11", "-xc"], ["c++", "-std=c++17", "-xc++"]]

  @Test(arguments: headers, languages)
  func everyHeaderCompilesAloneAndWithoutWarnings(_ header: String, _ language: [String]) throws {
    let folder = try TemporaryFolder()
    let source = try folder.write("alone", "#include \"\(header)\"\n")
    try Toolchain.run(
      language[0],
      ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I", Toolchain.include]
        + language[1...] + [source])
  }

  @Test func theReferenceSaysWhatTheHeadersSay() throws {
    try Toolchain.run(Toolchain.root + "/scripts/abi-reference", ["--check"])
  }

  @Test(arguments: ["c++", "clang++"])
  func theWrapperInCxxCompilesAloneAndWithoutWarnings(_ compiler: String) throws {
    let folder = try TemporaryFolder()
    let source = try folder.write("alone.cpp", "#include \"swerve_plugin.hpp\"\n")
    try Toolchain.run(
      compiler,
      [
        "-std=c++20", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I", Toolchain.include,
        source,
      ])
  }

  @Test(arguments: ["identity", "half_plus_two"])
  func thePluginsInTheBookCompileWithoutWarnings(_ name: String) throws {
    try Toolchain.run(
      "cc",
      [
        "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I", Toolchain.include,
        "\(Toolchain.root)/plugins/\(name)/\(name).c",
      ])
  }

  @Test func datatypesHaveTheValuesOfTheABI() {
    let values = [
      SWERVE_BOOL, SWERVE_U8, SWERVE_U16, SWERVE_U32, SWERVE_U64, SWERVE_I8, SWERVE_I16, SWERVE_I32,
      SWERVE_I64,
      SWERVE_F16, SWERVE_BF16, SWERVE_F32, SWERVE_F64, SWERVE_BYTES,
    ]
    #expect(Datatype.allCases.map { Int($0.rawValue) } == values.map { Int($0) })
  }

  @Test func statusesHaveTheValuesOfTheABI() {
    let pairs: [(PluginStatus, Int)] = [
      (.ok, SWERVE_OK), (.pending, SWERVE_PENDING), (.invalidArgument, SWERVE_INVALID_ARGUMENT),
      (.notFound, SWERVE_NOT_FOUND), (.unsupported, SWERVE_UNSUPPORTED), (.outOfMemory, SWERVE_OUT_OF_MEMORY),
      (.cancelled, SWERVE_CANCELLED), (.unavailable, SWERVE_UNAVAILABLE), (.internalFault, SWERVE_INTERNAL),
    ]
    for (status, value) in pairs { #expect(Int(status.rawValue) == value) }
  }

  @Test func bytesElementsHaveTheLayoutOfTheABI() {
    #expect(MemoryLayout<BytesElement>.size == MemoryLayout<swerve_bytes>.size)
    #expect(MemoryLayout<BytesElement>.stride == MemoryLayout<swerve_bytes>.stride)
    #expect(
      MemoryLayout<BytesElement>.offset(of: \.data) == MemoryLayout<swerve_bytes>.offset(of: \.data))
    #expect(
      MemoryLayout<BytesElement>.offset(of: \.count) == MemoryLayout<swerve_bytes>.offset(of: \.size))
    #expect(Int(SWERVE_MAX_RANK) == Shape.maximumRank)
  }
}
