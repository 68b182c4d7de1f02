import Glibc

/// The place of the calling thread among `count`, for numbers that are kept apart so that threads that
/// change them at once rarely meet.
public enum ThreadShard {
  public static let count = 16

  /// Thread control blocks lie pages apart, so their page numbers differ.
  public static var own: Int {
    let page = UInt(pthread_self()) >> 12
    return Int((page ^ (page >> 4) ^ (page >> 11)) % UInt(count))
  }
}
