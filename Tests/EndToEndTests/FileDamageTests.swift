import Foundation
import TestSupport
import Testing

/// Files of models that are written to in place, as `cp` over them does, instead of being replaced.
@Suite struct FileDamageTests {
  private let question = "/v1/models/fashion:predict"

  /// A copy of the demo model, its file and what the file holds.
  private func folder() throws -> (folder: TemporaryFolder, file: String, model: Data) {
    let folder = try TemporaryFolder()
    try folder.copy("models/fashion", to: "fashion")
    let file = folder.path + "/fashion/1/model.onnx"
    return (folder, file, try Data(contentsOf: URL(fileURLWithPath: file)))
  }

  /// Writes into the file that is there, after cutting it to nothing.
  private func overwrite(_ file: String, _ data: Data) throws {
    let handle = try #require(FileHandle(forUpdatingAtPath: file))
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: data)
    try handle.close()
  }

  @Test func aModelServesOnWhateverIsWrittenToItsFile() throws {
    let (folder, file, model) = try folder()
    let server = try ServerProcess(models: [folder.path], arguments: ["--poll-seconds", "0.05"])
    let body = try Checkout.text(of: "models/fashion/example/request-v1.json")
    let client = try server.client()
    let expected = try client.post(question, body).text
    let half = model.prefix(model.count / 2)
    for data in [Data(), half, Data(count: model.count), half + Data(count: 9), Data("nothing".utf8), model] {
      try overwrite(file, data)
      // Long enough for several looks at the folder.
      let end = Date() + 0.4
      while Date() < end {
        let answer = try client.post(question, body)
        #expect(answer.status == 200 && answer.text == expected, "\(answer.text)")
      }
    }
    #expect(try server.waits { try server.get("/readyz").status == 200 })
    #expect(server.process.isRunning)
  }

  @Test func aModelThatIsWrittenWhileItLoadsIsRefusedOrWhole() throws {
    let (folder, file, model) = try folder()
    let server = try ServerProcess(
      models: [folder.path], arguments: ["--model-control", "explicit", "--load-model", "fashion"])
    let body = try Checkout.text(of: "models/fashion/example/request-v1.json")
    let client = try server.client()
    let expected = try client.post(question, body).text
    let writes = DispatchGroup()
    let end = Date() + 3
    DispatchQueue.global().async(group: writes) {
      var count = 0
      while Date() < end {
        count += 1
        try? overwrite(file, count % 2 == 0 ? model : model.prefix(count * 7919 % model.count))
        usleep(UInt32(count * 37 % 3000))
      }
      try? overwrite(file, model)
    }
    var statuses: [Int: Int] = [:]
    while Date() < end {
      let load = try client.post("/v2/repository/models/fashion/load", "")
      statuses[load.status, default: 0] += 1
      let answer = try client.post(question, body)
      #expect(answer.status == 200 && answer.text == expected, "\(answer.text)")
    }
    writes.wait()
    print("loads by status: \(statuses)")
    #expect(Set(statuses.keys).isSubset(of: [200, 400]) && statuses[400] ?? 0 > 0)
    #expect(try client.post("/v2/repository/models/fashion/load", "").status == 200)
    #expect(try client.post(question, body).text == expected)
  }
}
