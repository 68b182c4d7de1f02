import Foundation
import PluginHost
import Tensors
import TestSupport
import Testing

/// Several batches of one request each, which a worker is told of at once.
@Suite(.serialized) struct TrainTests {
  private enum Mood: Float, CaseIterable {
    case crash = -1
    case refuse = -2
    case later = -3
    case hang = -4
    case ready = 8
  }

  private func withModel(timeout: Double = 60, _ body: (PluginModel) throws -> Void) throws {
    let folder = try TemporaryFolder()
    let plugin = folder.path + "/moods.so"
    let built = try Command([
      "cc", "-shared", "-fPIC", "-pthread", "-I", Checkout.root + "/Sources/CSwervePlugin/include",
      Checkout.root + "/Tests/PluginHostTests/Fixtures/moods.c", "-o", plugin,
    ])
    try #require(built.status == 0, "\(built.error)")
    var settings = IsolationSettings()
    settings.crashLimit = 1000
    settings.timeoutSeconds = timeout
    let model = try PluginModel(
      isolated: plugin, path: folder.path, configuration: "{}", name: "moods", settings: settings,
      command: WorkerCommand(
        executable: Checkout.products + "/swerve", arguments: ["worker"], arenaBytes: 64 << 20),
      services: HostServices { _, _, _, _ in })
    try body(model)
    withExtendedLifetime(folder) {}
  }

  /// Executes a train whose requests are in these moods, each with inputs of its own size; what each was answered.
  private func answers(_ model: PluginModel, _ moods: [Mood]) throws -> [Recorder.Answer?] {
    let recorders = moods.map { _ in Recorder() }
    let train = try zip(moods, recorders).enumerated().map { index, one in
      let values = [one.0.rawValue] + (0..<index * 37).map { Float($0) }
      let input = try #require(Tensor(name: "x", datatype: .fp32, shape: [1, values.count]))
      _ = input.elements(as: Float.self).initialize(from: values)
      return PluginBatch(
        inputs: [input],
        requests: [PluginRequest(id: "\(index)", parameters: "{}", deadline: 0, rows: 1, receiver: one.1)])
    }
    model.execute(train: train)
    return recorders.map { $0.wait() }
  }

  private func check(_ answers: [Recorder.Answer?], _ moods: [Mood], _ note: String = "") {
    for (index, (answer, mood)) in zip(answers, moods).enumerated() {
      let expected: PluginStatus =
        switch mood {
        case .crash, .hang: .unavailable
        case .refuse: .invalidArgument
        case .later, .ready: .ok
        }
      #expect(
        answer?.status == expected,
        "request \(index), \(mood), of \(moods) \(note): \(answer?.message ?? "none")")
      guard expected == .ok else { continue }
      let values = [mood.rawValue] + (0..<index * 37).map { Float($0) }
      let output = answer?.outputs.first?.elements(as: Float.self).map { $0 }
      #expect(output == values.map { $0 / 2 }, "request \(index), \(mood), of \(moods) \(note)")
    }
  }

  @Test func eachIsAnsweredAsIfItWereAlone() throws {
    try withModel { model in
      let seed = seedOfThisRun()
      var random = SeededGenerator(seed: seed)
      for _ in 0..<200 {
        let moods = (0..<Int.random(in: 1...16, using: &random)).map { _ in
          [Mood.ready, .ready, .ready, .refuse, .later].randomElement(using: &random)!
        }
        check(try answers(model, moods), moods, "seed \(seed)")
      }
    }
  }

  @Test func aCrashIsTheFaultOfOne() throws {
    try withModel { model in
      for place in 0..<6 {
        var moods: [Mood] = [.ready, .later, .ready, .refuse, .ready, .later]
        moods[place] = .crash
        check(try answers(model, moods), moods)
      }
    }
  }

  @Test func aHangIsTheFaultOfOne() throws {
    try withModel(timeout: 1) { model in
      let moods: [Mood] = [.ready, .refuse, .hang, .ready, .later]
      check(try answers(model, moods), moods)
    }
  }

  @Test func aModelThatAnswersLateTakesNoMoreTrains() throws {
    try withModel { model in
      #expect(model.takesTrains)
      check(try answers(model, [.ready, .ready]), [.ready, .ready])
      #expect(model.takesTrains)
      check(try answers(model, [.later, .ready]), [.later, .ready])
      #expect(!model.takesTrains)
    }
  }

  @Test func whatIsNotAsDeclaredIsRefusedAndTheOthersAreServed() throws {
    try withModel { model in
      let recorders = [Recorder(), Recorder(), Recorder()]
      let train = try recorders.enumerated().map { index, recorder in
        let datatype: Datatype = index == 1 ? .int32 : .fp32
        let input = try #require(Tensor(name: "x", datatype: datatype, shape: [1, 1]))
        input.data.initializeMemory(as: UInt8.self, repeating: 0, count: input.byteCount)
        return PluginBatch(
          inputs: [input],
          requests: [PluginRequest(id: "", parameters: "{}", deadline: 0, rows: 1, receiver: recorder)])
      }
      model.execute(train: train)
      #expect(recorders.map { $0.wait()?.status } == [.ok, .invalidArgument, .ok])
    }
  }
}
