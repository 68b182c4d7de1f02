import Foundation
import TestSupport
import Testing

/// Models and plugins that cannot be served: each is refused by name and reason, the rest serves.
@Suite struct BadModelTests {
  private func folderWithGoodModel() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "half_plus_two")
    return folder
  }

  private func expectRefusal(of model: String, in folder: TemporaryFolder, naming words: [String]) throws {
    let server = try ServerProcess(models: [folder.path])
    let ready = try server.get("/readyz")
    #expect(ready.status == 503)
    for word in [model] + words { #expect(ready.text.contains(word), "\(word) is not in \(ready.text)") }
    let predict = try server.post("/v1/models/half_plus_two:predict", #"{"instances":[1.0,2.0,5.0]}"#)
    #expect(predict.status == 200 && predict.object["predictions"] as? [Double] == [2.5, 3, 4.5])
    let refused = try server.post("/v2/models/\(model)/infer", #"{"inputs":[]}"#)
    #expect(refused.status == 503)
    for word in words { #expect(refused.errorMessage.contains(word), "\(word) is not in \(refused.text)") }
    #expect(try server.get("/v2/models/\(model)/ready").status == 503)
    #expect(try server.get("/v2/models/half_plus_two/ready").status == 200)
    #expect(try server.get("/livez").status == 200)
  }

  @Test func aBrokenPluginIsRefused() throws {
    let folder = try folderWithGoodModel()
    let file = try folder.write("broken/1/plugin.so", "this is no library")
    try expectRefusal(of: "broken", in: folder, naming: [file, "ELF"])
  }

  @Test func aPluginWithoutTheEntryIsRefused() throws {
    let folder = try folderWithGoodModel()
    let source = try folder.write("empty.c", "int nothing(void) { return 0; }\n")
    try FileManager.default.createDirectory(
      atPath: folder.path + "/empty/1", withIntermediateDirectories: true)
    let built = try Command(["cc", "-shared", "-fPIC", source, "-o", folder.path + "/empty/1/plugin.so"])
    #expect(built.status == 0, "\(built.error)")
    try expectRefusal(of: "empty", in: folder, naming: ["swerve_plugin_entry"])
  }

  @Test func aTruncatedModelIsRefused() throws {
    let folder = try folderWithGoodModel()
    let whole = try Data(contentsOf: URL(fileURLWithPath: Checkout.root + "/models/fashion/1/model.onnx"))
    let file = try folder.write("cut/1/model.onnx", whole.prefix(whole.count / 2))
    try expectRefusal(of: "cut", in: folder, naming: [file])
  }

  @Test func aModelWithUnknownOperatorsIsRefusedWithAllOfThem() throws {
    let folder = try folderWithGoodModel()
    var builder = OnnxModelBuilder(opset: 17)
    builder.input("x", .fp32, ["n", 4])
    builder.node("Frobnicate", ["x"], ["a"], name: "first")
    builder.node("Relu", ["a"], ["b"])
    builder.node("Twist", ["b"], ["y"], name: "second")
    builder.output("y", .fp32, ["n", 4])
    try folder.write("odd/1/model.onnx", Data(builder.bytes()))
    try expectRefusal(of: "odd", in: folder, naming: ["Frobnicate", "first", "Twist", "second", "17"])
  }

  @Test func aMissingPluginIsRefusedWithTheFoldersSearched() throws {
    let folder = try folderWithGoodModel()
    try folder.write("m/1/model.nosuch", "x")
    try expectRefusal(of: "m", in: folder, naming: ["nosuch", "lib/swerve/plugins"])
  }

  @Test func aConfigurationThatDoesNotReadIsRefused() throws {
    let folder = try folderWithGoodModel()
    try folder.write("m/1/x", "")
    try folder.write("m/model.json", #"{"plugin": "identity", "instance": 2}"#)
    try expectRefusal(
      of: "m", in: folder, naming: ["model.json", "'instance' is not a setting", "instances"])
  }
}
