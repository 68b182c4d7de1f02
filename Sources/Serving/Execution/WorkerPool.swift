import Glibc
import Synchronization
import Telemetry

/// The threads that execute models. A model with waiting requests asks for a turn; turns are given
/// in the order asked, on so many threads as there are workers. So that models which take long do not keep the
/// others waiting, one of which nothing runs gets a spare thread where all are busy.
///
/// Unchecked: the mutex and the condition live in memory of their own as long as the pool, and
/// everything else is touched under the mutex.
final class WorkerPool: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var turns: [ServedModel] = []
  private var head = 0
  private var sleeping = 0
  /// Threads that execute, and how many may unless a model would else have none.
  private var running = 0
  private var workerCount: Int
  /// Threads that wait for one model's answer, and their condition.
  private var helpers = 0
  private let helped = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isStopping = false
  /// Threads that are to end as soon as they have nothing to do.
  private var surplus = 0
  private var threads: [pthread_t] = []

  /// Turns asked for and not yet given; lets a worker look without taking the mutex.
  private let pending = Atomic<Int>(0)
  private let spinNanoseconds: Int64
  private let permits: ProcessorPermits?
  /// Calls back models that hold a batch back.
  let alarm = Alarm()

  init(workerCount: Int, spinNanoseconds: Int64, permits: ProcessorPermits?) {
    self.workerCount = max(workerCount, 1)
    self.spinNanoseconds = spinNanoseconds
    self.permits = permits
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(helped, &attributes)
    pthread_condattr_destroy(&attributes)
    alarm.start()
    for _ in 0..<(max(workerCount, 1) + max(workerCount, 2)) {
      threads.append(Threads.start { [self] in work() })
    }
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    pthread_cond_destroy(helped)
    helped.deallocate()
    mutex.deallocate()
    condition.deallocate()
  }

  /// Asks for a turn of `model`. From any thread.
  func enqueue(_ model: ServedModel) {
    pthread_mutex_lock(mutex)
    turns.append(model)
    pending.wrappingAdd(1, ordering: .releasing)
    // Where all workers are busy, whoever ends first takes it, but for a model of which nothing runs.
    let wake = sleeping > 0 && (running < workerCount || model.runningTurns.count == 0)
    if helpers > 0 { pthread_cond_broadcast(helped) }
    pthread_mutex_unlock(mutex)
    if wake { pthread_cond_signal(condition) }
  }

  // MARK: - Threads that wait for a model

  /// Gives the caller turns of `model` until `isDone`, which is asked under the pool's lock: after each turn, when
  /// `wakeHelpers` is called, and now and then, after `look`.
  func help(_ model: ServedModel, until isDone: () -> Bool, lookingAt look: () -> Void) {
    pthread_mutex_lock(mutex)
    helpers += 1
    while !isDone() {
      if takeTurn(of: model) {
        pthread_mutex_unlock(mutex)
        model.runTurn()
        pthread_mutex_lock(mutex)
      } else if !waitForHelp() {
        pthread_mutex_unlock(mutex)
        look()
        pthread_mutex_lock(mutex)
      }
    }
    helpers -= 1
    pthread_mutex_unlock(mutex)
  }

  private func takeTurn(of model: ServedModel) -> Bool {
    guard let index = turns[head...].firstIndex(where: { $0 === model }) else { return false }
    turns.remove(at: index)
    pending.wrappingSubtract(1, ordering: .relaxed)
    return true
  }

  /// Sleeps until there may be a turn or an answer; false: neither for some time.
  private func waitForHelp() -> Bool {
    let end = Threads.now() + 20_000_000
    var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
    return pthread_cond_timedwait(helped, mutex, &time) == 0
  }

  /// Has those who help ask again whether they are done.
  func wakeHelpers() {
    pthread_mutex_lock(mutex)
    if helpers > 0 { pthread_cond_broadcast(helped) }
    pthread_mutex_unlock(mutex)
  }

  /// Adds threads.
  func grow(by count: Int) {
    pthread_mutex_lock(mutex)
    workerCount += count
    let kept = min(surplus, count)
    surplus -= kept
    for _ in kept..<max(count, kept) { threads.append(Threads.start { [self] in work() }) }
    pthread_mutex_unlock(mutex)
  }

  /// Has so many threads end once they have nothing to do.
  func shrink(by count: Int) {
    pthread_mutex_lock(mutex)
    workerCount -= count
    surplus += count
    pthread_mutex_unlock(mutex)
    pthread_cond_broadcast(condition)
  }

  /// Lets the threads finish what was asked for, and waits for them. The pool is used no more.
  func stop() {
    alarm.stop()
    pthread_mutex_lock(mutex)
    isStopping = true
    pthread_mutex_unlock(mutex)
    pthread_cond_broadcast(condition)
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  private func work() {
    var last: ServedModel?
    while let model = nextTurn(after: last.take()) {
      // A turn that waits for another process uses no processor of its own.
      let permit = model.isIsolated ? nil : permits?.take()
      model.runTurn()
      if let permit { permits?.give(permit) }
      last = model
    }
  }

  /// Waits for a turn; nil when it is time to end.
  private func nextTurn(after last: ServedModel?) -> ServedModel? {
    if last == nil { spin() }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if let last { leave(last) }
    var mayRest = last == nil
    while true {
      if let index = turnToTake() {
        let model = take(at: index)
        running += 1
        model.runningTurns.count += 1
        return model
      }
      if isStopping && head == turns.count { return nil }
      if surplus > 0 {
        surplus -= 1
        return nil
      }
      guard mayRest else {
        // One look awake, as before any sleep.
        mayRest = true
        pthread_mutex_unlock(mutex)
        spin()
        pthread_mutex_lock(mutex)
        continue
      }
      sleeping += 1
      pthread_cond_wait(condition, mutex)
      sleeping -= 1
    }
  }

  private func leave(_ model: ServedModel) {
    running -= 1
    model.runningTurns.count -= 1
  }

  /// The oldest turn that may be taken: any while a worker is free, else one of a model of which nothing runs.
  private func turnToTake() -> Int? {
    guard head < turns.count else { return nil }
    if running < workerCount { return head }
    return turns[head...].firstIndex { $0.runningTurns.count == 0 }
  }

  private func take(at index: Int) -> ServedModel {
    let model = turns[index]
    pending.wrappingSubtract(1, ordering: .relaxed)
    guard index == head else {
      turns.remove(at: index)
      return model
    }
    head += 1
    if head == turns.count {
      turns.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 256 && head * 2 >= turns.count {
      turns.removeFirst(head)
      head = 0
    }
    return model
  }

  /// Waits a moment for a turn before sleeping: waking a sleeper costs more than the moment.
  private func spin() {
    guard spinNanoseconds > 0 else { return }
    let end = Threads.now() + spinNanoseconds
    while pending.load(ordering: .acquiring) == 0 && Threads.now() < end { sched_yield() }
  }
}
