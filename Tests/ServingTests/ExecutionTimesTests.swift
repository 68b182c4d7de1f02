import Testing

@testable import Serving

/// Executions of 64 bytes, one after the other.
private func learn(_ times: ExecutionTimes, _ nanoseconds: [Int64], byteCount: Int = 64) {
  var now: Int64 = 1_000_000
  for duration in nanoseconds {
    times.learn(byteCount: byteCount, from: now, to: now + duration)
    now += duration + 1
  }
}

@Test func aModelIsShortOnceEnoughExecutionsWere() {
  let times = ExecutionTimes(limit: 20_000)
  learn(times, Array(repeating: 5_000, count: Int(ExecutionTimes.evidence) - 1))
  #expect(!times.isShort(byteCount: 64))
  learn(times, [5_000])
  #expect(times.isShort(byteCount: 64))
}

@Test func aSlowModelIsNeverShort() {
  let times = ExecutionTimes(limit: 20_000)
  learn(times, Array(repeating: 25_000, count: 1000))
  #expect(!times.isShort(byteCount: 64))
}

@Test func aModelThatIsSlowNowAndThenIsNotShort() {
  let times = ExecutionTimes(limit: 20_000)
  learn(times, (0..<4000).map { $0 % 4 == 0 ? 500_000 : 2_000 })
  #expect(!times.isShort(byteCount: 64))
}

@Test func fewThatWaitedForACoreDoNotMakeAModelSlow() {
  let times = ExecutionTimes(limit: 20_000)
  learn(times, (0..<4000).map { $0 % 50 == 0 ? 400_000 : 2_000 })
  learn(times, Array(repeating: 2_000, count: 64))
  #expect(times.isShort(byteCount: 64))
}

@Test func oneThatTookFarTooLongHasToBeProvenShortAgain() {
  let times = ExecutionTimes(limit: 20_000)
  learn(times, Array(repeating: 2_000, count: 500))
  learn(times, [1_500_000])
  #expect(!times.isShort(byteCount: 64))
  learn(times, Array(repeating: 2_000, count: Int(ExecutionTimes.evidence)))
  #expect(times.isShort(byteCount: 64))
}

@Test func largerInputsAreLearntApart() {
  let times = ExecutionTimes(limit: 20_000)
  learn(times, Array(repeating: 2_000, count: 100), byteCount: 64)
  learn(times, Array(repeating: 60_000, count: 100), byteCount: 4096)
  #expect(times.isShort(byteCount: 100))
  #expect(!times.isShort(byteCount: 4096))
  #expect(!times.isShort(byteCount: 128))
  #expect(!times.isShort(byteCount: 0))
}

@Test func withoutALimitNothingIsShort() {
  let times = ExecutionTimes(limit: 0)
  learn(times, Array(repeating: 100, count: 100))
  #expect(!times.isShort(byteCount: 64))
}

@Test func largeInputsMayTakeLonger() {
  let times = ExecutionTimes(limit: 20_000)
  learn(times, Array(repeating: 90_000, count: 100), byteCount: 602_112)
  #expect(times.isShort(byteCount: 602_112), "nine times the limit: 524,288 bytes and more")
  #expect(!times.isShort(byteCount: 64))
  learn(times, Array(repeating: 90_000, count: 100), byteCount: 131_072)
  #expect(!times.isShort(byteCount: 131_072), "three times the limit")
  learn(times, Array(repeating: 350_000, count: 100), byteCount: 1 << 40)
  #expect(!times.isShort(byteCount: 1 << 40), "seventeen times the limit and no more")
}
