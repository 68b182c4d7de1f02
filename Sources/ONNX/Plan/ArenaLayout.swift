/// Gives buffers places in one arena, so that buffers which are never alive at once share memory.
/// Best fit over a list of gaps, in the order of the run.
struct ArenaLayout {
  static let alignment = 64

  private struct Gap {
    var offset: Int
    var byteCount: Int
  }

  private var gaps: [Gap] = []
  /// Bytes of the arena so far.
  private(set) var byteCount = 0

  /// A place for as many bytes; nil when the arena grows beyond what can be counted.
  mutating func take(_ bytes: Int) -> Int? {
    guard let size = ArenaLayout.rounded(bytes) else { return nil }
    let fitting = gaps.indices.filter { gaps[$0].byteCount >= size }
    if let best = fitting.min(by: { gaps[$0].byteCount < gaps[$1].byteCount }) {
      let offset = gaps[best].offset
      gaps[best].offset += size
      gaps[best].byteCount -= size
      if gaps[best].byteCount == 0 { gaps.remove(at: best) }
      return offset
    }
    return grow(size)
  }

  /// Returns a place that `take` gave for as many bytes.
  mutating func give(_ offset: Int, _ bytes: Int) {
    guard let size = ArenaLayout.rounded(bytes) else { return }
    let next = gaps.firstIndex { $0.offset > offset } ?? gaps.count
    gaps.insert(Gap(offset: offset, byteCount: size), at: next)
    if next + 1 < gaps.count, gaps[next].offset + gaps[next].byteCount == gaps[next + 1].offset {
      gaps[next].byteCount += gaps.remove(at: next + 1).byteCount
    }
    if next > 0, gaps[next - 1].offset + gaps[next - 1].byteCount == gaps[next].offset {
      gaps[next - 1].byteCount += gaps.remove(at: next).byteCount
    }
  }

  /// New memory at the end, a gap that lies there included.
  private mutating func grow(_ size: Int) -> Int? {
    var offset = byteCount
    if let last = gaps.last, last.offset + last.byteCount == byteCount {
      offset = last.offset
      gaps.removeLast()
    }
    let (end, overflow) = offset.addingReportingOverflow(size)
    if overflow { return nil }
    byteCount = end
    return offset
  }

  /// Every buffer has a place of its own, empty ones too.
  private static func rounded(_ bytes: Int) -> Int? {
    let (sum, overflow) = max(bytes, 1).addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum / alignment * alignment
  }
}
