import CMalloc
import Glibc
import PluginHost
import Tensors

/// Stages that look at memory, descriptors and time.
struct ResourceStages {
  private let subject: CheckSubject
  private let model: PluginModel

  init(_ subject: CheckSubject, _ model: PluginModel) {
    self.subject = subject
    self.model = model
  }

  func leaks(_ outcome: inout StageOutcome) throws {
    if let (inputs, rows) = try AnswerStages.accepted(subject, model) {
      let calls = 1000
      let grown = growth { for _ in 0..<calls { _ = CheckSubject.answer(model, inputs, rows: rows) } }
      judge(grown, of: calls, "call of execute", &outcome)
    }
    let models = 50
    let grown = growth { for _ in 0..<models { _ = try? subject.load() } }
    judge(grown, of: models, "model that is created and destroyed", &outcome)
  }

  private func judge(
    _ grown: (bytes: Int, descriptors: Int), of count: Int, _ what: String, _ outcome: inout StageOutcome
  ) {
    let each = grown.bytes / count
    outcome.expect(each < 8, "each \(what) leaves \(each) bytes behind")
    outcome.expect(
      grown.descriptors <= 0, "\(count) times a \(what) left \(grown.descriptors) descriptors open")
    outcome.note("\(count) times a \(what): \(max(0, grown.bytes)) bytes more in use")
  }

  /// What `body` adds to what is in use, once whatever it keeps for later is there: the least of three rounds.
  private func growth(_ body: () -> Void) -> (bytes: Int, descriptors: Int) {
    body()
    var least = (bytes: Int.max, descriptors: Int.max)
    for _ in 0..<3 {
      let before = (Self.bytesInUse, Self.openDescriptors)
      body()
      least.bytes = min(least.bytes, Self.bytesInUse - before.0)
      least.descriptors = min(least.descriptors, Self.openDescriptors - before.1)
    }
    return least
  }

  private static var bytesInUse: Int {
    let info = mallinfo2()
    return info.uordblks + info.hblkhd
  }

  private static var openDescriptors: Int {
    (0..<1024).count { fcntl($0, F_GETFD) >= 0 }
  }

  func time(_ outcome: inout StageOutcome) throws {
    guard let (inputs, rows) = try AnswerStages.accepted(subject, model) else {
      return outcome.note("no accepted inputs")
    }
    var times: [Int64] = []
    let end = CheckSubject.now() + 1_000_000_000
    while times.count < 20 || CheckSubject.now() < end, times.count < 100_000 {
      let receiver = CheckedAnswer()
      let start = CheckSubject.now()
      model.execute(inputs: inputs, requests: [CheckSubject.request(rows, receiver)])
      if receiver.ends == 0 { _ = receiver.wait() }
      times.append(CheckSubject.now() - start)
    }
    times.sort()
    func microseconds(_ part: Double) -> String {
      let tenths = times[Int(Double(times.count - 1) * part)] / 100
      return "\(tenths / 10).\(tenths % 10)"
    }
    outcome.note(
      "\(AnswerStages.summary(inputs)): \(microseconds(0)) µs at best, \(microseconds(0.5)) in the middle, "
        + "\(microseconds(0.99)) for one in a hundred; \(times.count) calls")
  }
}
