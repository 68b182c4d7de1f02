/// Memory that ends an answer and is sent from where it lies.
public struct ResponsePiece {
  let bytes: UnsafeRawBufferPointer
  private let owner: AnyObject

  /// - Parameter owner: keeps `bytes` in place and unchanged until they are sent.
  public init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    self.bytes = bytes
    self.owner = owner
  }
}

/// The pieces of a connection's answer that are not sent yet. They go out after what is written in its output
/// buffer, and nothing is written there before they have.
struct ResponseTail {
  /// Below this, copying is cheaper than a system call of its own, in bytes.
  static let least = 32_768

  private var pieces: [ResponsePiece] = []
  /// Bytes of the first piece that are sent.
  private var sent = 0
  /// Bytes that are not sent.
  private(set) var count = 0

  mutating func set(_ pieces: [ResponsePiece]) {
    precondition(count == 0, "an answer was begun before the one before it was sent")
    self.pieces = pieces.filter { !$0.bytes.isEmpty }
    sent = 0
    count = pieces.reduce(0) { $0 + $1.bytes.count }
  }

  /// What is to be sent next; nil if nothing is left.
  var next: UnsafeRawBufferPointer? {
    pieces.first.map { UnsafeRawBufferPointer(rebasing: $0.bytes[sent...]) }
  }

  /// Counts bytes of `next` that were sent.
  mutating func advance(by moved: Int) {
    sent += moved
    count -= moved
    guard let first = pieces.first, sent == first.bytes.count else { return }
    pieces.removeFirst()
    sent = 0
  }
}
