internal import CIsolation
internal import Glibc
internal import Synchronization

/// A word in shared memory that one process rings and the other waits on.
///
/// Unchecked: both words are atomics in memory that the region behind the lane keeps.
struct Doorbell: @unchecked Sendable {
  private let rings: UnsafeMutablePointer<Atomic<UInt32>>
  private let sleepers: UnsafeMutablePointer<Atomic<UInt32>>

  init(at base: UnsafeMutableRawPointer) {
    rings = base.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
    sleepers = (base + 4).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
  }

  var count: UInt32 { rings.pointee.load(ordering: .acquiring) }

  func ring() {
    rings.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
    if sleepers.pointee.load(ordering: .sequentiallyConsistent) != 0 { isolation_wake(rings) }
  }

  /// Waits until the bell was rung after its count was `heard`; false: it was not, within so many nanoseconds.
  ///
  /// - Parameter spin: for how long it looks before it sleeps; nil: not at all.
  func wait(past heard: UInt32, spin: SpinBudget?, timeout: Int64 = .max) -> Bool {
    if let spin, look(past: heard, for: spin) { return true }
    let deadline = timeout == .max ? .max : monotonicNow() + timeout
    sleepers.pointee.store(1, ordering: .sequentiallyConsistent)
    defer { sleepers.pointee.store(0, ordering: .relaxed) }
    while rings.pointee.load(ordering: .sequentiallyConsistent) == heard {
      let left = deadline == .max ? 3_600_000_000_000 : deadline - monotonicNow()
      guard left > 0 else { return false }
      _ = isolation_wait(rings, heard, left)
    }
    return true
  }
}

extension Doorbell {
  private func look(past heard: UInt32, for spin: SpinBudget) -> Bool {
    let limit = spin.next()
    guard limit > 0 else { return count != heard }
    // Mostly the word comes before it is worth to look at the clock.
    var end: Int64 = 0
    repeat {
      for _ in 0..<32 {
        if count != heard {
          spin.looked(inVain: false)
          return true
        }
        isolation_pause()
      }
      if end == 0 { end = monotonicNow() + limit }
    } while monotonicNow() < end
    spin.looked(inVain: true)
    return false
  }
}

/// Nanoseconds of CLOCK_MONOTONIC, the clock of deadlines in the plugin ABI.
func monotonicNow() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Where a server and a thread of a worker talk: in turns, the server first. Each writes its words, rings the
/// other's bell and waits for its own.
///
/// Unchecked: whose turn it is owns the words.
struct Lane: @unchecked Sendable {
  /// A line of the caches for each side: what it says goes over with the bell that it rings. And one for what nobody waits
  /// for.
  static let byteCount = 192
  /// Batches that one worker may have open at once.
  static let limit = 64

  /// What the server says: where its message lies, and which memory the worker may fill.
  enum ServerWord: Int {
    case messageOffset = 1
    case messageCount, memoryOffset, memoryCount
    /// The answer to an event: 1 is yes.
    case answer
  }

  /// What the worker says.
  enum WorkerWord: Int {
    case event = 9
    case first, second
    /// The kernel's number of the lane's thread.
    case thread
    /// Which batch of a train runs.
    case position = 16
  }

  let toWorker: Doorbell
  let toServer: Doorbell
  private let words: UnsafeMutablePointer<Int>

  init(_ index: Int, in control: SharedRegion) {
    let base = control.base + index * Self.byteCount
    toWorker = Doorbell(at: base)
    toServer = Doorbell(at: base + 64)
    words = base.bindMemory(to: Int.self, capacity: Self.byteCount / 8)
  }

  static var controlBytes: Int { byteCount * limit }

  subscript(word: ServerWord) -> Int {
    get { words[word.rawValue] }
    nonmutating set { words[word.rawValue] = newValue }
  }

  subscript(word: WorkerWord) -> Int {
    get { words[word.rawValue] }
    nonmutating set { words[word.rawValue] = newValue }
  }
}

/// What a worker tells on a lane; the server answers each by ringing back, but `done`.
enum LaneEvent: Int {
  /// The model was made; the message (first: offset, second: bytes) is its description.
  case created = 1
  /// It was not; the message says why.
  case refused
  /// More memory is needed: first is the bytes. Answered by memory of count 0 if there is none.
  case memory
  /// A part of a streamed answer. Answered by whether somebody reads it.
  case chunk
  /// Another model is to be run. Answered by 1, and a message with what it answers; by 0 if there is no memory for that.
  case call
  /// Requests that have ended, others go on.
  case finished
  /// Requests that have ended; the plugin finishes another later, for which those behind it in the train wait.
  case later
  /// Requests that have ended while the plugin was called; it has returned, and finishes the rest later.
  case pending
  /// The last requests have ended, and the lane is free.
  case done
}

/// The descriptors that a worker is started with.
enum WorkerDescriptor: Int32, CaseIterable {
  case reports = 3
  case control, inputs, answers, plugin
}
