import Tensors
import TestSupport
import Testing

@testable import Serving

private func request(
  rows: Int = 1, width: Int = 2, deadline: Int64 = 0, recorder: Recorder = Recorder()
) -> InferenceRequest {
  InferenceRequest(
    id: "", inputs: [floats([rows, width], Array(repeating: 0, count: rows * width))], deadline: deadline,
    receiver: recorder)
}

private func queue(_ requests: [InferenceRequest], limits: RequestQueue.Limits = .init()) throws
  -> RequestQueue
{
  var queue = RequestQueue(limits: limits)
  for request in requests { try queue.admit([request]) }
  return queue
}

@Test func aFreeWorkerTakesAllThatWaitsAtOnce() throws {
  let requests = [request(), request(rows: 3), request(rows: 2)]
  var queue = try queue(requests)
  let turn = queue.next(maximumRows: 8, at: 0)
  #expect(turn.batch.map(ObjectIdentifier.init) == requests.map(ObjectIdentifier.init))
  #expect(queue.isEmpty)
}

@Test func aBatchKeepsWithinTheMaximumAndTheOrder() throws {
  var queue = try queue([request(rows: 3), request(rows: 3), request(rows: 1)])
  #expect(queue.next(maximumRows: 4, at: 0).batch.map(\.rows) == [3])
  #expect(queue.next(maximumRows: 4, at: 0).batch.map(\.rows) == [3, 1])
  #expect(queue.next(maximumRows: 4, at: 0).batch.isEmpty)
}

@Test func otherShapesAreNotStacked() throws {
  var queue = try queue([request(width: 2), request(width: 3), request(width: 3)])
  #expect(queue.next(maximumRows: 8, at: 0).batch.count == 1)
  #expect(queue.next(maximumRows: 8, at: 0).batch.count == 2)
}

@Test func expiredAndCancelledRequestsAreDroppedOnTheWay() throws {
  let cancelled = request()
  cancelled.cancel()
  var queue = try queue([request(deadline: 10), cancelled, request(deadline: 11), request()])
  let turn = queue.next(maximumRows: 8, at: 10)
  #expect(turn.batch.count == 2)
  #expect(turn.dropped.map(\.error.code) == [.deadlineExceeded, .cancelled])
}

@Test func aFullQueueRefusesAndKeepsWhatItHas() throws {
  var queue = try queue([request(), request()], limits: .init(requests: 2, bytes: 1 << 20))
  let error = #expect(throws: ServingError.self) { try queue.admit([request()]) }
  #expect(error?.code == .queueFull)
  #expect(queue.count == 2)
}

@Test func bytesThatWaitAreBounded() throws {
  var queue = try queue([request(rows: 100)], limits: .init(requests: 100, bytes: 1000))
  #expect(throws: ServingError.self) { try queue.admit([request(rows: 100)]) }
  _ = queue.next(maximumRows: 100, at: 0)
  try queue.admit([request(rows: 100)])
  #expect(queue.count == 1)
}

@Test func everyAdmittedRequestLeavesTheQueueExactlyOnce() throws {
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  var queue = RequestQueue(limits: .init(requests: 50, bytes: 1 << 30))
  var admitted: [ObjectIdentifier] = []
  var left: [ObjectIdentifier] = []
  var kept: [InferenceRequest] = []
  for now in 0..<5_000 as Range<Int64> {
    if Bool.random(using: &random) {
      let request = request(
        rows: .random(in: 1...5, using: &random), width: .random(in: 1...2, using: &random),
        deadline: Bool.random(using: &random) ? 0 : now + .random(in: 0...40, using: &random))
      if (try? queue.admit([request])) != nil {
        kept.append(request)
        admitted.append(ObjectIdentifier(request))
      }
      if Int.random(in: 0..<10, using: &random) == 0 { kept.randomElement(using: &random)?.cancel() }
    } else {
      let turn = queue.next(maximumRows: 6, at: now)
      #expect(turn.batch.reduce(0) { $0 + $1.rows } <= 6, "seed \(seed)")
      left += turn.batch.map(ObjectIdentifier.init) + turn.dropped.map { ObjectIdentifier($0.request) }
    }
  }
  left += queue.drain().map(ObjectIdentifier.init)
  #expect(Set(left).count == left.count, "seed \(seed)")
  #expect(Set(left) == Set(admitted), "seed \(seed)")
}

@Test func requestsWithoutRowsBringNobodyIntoABatchThatDoesNotStack() throws {
  var queue = try queue([request(rows: 0), request(rows: 0), request(rows: 1)])
  for _ in 0..<3 { #expect(queue.next(maximumRows: nil, at: 0).batch.count == 1) }
  #expect(queue.isEmpty)
}

@Test func aRequestLargerThanTheQueueIsTakenWhereNothingWaits() throws {
  var queue = RequestQueue(limits: .init(requests: 2, bytes: 1 << 20))
  try queue.admit([request(), request(), request()])
  #expect(queue.count == 3)
  #expect(throws: ServingError.self) { try queue.admit([request()]) }
}
