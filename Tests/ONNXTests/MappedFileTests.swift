import Foundation
import Tensors
import TestSupport
import Testing

@testable import ONNX

/// Files that others write to while they are read, and after.
@Suite struct MappedFileTests {
  private func file(of bytes: Int) throws -> (TemporaryFolder, String) {
    let folder = try TemporaryFolder()
    return (folder, try folder.write("model.onnx", Data(repeating: 7, count: bytes)))
  }

  @Test func aFileThatIsCutShortReadsAsZerosAndIsRefused() throws {
    let (folder, path) = try file(of: 300_000)
    let mapped = try MappedFile(path: path)
    try mapped.checkUnchanged()
    #expect(truncate(path, 5000) == 0)
    #expect(mapped.bytes[..<5000].allSatisfy { $0 == 7 })
    #expect(mapped.bytes[8192...].allSatisfy { $0 == 0 })
    #expect(mapped.bytes.count == 300_000)
    let error = try #require(throws: ONNXError.self) { try mapped.checkUnchanged() }
    #expect(error.message.contains("\(path): was written to while it was read"))
    withExtendedLifetime(folder) {}
  }

  @Test func severalThreadsMayReadWhatIsGone() throws {
    let (folder, path) = try file(of: 1 << 20)
    let mapped = try MappedFile(path: path)
    #expect(truncate(path, 0) == 0)
    DispatchQueue.concurrentPerform(iterations: 8) { part in
      let bytes = mapped.bytes[(part << 17)..<((part + 1) << 17)]
      #expect(bytes.reversed().allSatisfy { $0 == 0 })
    }
    withExtendedLifetime(folder) {}
  }

  @Test func aFileThatIsWrittenOverIsRefusedAndOneThatIsReplacedIsNot() throws {
    let (folder, path) = try file(of: 10_000)
    let replaced = try MappedFile(path: path)
    try Data(repeating: 8, count: 10_000).write(to: URL(fileURLWithPath: path), options: .atomic)
    try replaced.checkUnchanged()
    #expect(replaced.bytes.allSatisfy { $0 == 7 })
    let overwritten = try MappedFile(path: path)
    // A change in the same tick of the kernel's clock has the same time.
    usleep(20_000)
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    try handle.write(contentsOf: Data([9]))
    try handle.close()
    #expect(throws: ONNXError.self) { try overwritten.checkUnchanged() }
    withExtendedLifetime(folder) {}
  }

  @Test func manyFilesMayBeMappedOneAfterTheOther() throws {
    let (folder, path) = try file(of: 10)
    for _ in 0..<3000 { try MappedFile(path: path).checkUnchanged() }
    let many = try (0..<200).map { _ in try MappedFile(path: path) }
    #expect(many.allSatisfy { $0.bytes.count == 10 })
    withExtendedLifetime(folder) {}
  }

  /// A server runs for weeks, and whoever writes to the file then must not reach a model that has been loaded.
  @Test func aLoadedModelHoldsNothingOfItsFile() throws {
    var builder = OnnxModelBuilder()
    builder.input("x", .fp32, ["n"])
    builder.initializer("w", [256], floats: [Float](repeating: 2, count: 256))
    var value = ProtobufWriter()
    value.integer(1, 1)
    value.integer(2, 1)
    value.data(9, [0, 0, 64, 64])
    builder.node("Shape", ["x"], ["shape"])
    builder.node("ConstantOfShape", ["shape"], ["threes"], ["value": .tensor(value)])
    builder.node("Identity", ["w"], ["v"])
    builder.node("ReduceSum", ["v"], ["sum"])
    builder.node("Mul", ["threes", "sum"], ["y"])
    builder.output("y", .fp32, ["n"])
    let folder = try TemporaryFolder()
    let path = try folder.write("model.onnx", Data(builder.bytes()))
    let session = try Session(path: path, options: .testing)
    #expect(!Self.isMapped(path))
    #expect(truncate(path, 0) == 0)
    let input = try #require(Tensor(name: "x", datatype: .fp32, shape: [2]))
    #expect(try session.run([input])[0].floatValues == [1536, 1536])
  }

  @Test(
    .enabled(if: ReferenceModelTests.folder != nil, ReferenceModelTests.absence),
    arguments: [
      "silero-vad-16k-op15", "tiny-gpt-shakespeare", "magika", "cancer-forest", "mobilenet-v2-int8",
    ])
  func neitherDoOnesThatPeopleUse(_ name: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/model.onnx"
    try FileManager.default.copyItem(
      atPath: try #require(ReferenceModelTests.folder) + "/\(name)/model.onnx", toPath: path)
    let session = try Session(path: path, options: .testing)
    #expect(!Self.isMapped(path))
    withExtendedLifetime(session) {}
  }

  private static func isMapped(_ path: String) -> Bool {
    let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
    return maps?.contains(path) ?? true
  }
}
