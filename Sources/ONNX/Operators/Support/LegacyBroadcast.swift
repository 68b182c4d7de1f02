import Tensors

/// Before opset 7 a second operand was broadcast only when the attribute `broadcast` said so, and then
/// from the axis that `axis` named.
struct LegacyBroadcast: Sendable {
  /// The first operand's axis that the second one's first axis lies along; nil when they end together.
  let axis: Int?

  init(_ reader: NodeReader) throws {
    axis = reader.opset < 7 && reader.domain.isEmpty ? try reader.int("axis") : nil
  }

  private init(axis: Int?) { self.axis = axis }

  static let none = LegacyBroadcast(axis: nil)

  /// The second operand with axes of 1 behind its own, where that puts them in their place.
  func placed(_ b: TensorFact, in a: TensorFact) -> TensorFact {
    guard let count = missing(b.rank, a.rank) else { return b }
    var fact = TensorFact(b.datatype, b.dimensions + Array(repeating: .one, count: count), rows: b.rows)
    fact.constant = b.constant.map { $0.reshaped(to: placed($0.shape, in: a.rank)) }
    return fact
  }

  func placed(_ b: Shape, in rank: Int) -> Shape {
    guard let count = missing(b.rank, rank) else { return b }
    return Shape(Array(b) + Array(repeating: 1, count: count))
  }

  private func missing(_ rank: Int, _ outer: Int) -> Int? {
    guard let axis else { return nil }
    let count = outer - rank - (axis < 0 ? axis + outer : axis)
    return count > 0 ? count : nil
  }
}
