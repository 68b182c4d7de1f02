/// Work that waits, and what the scheduler noted of it when it came.
struct Waiting<Job: Schedulable> {
  let job: Job
  /// Counts what came; the oldest has the least.
  let sequence: UInt64
  let arrival: Int64
  /// Rows that it adds to a batch's time: 1 where nothing is stacked.
  let weight: Int
  /// The job's own, or what its level gives it; 0 for none.
  var deadline: Int64
  /// When it was thought to end as it came; 0: nothing was known.
  var expectedEnd: Int64 = 0
}

/// What waits for one model: a queue for each level and shape, in order of arrival.
struct WaitingList<Job: Schedulable> {
  private struct Group {
    var level: Int
    var shapeHash: Int
    var queue: Fifo<Waiting<Job>>
  }

  private struct Level {
    /// The order of arrival over all shapes. What has left its group since is skipped.
    var order = Fifo<(sequence: UInt64, group: Int)>()
    var count = 0
    var rows = 0
  }

  private var groups: [Group] = []
  private var unused: [Int] = []
  private var levels: [Level]
  private(set) var count = 0
  private(set) var bytes = 0
  private(set) var shares = ClientShares()

  init(levelCount: Int) { levels = Array(repeating: Level(), count: levelCount) }

  var isEmpty: Bool { count == 0 }
  var levelCount: Int { levels.count }

  func count(level: Int) -> Int { levels[level].count }

  /// Rows of `level` and of those more important.
  func rows(upTo level: Int) -> Int {
    var rows = 0
    for index in 0...level { rows += levels[index].rows }
    return rows
  }

  mutating func append(_ entry: Waiting<Job>, level: Int) {
    let group = find(entry.job, level: level) ?? makeGroup(like: entry.job, level: level)
    groups[group].queue.append(entry)
    levels[level].order.append((entry.sequence, group))
    counted(entry, level: level, 1)
  }

  /// The group with the oldest of `level`; nil if nothing of it waits.
  mutating func leader(level: Int) -> (group: Int, sequence: UInt64)? {
    while let (sequence, group) = levels[level].order.first {
      if groups[group].queue.first?.sequence == sequence, groups[group].level == level {
        return (group, sequence)
      }
      _ = levels[level].order.popFirst()
    }
    return nil
  }

  /// The group of what waits in `level` and may share a batch with `job`.
  func find(_ job: Job, level: Int) -> Int? {
    let hash = job.shapeHash
    return groups.firstIndex {
      $0.shapeHash == hash && $0.level == level && $0.queue.first?.job.hasShape(of: job) == true
    }
  }

  func first(of group: Int) -> Waiting<Job>? { groups[group].queue.first }

  func level(of group: Int) -> Int { groups[group].level }

  /// Hands what waits in `group` to `body`, in order of arrival, until that says false.
  func forEach(in group: Int, _ body: (Waiting<Job>) -> Bool) { groups[group].queue.forEach(body) }

  mutating func popFirst(of group: Int) -> Waiting<Job>? {
    guard let entry = groups[group].queue.popFirst() else { return nil }
    counted(entry, level: groups[group].level, -1)
    return entry
  }

  /// Puts back what was just taken out of `group`.
  mutating func putBack(_ entry: Waiting<Job>, into group: Int) {
    groups[group].queue.putBack(entry)
    counted(entry, level: groups[group].level, 1)
  }

  /// Lets a group that has run empty be used for another shape.
  mutating func retireIfEmpty(_ group: Int) {
    guard groups[group].queue.isEmpty, groups[group].level >= 0 else { return }
    groups[group].level = -1
    unused.append(group)
  }

  /// Takes out what `isGone` says of, with the level it waited in, in order within each group.
  mutating func removeAll(where isGone: (Waiting<Job>) -> Bool) -> [(entry: Waiting<Job>, level: Int)] {
    var gone: [(entry: Waiting<Job>, level: Int)] = []
    for group in groups.indices where groups[group].level >= 0 {
      let level = groups[group].level
      for entry in groups[group].queue.removeAll(where: isGone) {
        counted(entry, level: level, -1)
        gone.append((entry, level))
      }
      retireIfEmpty(group)
    }
    return gone
  }

  private mutating func makeGroup(like job: Job, level: Int) -> Int {
    let group = Group(level: level, shapeHash: job.shapeHash, queue: Fifo())
    guard let index = unused.popLast() else {
      groups.append(group)
      return groups.count - 1
    }
    groups[index] = group
    return index
  }

  private mutating func counted(_ entry: Waiting<Job>, level: Int, _ sign: Int) {
    count += sign
    bytes += sign * entry.job.byteCount
    levels[level].count += sign
    levels[level].rows += sign * entry.weight
    if sign > 0 { shares.add(entry.job) } else { shares.remove(entry.job) }
  }
}
