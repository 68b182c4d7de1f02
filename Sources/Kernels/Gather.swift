internal import Glibc

/// How an update that is scattered meets the value that stands there.
public enum ScatterReduction: Sendable, Hashable {
  /// It takes its place; of several updates of one place the last does.
  case replace
  /// The operation's result takes it: add, multiply, maximum or minimum.
  case combine(BinaryOperation)
}

extension KernelTable {
  /// y[o, i, …] = x[o, indices[i], …]: slices of the middle axis of [outer, length, inner], as ONNX Gather;
  /// with `outer` 1, the rows of an embedding.
  ///
  /// - Parameters:
  ///   - elementSize: bytes of an element.
  ///   - indices: −length ..< length; negative ones count from the end.
  ///   - y: [outer, count, inner]
  /// - Returns: the position of the first index that is out of range: nothing is written then; else nil.
  public func gather(
    elementSize: Int, _ x: UnsafeRawPointer, outer: Int, length: Int, inner: Int,
    indices: UnsafePointer<Int64>, count: Int, _ y: UnsafeMutableRawPointer, team: ThreadTeam
  ) -> Int? {
    if let position = firstOutside(indices, count, length) { return position }
    let slice = inner * elementSize
    forEachRow(outer * count, length: slice / 4 + 1, team) { items in
      for item in items {
        let place = position(indices[item % count], length)
        memcpy(y + item * slice, x + (item / count * length + place) * slice, slice)
      }
    }
    return nil
  }

  /// y[o, indices[i], …] = x[o, i, …], or what `reduction` makes of both: the opposite of `gather`.
  ///
  /// - Parameters:
  ///   - x: the updates, [outer, count, inner].
  ///   - y: [outer, length, inner], which holds what is not replaced.
  /// - Returns: as `gather` does.
  public func scatter(
    _ reduction: ScatterReduction, _ x: UnsafePointer<Float>, outer: Int, length: Int, inner: Int,
    indices: UnsafePointer<Int64>, count: Int, _ y: UnsafeMutablePointer<Float>, team: ThreadTeam
  ) -> Int? {
    if let position = firstOutside(indices, count, length) { return position }
    // Updates of one place keep their order: it is the outer axis that is shared out.
    forEachRow(outer, length: count * inner, team) { blocks in
      for item in (blocks.lowerBound * count)..<(blocks.upperBound * count) {
        let place = item / count * length + position(indices[item % count], length)
        let (source, target) = (x + item * inner, y + place * inner)
        switch reduction {
        case .replace: memcpy(target, source, inner * MemoryLayout<Float>.stride)
        case .combine(let operation):
          binary(operation, target, source, target, count: inner, team: .single)
        }
      }
    }
    return nil
  }

  private func firstOutside(_ indices: UnsafePointer<Int64>, _ count: Int, _ length: Int) -> Int? {
    for index in 0..<count where indices[index] < -Int64(length) || indices[index] >= Int64(length) {
      return index
    }
    return nil
  }

  private func position(_ index: Int64, _ length: Int) -> Int {
    Int(index) + (index < 0 ? length : 0)
  }
}
