internal import Glibc
internal import Tensors

/// Text that came from a plugin, as far as it can be trusted.

/// At most `limit` bytes of a C string; what is not UTF-8 is replaced.
func text(_ string: UnsafePointer<CChar>, limit: Int) -> String {
  let count = strnlen(string, limit)
  return string.withMemoryRebound(to: UInt8.self, capacity: count) {
    String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
  }
}

/// A C string of 1 to `limit` bytes of UTF-8 without control characters; nil otherwise.
func wellFormedText(_ string: UnsafePointer<CChar>?, limit: Int) -> String? {
  guard let string else { return nil }
  let count = strnlen(string, limit + 1)
  guard count > 0, count <= limit else { return nil }
  return string.withMemoryRebound(to: UInt8.self, capacity: count) { bytes in
    let bytes = UnsafeBufferPointer(start: bytes, count: count)
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// The start of a C string, for a message.
func excerpt(_ string: UnsafePointer<CChar>?) -> String { string.map { text($0, limit: 80) } ?? "NULL" }

/// A datatype's name, or its number if it has none.
func datatypeName(_ dtype: Int32) -> String { Datatype(rawValue: dtype)?.name ?? "datatype \(dtype)" }

/// C strings that live as long as the object, to be found by their text.
///
/// Unchecked: written in init only.
final class CNames: @unchecked Sendable {
  private let names: [UnsafeMutablePointer<CChar>?]

  init(_ names: [String]) { self.names = names.map { strdup($0) } }

  deinit { for name in names { free(name) } }

  subscript(position: Int) -> UnsafePointer<CChar>? { UnsafePointer(names[position]) }

  func position(of name: UnsafePointer<CChar>) -> Int? {
    names.firstIndex { candidate in candidate.map { strcmp($0, name) == 0 } ?? false }
  }
}
