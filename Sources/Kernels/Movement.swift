internal import Glibc
public import Tensors

extension KernelTable {
  /// y[…] = x with its dimensions in the order `permutation`: y's axis i is x's axis `permutation[i]`.
  ///
  /// - Parameters:
  ///   - elementSize: bytes of an element; 1, 2, 4 and 8 are fast.
  ///   - shape: of x.
  ///   - permutation: each axis of x once.
  public func transpose(
    elementSize: Int, shape: Shape, permutation: Shape, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    team: ThreadTeam
  ) {
    guard let count = shape.elementCount, count > 0 else { return }
    let plan = TransposePlan(shape, permutation)
    let last = plan.extents.rank - 1
    let contiguous = plan.contiguousAxis
    guard contiguous == last || (elementSize <= 8 && elementSize.nonzeroBitCount == 1) else {
      Reference.transpose(elementSize: elementSize, shape: shape, permutation: permutation, x, y)
      return
    }
    if contiguous == last {
      moveRuns(plan, elementSize: elementSize, x, y, count: count, team)
      return
    }
    // Each item is a matrix of the contiguous and the result's last axis.
    var outer = 1
    for axis in 0..<last where axis != contiguous { outer *= plan.extents[axis] }
    let parts = Partition(outer, parts: count >= smallestShared ? team.width * 2 : 1)
    team.parallelFor(parts.parts) { part in
      for item in parts[part] {
        var source = 0
        var target = 0
        var rest = item
        for inward in 1..<(last + 1) where last - inward != contiguous {
          let axis = last - inward
          let position = rest % plan.extents[axis]
          rest /= plan.extents[axis]
          source += position * plan.steps[axis]
          target += position * plan.resultStep(axis)
        }
        let from = x + source * elementSize
        let to = y + target * elementSize
        level.transpose(
          elementSize: elementSize, from, rows: plan.extents[last], columns: plan.extents[contiguous],
          sourceRow: plan.steps[last], to, targetRow: plan.resultStep(contiguous))
      }
    }
  }

  /// A transposition that leaves the last axis where it is: runs of it go to the result one after the other.
  private func moveRuns(
    _ plan: TransposePlan, elementSize: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, count: Int,
    _ team: ThreadTeam
  ) {
    let last = plan.extents.rank - 1
    let run = plan.extents[last] * elementSize
    let rows = last > 0 ? plan.extents[last - 1] : 1
    let step = last > 0 ? plan.steps[last - 1] * elementSize : 0
    let parts = Partition(
      count / plan.extents[last], parts: count >= smallestShared ? team.width * 2 : 1)
    team.parallelFor(parts.parts) { part in
      var item = parts[part].lowerBound
      while item < parts[part].upperBound {
        let first = item % rows
        var rest = item / rows
        var source = first * step
        for inward in 2..<max(last + 1, 2) {
          let axis = last - inward
          source += rest % plan.extents[axis] * plan.steps[axis] * elementSize
          rest /= plan.extents[axis]
        }
        let end = min(parts[part].upperBound, item - first + rows)
        copyRuns(x + source, step, y + item * run, run, byteCount: run, rows: end - item)
        item = end
      }
    }
  }

  /// `rows` runs of `byteCount` bytes, whose begins lie so many bytes apart.
  private func copyRuns(
    _ source: UnsafeRawPointer, _ sourceStride: Int, _ target: UnsafeMutableRawPointer, _ targetStride: Int,
    byteCount: Int, rows: Int
  ) {
    if byteCount % 4 == 0, byteCount <= 1024 {
      level.copyRuns(source, sourceStride, target, targetStride, words: byteCount / 4, rows: rows)
      return
    }
    for row in 0..<rows { memcpy(target + row * targetStride, source + row * sourceStride, byteCount) }
  }

  /// Copies `rows` runs of `rowByteCount` bytes, each `sourceStride` bytes after the last, to runs
  /// `targetStride` bytes apart: a part of a concatenation, a split or a slice.
  public func copyRows(
    _ source: UnsafeRawPointer, sourceStride: Int, _ target: UnsafeMutableRawPointer, targetStride: Int,
    rowByteCount: Int, rows: Int, team: ThreadTeam
  ) {
    if rowByteCount <= 0 { return }
    forEachRow(rows, length: rowByteCount / 4 + 1, team) { span in
      copyRuns(
        source + span.lowerBound * sourceStride, sourceStride, target + span.lowerBound * targetStride,
        targetStride, byteCount: rowByteCount, rows: span.count)
    }
  }

  /// y = x with `before` and `after` more elements along each axis, which are copies of `value`.
  public func pad(
    elementSize: Int, shape: Shape, before: Shape, after: Shape, value: UnsafeRawPointer,
    _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, team: ThreadTeam
  ) {
    var result = Shape()
    for axis in 0..<shape.rank { result.append(before[axis] + shape[axis] + after[axis]) }
    guard let count = result.elementCount, let sourceCount = shape.elementCount else { return }
    fill(y, value, elementSize: elementSize, count: count)
    guard sourceCount > 0, shape.rank > 0 else {
      if shape.rank == 0 { memcpy(y, x, elementSize) }
      return
    }
    let last = shape.rank - 1
    let length = shape[last]
    forEachRow(sourceCount / length, length: length, team) { rows in
      for row in rows {
        var rest = row
        var target = before[last]
        var step = result[last]
        for inward in 1..<(last + 1) {
          let axis = last - inward
          target += (rest % shape[axis] + before[axis]) * step
          rest /= shape[axis]
          step *= result[axis]
        }
        memcpy(y + target * elementSize, x + row * length * elementSize, length * elementSize)
      }
    }
  }

  /// Writes `count` copies of an element, each copy twice as long as the last.
  private func fill(
    _ target: UnsafeMutableRawPointer, _ value: UnsafeRawPointer, elementSize: Int, count: Int
  ) {
    if count == 0 { return }
    memcpy(target, value, elementSize)
    var done = 1
    while done < count {
      let next = min(done, count - done)
      memcpy(target + done * elementSize, target, next * elementSize)
      done += next
    }
  }
}
