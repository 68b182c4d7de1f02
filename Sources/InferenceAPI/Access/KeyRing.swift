/// API keys and what each allows.
///
/// The text has a line for each key: a name for people, the scopes with commas between them, and the key. Empty lines
/// and lines that begin with `#` say nothing.
public struct KeyRing: Sendable {
  struct Key: Sendable {
    var name: String
    var scopes: Set<Scope>
    var secret: [UInt8]
  }

  /// What is wrong in which line.
  public struct Fault: Error, CustomStringConvertible {
    public var description: String
  }

  public static let maximumKeys = 1000
  /// Characters: fewer can be guessed.
  public static let minimumLength = 16
  public static let maximumLength = 256

  let keys: [Key]

  public init(text: String) throws(Fault) {
    var keys: [Key] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let parts = line.split(whereSeparator: \.isWhitespace)
      guard let first = parts.first, !first.hasPrefix("#") else { continue }
      guard parts.count == 3 else {
        throw Fault(
          description:
            "line \(index + 1): expected NAME SCOPES KEY with spaces between, got \(parts.count) parts")
      }
      keys.append(try KeyRing.key(parts, line: index + 1))
    }
    guard !keys.isEmpty else {
      throw Fault(description: "it holds no key; expected lines of NAME SCOPES KEY")
    }
    guard keys.count <= KeyRing.maximumKeys else {
      throw Fault(description: "\(keys.count) keys; the limit is \(KeyRing.maximumKeys)")
    }
    self.keys = keys
  }

  private static func key(_ parts: [Substring], line: Int) throws(Fault) -> Key {
    var scopes: Set<Scope> = []
    for word in parts[1].split(separator: ",") {
      guard let scope = Scope(rawValue: String(word)) else {
        throw Fault(
          description: "line \(line): '\(word)' is no scope; there are "
            + Scope.allCases.map(\.rawValue).joined(separator: ", "))
      }
      scopes.insert(scope)
    }
    let secret = Array(parts[2].utf8)
    guard (minimumLength...maximumLength).contains(secret.count),
      secret.allSatisfy({ (0x21...0x7e).contains($0) })
    else {
      throw Fault(
        description: "line \(line): the key of '\(parts[0])' has \(secret.count) characters; expected "
          + "\(minimumLength) to \(maximumLength), letters, digits and signs")
    }
    return Key(name: String(parts[0]), scopes: scopes, secret: secret)
  }

  /// What the holder of `secret` may do; nil: nobody has such a key.
  ///
  /// Takes as long for a wrong key as for a right one, whichever it is and wherever it differs.
  func scopes(of secret: UnsafeBufferPointer<UInt8>) -> Set<Scope>? {
    var found: Int?
    for index in keys.indices {
      let isEqual = KeyRing.areEqual(keys[index].secret, secret)
      found = isEqual ? index : found
    }
    return found.map { keys[$0].scopes }
  }

  /// Looks at every byte of `key`, whatever `given` holds.
  @inline(never)
  static func areEqual(_ key: [UInt8], _ given: UnsafeBufferPointer<UInt8>) -> Bool {
    var difference = UInt8(key.count == given.count ? 0 : 1)
    for index in key.indices {
      let other = given.isEmpty ? 0 : given[index < given.count ? index : 0]
      difference |= key[index] ^ other
    }
    return difference == 0
  }
}
