/// How long one end of a lane looks for the other's word before it sleeps.
///
/// Looking is worth it where the other side has a processor of its own and answers soon; where it has not, or takes its
/// time, it keeps a processor from others, the other side included. So a look that was in vain makes the next ones
/// shorter, one that was not makes them longer, and one in sixteen is a whole one, to find out whether that has changed.
///
/// Unchecked: used by whoever has the lane, one at a time.
final class SpinBudget: @unchecked Sendable {
  private static let least: Int64 = 500

  private let most: Int64
  private var usual: Int64
  private var looks: UInt32 = 0

  /// - Parameter most: nanoseconds; 0 for never.
  init(most: Int64) {
    self.most = most
    usual = most
  }

  /// Nanoseconds that the next look may take.
  func next() -> Int64 {
    looks &+= 1
    return looks % 16 == 0 ? most : usual
  }

  func looked(inVain isInVain: Bool) {
    usual = isInVain ? max(usual / 2, min(Self.least, most)) : min(usual * 2, most)
  }
}
