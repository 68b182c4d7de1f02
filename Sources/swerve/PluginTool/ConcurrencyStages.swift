import Glibc
import Locks
import PluginHost
import Tensors

/// Stages that call from several threads.
struct ConcurrencyStages {
  private static let threadCount = 4
  private static let callsEach = 200
  /// Nanoseconds: what a call takes from which it is to notice that it was cancelled, and what many may take.
  private static let slow: Int64 = 400_000_000
  private static let patience: Int64 = 10_000_000_000

  private let subject: CheckSubject
  private let model: PluginModel

  init(_ subject: CheckSubject, _ model: PluginModel) {
    self.subject = subject
    self.model = model
  }

  func threads(_ outcome: inout StageOutcome) throws {
    guard let (inputs, rows) = try AnswerStages.accepted(subject, model),
      let expected = CheckSubject.answer(model, inputs, rows: rows)
    else { return outcome.note("no accepted inputs") }
    let isSerial = model.description.concurrency == .serial
    let found = Lock<[String]>([])
    let turn = Lock<Void>(())
    Threads.run(Self.threadCount) { [model] _ in
      for _ in 0..<Self.callsEach {
        let answer =
          isSerial
          ? turn.withLock { _ in CheckSubject.answer(model, inputs, rows: rows) }
          : CheckSubject.answer(model, inputs, rows: rows)
        if let text = Self.fault(answer, expected) { return found.withLock { $0.append(text) } }
      }
    }
    for text in found.withLock({ $0 }) { outcome.find(text) }
    outcome.note(
      "\(Self.threadCount) threads, \(Self.callsEach) calls each, \(isSerial ? "one after the other" : "at once")"
    )
  }

  private static func fault(_ answer: CheckedAnswer.Answer?, _ expected: CheckedAnswer.Answer) -> String? {
    guard let answer else { return "no answer within ten seconds" }
    guard answer.status == .ok else { return "ended with \(answer.status): \(answer.message)" }
    guard !answer.wasStreamed, let difference = AnswerStages.difference(answer.outputs, expected.outputs)
    else {
      return nil
    }
    return "the same inputs are answered otherwise than before: \(difference)"
  }

  func cancellation(_ outcome: inout StageOutcome) throws {
    guard let (inputs, rows) = try AnswerStages.accepted(subject, model) else {
      return outcome.note("no accepted inputs")
    }
    endsSoon(inputs, rows, &outcome)
    let end = CheckSubject.now() + Self.patience
    var count = 0
    var random = RandomInputs(model.description, seed: subject.seed)
    for round in 0..<200 where CheckSubject.now() < end {
      count += 1
      let receiver = CheckedAnswer()
      let request = CheckSubject.request(rows, receiver)
      if round % 4 == 0 { request.cancel() }
      let delay = UInt32(random.next() % 300)
      Threads.run(2) { [model] index in
        if index == 0 { return model.execute(inputs: inputs, requests: [request]) }
        usleep(delay)
        request.cancel()
      }
      guard receiver.wait() != nil else {
        return outcome.find("a cancelled request has not ended after ten seconds")
      }
      outcome.expect(receiver.ends == 1, "a cancelled request ended \(receiver.ends) times")
    }
    outcome.note("\(count) requests, cancelled before and while they ran")
  }

  /// A model that takes its time is to notice that nobody waits any more.
  private func endsSoon(_ inputs: [Tensor], _ rows: Int, _ outcome: inout StageOutcome) {
    let start = CheckSubject.now()
    guard CheckSubject.answer(model, inputs, rows: rows) != nil else {
      return outcome.find("no answer within ten seconds")
    }
    let whole = CheckSubject.now() - start
    guard whole >= Self.slow else { return }
    let receiver = CheckedAnswer()
    let request = CheckSubject.request(rows, receiver)
    let began = CheckSubject.now()
    Threads.run(2) { [model] index in
      if index == 0 { return model.execute(inputs: inputs, requests: [request]) }
      usleep(UInt32(whole / 10_000))
      request.cancel()
    }
    let isEnded = receiver.wait() != nil
    let taken = CheckSubject.now() - began
    outcome.expect(
      isEnded && taken < whole * 3 / 4,
      "a call takes \(whole / 1_000_000) ms, and one whose client left after a tenth of that \(taken / 1_000_000) ms: ask "
        + "is_cancelled in long loops, or set cancel in the plugin's table")
  }
}

/// Runs a body on several threads and waits for them.
enum Threads {
  static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let open = Lock(count)
    for index in 0..<count {
      Standard.startThread {
        body(index)
        open.withLock { $0 -= 1 }
      }
    }
    while open.withLock({ $0 }) > 0 { usleep(20) }
  }
}
