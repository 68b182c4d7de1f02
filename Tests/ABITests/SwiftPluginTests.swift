import Foundation
import PluginHost
import Tensors
import Testing

/// A plugin in Swift, built into a library of its own by the ordinary compiler and loaded as any other.
@Suite struct SwiftPluginTests {
  @Test func aSwiftPluginLoadsAndAnswers() throws {
    let folder = try TemporaryFolder()
    let library = try build(in: folder)
    let log = LogRecorder()
    let plugin = try Plugin(path: library, services: log.services())
    #expect(plugin.name == "kelvin")
    let model = try plugin.makeModel(path: "/models/kelvin/1", configuration: "{}")
    #expect(model.description.maximumBatch == 256)
    #expect(log.text == "info kelvin kelvin: loaded from /models/kelvin/1")
    let answers = model.answer([Tensor("celsius", [0, 100, -273.15] as [Float])], rows: [1, 2])
    #expect(answers.map { $0?.outputs[0].floats } == [[273.15], [373.15, 0]])
    let cold = model.answer([Tensor("celsius", [-300] as [Float])], rows: [1])[0]
    #expect(cold?.status == .invalidArgument)
    #expect(cold?.message == "-300.0 is colder than can be")
  }

  private func build(in folder: TemporaryFolder) throws -> String {
    _ = try folder.write(
      "module.modulemap", "module CSwervePlugin {\n  umbrella \"\(Toolchain.include)\"\n  export *\n}\n")
    let kit = Toolchain.root + "/Sources/PluginKit"
    let sources = try FileManager.default.contentsOfDirectory(atPath: kit)
      .filter { $0.hasSuffix(".swift") }.map { kit + "/" + $0 }
    let common = ["-swift-version", "6", "-parse-as-library", "-I", folder.path]
    try Toolchain.run(
      "swiftc",
      common + ["-emit-library", "-static", "-emit-module", "-module-name", "PluginKit"]
        + [
          "-emit-module-path", folder.path + "/PluginKit.swiftmodule", "-o", folder.path + "/libPluginKit.a",
        ]
        + sources)
    let library = folder.path + "/kelvin.so"
    try Toolchain.run(
      "swiftc",
      common + ["-emit-library", "-module-name", "kelvin", Toolchain.fixtures + "/Kelvin.swift"]
        + ["-L", folder.path, "-lPluginKit", "-o", library])
    return library
  }
}
