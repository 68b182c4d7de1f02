internal import CKernels
internal import Glibc
internal import Synchronization

/// Worker threads that share out the items of a loop with their caller.
///
/// The items are dealt one by one by an atomic counter, so that a slow core takes fewer. A worker
/// that has nothing to do spins for some microseconds, since the next loop of a network follows at
/// once, and then sleeps. Calls may come from several threads: while one loop has the workers, others,
/// and loops within its body, run on their calling thread alone.
public final class ThreadPool: Sendable {
  private let state: PoolState
  private let threads: [pthread_t]

  /// How many worker threads there are beside the callers; less than asked for if the system refuses
  /// to start more.
  public var workerCount: Int { threads.count }

  /// - Parameters:
  ///   - workerCount: threads to start; a machine's cores − 1 keep it busy.
  ///   - spinMicroseconds: how long an idle worker waits awake; 0 where there is one CPU only.
  public init(workerCount: Int, spinMicroseconds: Int = 30) {
    let spin = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 ? spinMicroseconds : 0
    let state = PoolState(spinNanoseconds: UInt64(max(spin, 0)) * 1000)
    self.state = state
    threads = (0..<max(workerCount, 0)).compactMap { PoolState.startWorker($0, state) }
  }

  deinit {
    state.stop()
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Runs `body(0)` … `body(count - 1)`, each once, in no order; returns when all are done.
  public func parallelFor(_ count: Int, _ body: (Int) -> Void) {
    ThreadTeam(self).parallelFor(count, body)
  }

  /// As `parallelFor(_:_:)` for a C function: `body(context, 0)` … `body(context, count - 1)`.
  public func parallelFor(_ count: Int, context: UnsafeMutableRawPointer?, _ body: ThreadTeam.Body) {
    if count > 1, !threads.isEmpty, state.run(count, workers: threads.count, context, body) { return }
    for index in 0..<max(count, 0) { body(context, index) }
  }
}

/// What the workers and the callers of a pool share.
///
/// The loop's description (`count`, `context`, `body`) is plain memory: it is written only by the
/// caller that holds `isTaken`, while the gate is shut and no worker is inside, and it is read only by
/// those who came through the open gate.
private final class PoolState: @unchecked Sendable {
  /// The gate: bits 0–15 count the workers inside, bit 16 says that it is open, the rest number the loops.
  private static let open: UInt64 = 1 << 16
  private static let insideMask: UInt64 = open - 1
  private static let nextLoop: UInt64 = 1 << 17

  private let gate = Atomic<UInt64>(0)
  private let nextItem = Atomic<Int>(0)
  private let isTaken = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)
  private let sleeperCount = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  /// Words to sleep on; their addresses go to the kernel, so they have memory of their own.
  private let wakeWord = FutexWord()
  private let doneWord = FutexWord()
  private let spinNanoseconds: UInt64

  private var count = 0
  private var context: UnsafeMutableRawPointer?
  private var body: ThreadTeam.Body?

  init(spinNanoseconds: UInt64) { self.spinNanoseconds = spinNanoseconds }

