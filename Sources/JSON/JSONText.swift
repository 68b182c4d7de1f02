import Glibc

/// A string of a JSON text, not copied out of it; valid as long as the text's bytes.
///
/// It is compared by `switch` with literals, which makes no `String`:
///
///     switch try reader.nextMember() { case "name"?: … }
public struct JSONText {
  private let literal: StringLiteral

  init(_ literal: StringLiteral) { self.literal = literal }

  /// The string with its escapes replaced.
  public var string: String { literal.string }

  /// Whether `text` is `pattern`, byte for byte.
  public static func ~= (pattern: StaticString, text: JSONText) -> Bool {
    if text.literal.hasEscapes { return text.string == "\(pattern)" }
    let contents = text.literal.contents
    guard contents.count == pattern.utf8CodeUnitCount else { return false }
    guard let base = contents.baseAddress else { return true }
    return memcmp(base, pattern.utf8Start, contents.count) == 0
  }
}
