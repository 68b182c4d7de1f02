import Foundation
import TestSupport
import Testing

/// The 500 test images and what training said of them.
struct FashionFixture {
  let images: [[UInt8]]
  let labels: [Int]
  /// Ten probabilities an image.
  let probabilities: [[Float]]
  let accuracy: Double

  init() throws {
    let folder = Checkout.root + "/Tests/EndToEndTests/Fixtures/fashion"
    func bytes(_ name: String) throws -> [UInt8] {
      Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
    }
    let pixels = try bytes("images.u8")
    images = stride(from: 0, to: pixels.count, by: 784).map { Array(pixels[$0..<$0 + 784]) }
    labels = try bytes("labels.u8").map(Int.init)
    let raw = try bytes("probabilities.f32")
    let floats = raw.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    probabilities = stride(from: 0, to: floats.count, by: 10).map { Array(floats[$0..<$0 + 10]) }
    let record = try JSONSerialization.jsonObject(with: Data(try bytes("expected.json"))) as? [String: Any]
    accuracy = try #require(record?["accuracy"] as? Double)
  }

  /// Images `range` as nested lists of pixels/255, `[[[[…]]]]`.
  func nested(_ range: Range<Int>) -> [[[[Double]]]] {
    range.map { index in
      [(0..<28).map { row in (0..<28).map { Double(images[index][row * 28 + $0]) / 255 } }]
    }
  }

  /// The share of right answers, and the largest distance from the probabilities of training.
  func compare(_ answers: [[Double]]) -> (accuracy: Double, distance: Double) {
    var right = 0
    var distance = 0.0
    for (index, answer) in answers.enumerated() {
      if answer.firstIndex(of: answer.max() ?? 0) == labels[index] { right += 1 }
      for (mine, theirs) in zip(answer, probabilities[index]) {
        distance = max(distance, abs(mine - Double(theirs)))
      }
    }
    return (Double(right) / Double(answers.count), distance)
  }
}

@Suite struct FashionTests {
  let server: ServerProcess
  let fixture: FashionFixture

  init() throws {
    server = try ServerProcess(models: ["models"])
    fixture = try FashionFixture()
    #expect(fixture.images.count == 500 && fixture.probabilities.count == 500)
  }

  @Test func reachesItsRecordedAccuracyOverTheOpenInferenceProtocol() throws {
    let client = try server.client(timeoutSeconds: 120)
    var answers: [[Double]] = []
    for start in stride(from: 0, to: 500, by: 20) {
      let data = try JSONSerialization.data(withJSONObject: [
        "inputs": [
          [
            "name": "image", "shape": [20, 1, 28, 28], "datatype": "FP32",
            "data": fixture.nested(start..<start + 20).flatMap { $0.flatMap { $0.flatMap { $0 } } },
          ]
        ]
      ])
      let response = try client.request("POST", "/v2/models/fashion/infer", body: data)
      #expect(response.status == 200, "\(response.text)")
      let output = try #require((response.object["outputs"] as? [[String: Any]])?.first)
      #expect(output["shape"] as? [Int] == [20, 10])
      let values = try #require(output["data"] as? [Double])
      answers += stride(from: 0, to: 200, by: 10).map { Array(values[$0..<$0 + 10]) }
    }
    let (accuracy, distance) = fixture.compare(answers)
    #expect(abs(accuracy - fixture.accuracy) < 0.002)
    #expect(distance < 1e-4)
  }

  @Test func agreesWithTrainingInTensorFlowServingsRowFormat() throws {
    let data = try JSONSerialization.data(withJSONObject: ["instances": fixture.nested(0..<100)])
    let response = try server.client(timeoutSeconds: 120).request(
      "POST", "/v1/models/fashion:predict", body: data)
    #expect(response.status == 200, "\(response.text)")
    let answers = try #require(response.object["predictions"] as? [[Double]])
    #expect(answers.count == 100)
    #expect(fixture.compare(answers).distance < 1e-4)
  }

  @Test(arguments: ["portable", "avx2"]) func agreesOnALesserCPU(_ cpu: String) throws {
    let server = try ServerProcess(models: ["models"], arguments: ["--cpu", cpu])
    let data = try JSONSerialization.data(withJSONObject: ["instances": fixture.nested(0..<10)])
    let response = try server.client(timeoutSeconds: 120).request(
      "POST", "/v1/models/fashion:predict", body: data)
    let answers = try #require(response.object["predictions"] as? [[Double]])
    #expect(fixture.compare(answers).distance < 1e-4)
  }

  @Test func answersManyClientsAtOnceEachItsOwn() throws {
    let failures = FailureList()
    let fixture = fixture
    let port = server.port
    DispatchQueue.concurrentPerform(iterations: 8) { worker in
      do {
        let client = try HTTPClient(port: port, timeoutSeconds: 120)
        for index in stride(from: worker, to: 80, by: 8) {
          let body = try JSONSerialization.data(withJSONObject: [
            "instances": fixture.nested(index..<index + 1)
          ])
          let response = try client.request("POST", "/v1/models/fashion:predict", body: body)
          guard let answer = (response.object["predictions"] as? [[Double]])?.first else {
            failures.add("image \(index): \(response.text)")
            continue
          }
          let distance = zip(answer, fixture.probabilities[index]).map { abs($0 - Double($1)) }.max() ?? 1
          if distance >= 1e-4 { failures.add("image \(index) is \(distance) off") }
        }
      } catch { failures.add("\(error)") }
    }
    #expect(failures.all == [])
  }

  @Test func theExamplesOfTheReadmeSayAnkleBoot() throws {
    let labels = try Checkout.text(of: "models/fashion/1/labels.txt").split(separator: "\n").map(String.init)
    let v2 = try server.post(
      "/v2/models/fashion/infer", Checkout.text(of: "models/fashion/example/request-v2.json"))
    let output = try #require((v2.object["outputs"] as? [[String: Any]])?.first?["data"] as? [Double])
    #expect(labels[try #require(output.firstIndex(of: output.max()!))] == "Ankle boot")
    let v1 = try server.post(
      "/v1/models/fashion:predict", Checkout.text(of: "models/fashion/example/request-v1.json"))
    let prediction = try #require((v1.object["predictions"] as? [[Double]])?.first)
    #expect(labels[try #require(prediction.firstIndex(of: prediction.max()!))] == "Ankle boot")
  }
}

/// Sentences from several threads.
final class FailureList: @unchecked Sendable {
  // Unchecked: the list is touched under the lock only.
  private let lock = NSLock()
  private var sentences: [String] = []

  func add(_ sentence: String) { lock.withLock { sentences.append(sentence) } }

  var all: [String] { lock.withLock { sentences } }
}
