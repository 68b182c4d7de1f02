import Synchronization

/// A reference that is set at most once, and read by any thread for the price of a load.
///
/// Unchecked: the pointer is an atomic, and what it refers to is kept until the object ends.
public final class OnceReference<Object: AnyObject & Sendable>: @unchecked Sendable {
  private let pointer = Atomic<UnsafeRawPointer?>(nil)

  public init() {}

  deinit { if let set = pointer.load(ordering: .acquiring) { Unmanaged<Object>.fromOpaque(set).release() } }

  /// The object; nil until it is set.
  @inline(__always)
  public var value: Object? {
    pointer.load(ordering: .acquiring).map { Unmanaged<Object>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Precondition: it was not set before.
  public func set(_ object: Object) {
    let new = UnsafeRawPointer(Unmanaged.passRetained(object).toOpaque())
    let old = pointer.exchange(new, ordering: .acquiringAndReleasing)
    precondition(old == nil, "a reference that is set once was set twice")
  }
}
