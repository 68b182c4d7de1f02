import Foundation
import PluginHost
import Tensors
import Testing

/// Which files are plugins, and what is said of those that are not.
@Suite struct LoadingTests {
  let folder: TemporaryFolder
  let services = HostServices()

  init() throws { folder = try TemporaryFolder() }

  private func refusal(_ path: String) -> PluginError? {
    do throws(PluginError) {
      _ = try Plugin(path: path, services: services)
      return nil
    } catch {
      return error
    }
  }

  /// The refusal names the file and says `reason`.
  private func expectRefusal(_ path: String, _ reason: String, _ location: SourceLocation = #_sourceLocation)
  {
    let message = refusal(path)?.message ?? "(it was loaded)"
    #expect(message.contains(path) && message.contains(reason), "\(message)", sourceLocation: location)
  }

  @Test(arguments: ["identity", "half_plus_two"])
  func aPluginBuiltWithPlainCCLoads(_ name: String) throws {
    let library = try Toolchain.buildPlugin("\(Toolchain.root)/plugins/\(name)/\(name).c", in: folder)
    let plugin = try Plugin(path: library, services: services)
    #expect(plugin.name == name)
    #expect(plugin.version == "1.0.0")
    #expect(plugin.path == library)
  }

  @Test func aMissingFileIsRefused() {
    let path = folder.path + "/absent.so"
    expectRefusal(path, "No such file")
    #expect(refusal(path)?.status == .notFound)
  }

  @Test func aFolderIsRefused() { expectRefusal(folder.path, "is a directory") }

  @Test func aFIFOIsRefusedAtOnce() throws {
    let path = folder.path + "/fifo.so"
    try #require(mkfifo(path, 0o600) == 0)
    expectRefusal(path, "not a regular file")
  }

  @Test func textIsRefused() throws {
    expectRefusal(
      try folder.write("text.so", String(repeating: "this is no library\n", count: 10)), "not an ELF file")
  }

  @Test func anEmptyFileIsRefused() throws {
    expectRefusal(try folder.write("empty.so", ""), "ends within its ELF header")
  }

  @Test func anExecutableOfAnotherTypeIsRefused() throws {
    let source = try folder.write("object.c", "int answer(void) { return 42; }")
    let object = folder.path + "/object.so"
    try Toolchain.run("cc", ["-c", source, "-o", object])
    expectRefusal(object, "type 1, not a shared library")
  }

  @Test func aLibraryForAnotherMachineIsRefused() throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: try CPlugin().build(in: folder)))
    bytes[18] = 243
    let path = folder.path + "/riscv.so"
    try bytes.write(to: URL(fileURLWithPath: path))
    expectRefusal(path, "ELF machine 243")
  }

  @Test(arguments: [20, 64, 200, 0.5, 0.9] as [Double])
  func aTruncatedLibraryIsRefused(_ part: Double) throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: try CPlugin().build(in: folder)))
    // Up to the end of the last segment; what follows is for debuggers only.
    let segments = try Toolchain.run("readelf", ["-lW", folder.path + "/fixture.so"])
    let ends = segments.split(separator: "\n").filter { $0.contains(" LOAD ") }.map { line in
      let fields = line.split(separator: " ")
      return Int(fields[1].dropFirst(2), radix: 16)! + Int(fields[4].dropFirst(2), radix: 16)!
    }
    let whole = try #require(ends.max())
    let path = folder.path + "/truncated.so"
    try bytes.prefix(part < 1 ? Int(Double(whole) * part) : Int(part)).write(to: URL(fileURLWithPath: path))
    let message = refusal(path)?.message ?? "(it was loaded)"
    #expect(
      message.contains(path) && (message.contains("ends within") || message.contains("truncated")),
      "\(message)")
  }

  @Test func aLibraryWithUndefinedSymbolsIsRefusedWithTheirNames() throws {
    var plugin = CPlugin()
    plugin.globals = "void function_of_nobody(void);"
    plugin.destroy = "function_of_nobody(); free(model);"
    expectRefusal(try plugin.build(in: folder), "function_of_nobody")
  }

  @Test func aLibraryWithoutTheEntryFunctionIsRefused() throws {
    expectRefusal(
      try CPlugin(globals: "#define NO_TABLE 1").build(in: folder), "exports no function swerve_plugin_entry")
  }

  @Test func aPluginMayRefuseTheServer() throws {
    expectRefusal(
      try CPlugin(entry: "return NULL;").build(in: folder), "refused this server, whose ABI is 1.0")
  }

  @Test func anotherMajorIsRefusedWithBothVersions() throws {
    let path = try CPlugin(table: ".abi_major = 2, .abi_minor = 7").build(in: folder)
    expectRefusal(path, "ABI 2.7")
    expectRefusal(path, "ABI 1.0")
  }

  @Test func aTableThatIsTooSmallIsRefused() throws {
    expectRefusal(try CPlugin(table: ".struct_size = 40").build(in: folder), "struct_size 40")
  }

  @Test(arguments: ["create", "destroy", "describe", "execute"])
  func aMissingFunctionIsNamed(_ function: String) throws {
    expectRefusal(try CPlugin(table: ".\(function) = NULL").build(in: folder), "no function \(function)")
  }

  @Test(arguments: [
    (".name = NULL", "its name is NULL"), (".name = \"\"", "its name is \"\""),
    (".name = \"a/b\"", "its name is \"a/b\""), (".name = \"a\\nb\"", "its name"),
    (".version = NULL", "its version is NULL"), (".version = \"\\xff\"", "its version"),
  ])
  func badWordsAreRefused(_ table: String, _ reason: String) throws {
    expectRefusal(try CPlugin(table: table).build(in: folder), reason)
  }

  @Test func aTableWithoutTheOptionalFunctionsIsTaken() throws {
    let size = "offsetof(swerve_plugin, execute) + sizeof(void (*)(void))"
    let model = try CPlugin(table: ".struct_size = \(size), .cancel = (void *)1, .extension = (void *)1")
      .model()
    // A field beyond struct_size is not read: this would call address 1.
    let recorder = Recorder()
    let request = PluginRequest(1, recorder)
    request.cancel()
    model.execute(inputs: [Tensor("x", [1] as [Float])], requests: [request])
    #expect(recorder.wait()?.outputs[0].floats == [2])
  }

  @Test func aTableOfALaterMinorWithMoreFieldsIsTaken() throws {
    var plugin = CPlugin()
    plugin.globals = "struct later { swerve_plugin now; uint64_t junk[8]; };"
    plugin.entry = """
      static struct later table;
      table.now = plugin;
      table.now.struct_size = sizeof table;
      table.now.abi_minor = 9;
      memset(table.junk, 0xA5, sizeof table.junk);
      return &table.now;
      """
    #expect(try plugin.model().answer([3])?.outputs[0].floats == [6])
  }

  @Test func theSameFileIsLoadedOnce() throws {
    var plugin = CPlugin()
    plugin.globals = "static int loads;"
    plugin.entry = "if (loads++) return NULL; return &plugin;"
    let path = try plugin.build(in: folder)
    #expect(refusal(path) == nil)
    #expect(refusal(path) == nil)
  }

  @Test func aReplacedFileIsLoadedBesideTheOld() throws {
    let path = try CPlugin().build(in: folder)
    let old = try Plugin(path: path, services: services)
    let oldModel = try old.makeModel(path: "", configuration: "{}")
    try FileManager.default.removeItem(atPath: path)
    let next = try CPlugin(table: ".version = \"2.0.0\"").build(in: folder)
    let new = try Plugin(path: next, services: services)
    #expect(new.path == path)
    #expect(old.version == "1.2.3")
    #expect(new.version == "2.0.0")
    #expect(oldModel.answer([4])?.outputs[0].floats == [8])
  }

  @Test func aFileOverwrittenInPlaceDoesNotHurtTheLoadedOne() throws {
    let path = try CPlugin().build(in: folder)
    let model = try Plugin(path: path, services: services).makeModel(path: "", configuration: "{}")
    let junk = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try junk.truncate(atOffset: 0)
    try junk.write(contentsOf: Data(repeating: 0xCC, count: 100))
    try junk.close()
    #expect(model.answer([5])?.outputs[0].floats == [10])
    expectRefusal(path, "not an ELF file")
  }
}
