import Glibc
import JSON
import Tensors

/// How a request for a model began lately, up to the `data` of its first input, and what that says.
///
/// A client sends the same names, datatypes and shapes before other numbers, again and again. A request that begins
/// with the same bytes is read on from where they end, since the same text means the same. Of those that begin
/// otherwise one in some is kept instead, so that clients which take turns do not cost each other more than they save.
///
/// Confined to one event loop.
final class RequestBeginning {
  /// The longest beginning that is kept, in bytes.
  private static let limit = 1024
  /// Of so many requests that begin otherwise one is kept. A power of two.
  private static let turns: UInt = 16

  struct Known {
    /// Where the value of `data` begins.
    let place: JSONReader.Place
    /// What the input's members before it say.
    let input: PartialInput
    let seen: Members
  }

  private var bytes: [UInt8] = []
  private var known: Known?
  private var others: UInt = 0

  /// What the beginning of `text` says; nil: it is another than the one that is known.
  func find(in text: UnsafeRawBufferPointer) -> Known? {
    guard let known, text.count > bytes.count, let base = text.baseAddress else { return nil }
    let isSame = bytes.withUnsafeBytes { kept in
      memcmp(kept.baseAddress.unsafelyUnwrapped, base, kept.count) == 0
    }
    return isSame ? known : nil
  }

  /// Takes in the beginning of a request that `find` did not find.
  func learn(_ text: UnsafeRawBufferPointer, _ reader: JSONReader, _ input: PartialInput, _ seen: Members) {
    others &+= 1
    guard others % Self.turns == 1, reader.offset <= Self.limit else { return }
    bytes = Array(text[..<reader.offset])
    known = Known(place: reader.place, input: input, seen: seen)
  }
}
