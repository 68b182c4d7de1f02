/// How long one end of a lane looks for the other's word before it sleeps.
///
/// Looking is worth it where the other side has a processor of its own and answers soon; where it has not, or takes its
/// time, it keeps a processor from others, the other side included. So after some looks in vain there are none but one in
/// 32, to find out whether that has changed: a longer one, or two sides that both sleep would wake each other for ever.
///
/// Unchecked: used by whoever has the lane, one at a time.
final class SpinBudget: @unchecked Sendable {
  private static let mostCredit = 8
  private static let gain = 4

  private let limit: Int64
  private var credit = SpinBudget.mostCredit
  private var looks: UInt32 = 0

  /// - Parameter limit: nanoseconds of a look; 0 for never.
  init(limit: Int64) { self.limit = limit }

  /// Nanoseconds that the next look may take.
  func next() -> Int64 {
    looks &+= 1
    if credit > 0 { return limit }
    return looks % 32 == 0 ? 4 * limit : 0
  }

  func looked(inVain isInVain: Bool) {
    credit = isInVain ? max(credit - 1, 0) : min(credit + Self.gain, Self.mostCredit)
  }
}