  static func startWorker(_ number: Int, _ state: PoolState) -> pthread_t? {
    var allSignals = sigset_t()
    var previous = sigset_t()
    sigfillset(&allSignals)
    // Signals are for the server's own threads: a worker inherits a full mask.
    pthread_sigmask(SIG_SETMASK, &allSignals, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
    let argument = Unmanaged.passRetained(state)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<PoolState>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue().work()
        return nil
      }, argument.toOpaque())
    if status != 0 {
      argument.release()
      return nil
    }
    kernels_name_thread(thread, "swerve-pool-\(number)")
    return thread
  }

  /// Runs the loop on the caller and the workers; false, at once, if another loop has them.
  func run(
    _ count: Int, workers: Int, _ context: UnsafeMutableRawPointer?, _ body: ThreadTeam.Body
  ) -> Bool {
    guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else { return false }
    self.count = count
    self.context = context
    self.body = body
    nextItem.store(0, ordering: .relaxed)
    gate.add(Self.nextLoop | Self.open, ordering: .sequentiallyConsistent)
    if sleeperCount.load(ordering: .sequentiallyConsistent) > 0 {
      wakeWord.advance()
      wakeWord.wake(min(workers, count - 1))
    }
    runItems(count, context, body)
    gate.bitwiseAnd(~Self.open, ordering: .sequentiallyConsistent)
    waitUntilEmpty()
    isTaken.store(false, ordering: .releasing)
    return true
  }

  private func runItems(_ count: Int, _ context: UnsafeMutableRawPointer?, _ body: ThreadTeam.Body) {
    while true {
      let index = nextItem.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      body(context, index)
    }
  }

  private func waitUntilEmpty() {
    if spin(until: { isEmpty }) { return }
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    while true {
      let word = doneWord.value
      if isEmpty { break }
      doneWord.sleep(whileValueIs: word)
    }
    callerSleeps.store(false, ordering: .relaxed)
  }

  private var isEmpty: Bool { gate.load(ordering: .sequentiallyConsistent) & Self.insideMask == 0 }

  private func work() {
    var lastLoop: UInt64 = 0
    while let loop = waitForLoop(after: lastLoop) {
      lastLoop = loop
      guard enter(loop) else { continue }
      runItems(count, context, body.unsafelyUnwrapped)
      leave()
    }
  }

  /// The number of a loop later than `last`; nil when the pool stops.
  private func waitForLoop(after last: UInt64) -> UInt64? {
    while true {
      if spin(until: { isStopping.load(ordering: .relaxed) || loopNumber != last }) {
        if isStopping.load(ordering: .acquiring) { return nil }
        return loopNumber
      }
      sleeperCount.add(1, ordering: .sequentiallyConsistent)
      let word = wakeWord.value
      if loopNumber == last && !isStopping.load(ordering: .sequentiallyConsistent) {
        wakeWord.sleep(whileValueIs: word)
      }
      sleeperCount.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  private var loopNumber: UInt64 { gate.load(ordering: .sequentiallyConsistent) / Self.nextLoop }

  /// Counts this worker in, if the gate of that loop is still open.
  private func enter(_ loop: UInt64) -> Bool {
    var seen = gate.load(ordering: .acquiring)
    while seen & Self.open != 0, seen / Self.nextLoop == loop {
      let (exchanged, original) = gate.weakCompareExchange(
        expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
      if exchanged { return true }
      seen = original
    }
    return false
  }

  private func leave() {
    let left = gate.subtract(1, ordering: .sequentiallyConsistent).newValue
    guard left & (Self.insideMask | Self.open) == 0 else { return }
    if callerSleeps.load(ordering: .sequentiallyConsistent) {
      doneWord.advance()
      doneWord.wake(1)
    }
  }

  func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    wakeWord.advance()
    wakeWord.wake(Int(Int32.max))
  }

  /// Waits awake for the condition; false when the time is over. The clock is read only now and then.
  private func spin(until condition: () -> Bool) -> Bool {
    if condition() { return true }
    if spinNanoseconds == 0 { return false }
    let deadline = monotonicNanoseconds() + spinNanoseconds
    repeat {
      for _ in 0..<32 {
        if condition() { return true }
        kernels_spin_hint()
      }
    } while monotonicNanoseconds() < deadline
    return false
  }
}

private func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// A 32-bit word that threads sleep on (futex(2)).
private final class FutexWord: @unchecked Sendable {
  // Never reassigned, freed in deinit only; all access is atomic.
  private let word = UnsafeMutablePointer<Atomic<UInt32>>.allocate(capacity: 1)

  init() { word.initialize(to: Atomic(0)) }

  deinit {
    word.deinitialize(count: 1)
    word.deallocate()
  }

  var value: UInt32 { word.pointee.load(ordering: .sequentiallyConsistent) }

  func advance() { word.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent) }

  func sleep(whileValueIs value: UInt32) { kernels_futex_wait(UnsafeMutableRawPointer(word), value) }

  func wake(_ count: Int) { kernels_futex_wake(UnsafeMutableRawPointer(word), Int32(clamping: count)) }
}
