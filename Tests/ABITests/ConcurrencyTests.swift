import Foundation
import PluginHost
import Synchronization
import Tensors
import Testing

/// Many threads at once; meant for `swift test --sanitize=thread` too.
@Suite struct ConcurrencyTests {
  private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let group = DispatchGroup()
    for index in 0..<count {
      group.enter()
      let thread = Thread {
        body(index)
        group.leave()
      }
      thread.start()
    }
    group.wait()
  }

  @Test func aConcurrentModelRunsOnManyThreads() throws {
    let model = try CPlugin().model()
    let wrong = Atomic<Int>(0)
    onThreads(8) { index in
      for round in 0..<300 {
        let value = Float(index * 1000 + round)
        let rows = 1 + round % 5
        let answers = model.answer(
          [Tensor("x", (0..<rows).map { value + Float($0) })], rows: Array(repeating: 1, count: rows))
        for (row, answer) in answers.enumerated()
        where answer?.outputs.first?.floats != [2 * (value + Float(row))] {
          wrong.add(1, ordering: .relaxed)
        }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test func pendingRequestsEndOnceWhoeverCancelsThem() throws {
    var plugin = RequestTests.late
    plugin.globals += """

      static void stop(swerve_model *model, swerve_request *request) {
        model->host->finish(model->host, request, SWERVE_CANCELLED, NULL);
      }
      """
    plugin.table = ".cancel = stop"
    let model = try plugin.model()
    let wrong = Atomic<Int>(0)
    onThreads(4) { _ in
      for round in 0..<40 {
        let recorders = [Recorder(), Recorder(), Recorder()]
        let requests = recorders.map { PluginRequest(1, $0) }
        model.execute(inputs: [Tensor("x", [1, 2, 3] as [Float])], requests: requests)
        usleep(UInt32(round * 100))
        requests[1].cancel()
        let statuses = recorders.map { $0.wait()?.status }
        usleep(100)
        let isRight =
          statuses[0] == .ok && statuses[2] == .ok && (statuses[1] == .ok || statuses[1] == .cancelled)
          && recorders.allSatisfy { $0.answers.count == 1 }
        if !isRight { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test func modelsComeAndGoOnManyThreads() throws {
    let folder = try TemporaryFolder()
    let path = try CPlugin(globals: "static int open;", destroy: "open--; free(model);").build(in: folder)
    let services = HostServices()
    let wrong = Atomic<Int>(0)
    onThreads(6) { index in
      for _ in 0..<50 {
        guard let plugin = try? Plugin(path: path, services: services),
          let model = try? plugin.makeModel(path: "", configuration: "{}"),
          model.answer([Float(index)])?.outputs.first?.floats == [2 * Float(index)]
        else {
          wrong.add(1, ordering: .relaxed)
          continue
        }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }
}
