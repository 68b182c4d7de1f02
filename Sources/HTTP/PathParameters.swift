/// The values of a pattern's parameters: ranges of the path, turned into text when asked for.
public struct PathParameters: Sendable {
  /// The most parameters that a pattern may have.
  static let maximum = 4

  private let path: String
  private var starts = InlineArray<4, UInt32>(repeating: 0)
  private var ends = InlineArray<4, UInt32>(repeating: 0)
  public private(set) var count = 0
  var names: [String] = []

  init(path: String) { self.path = path }

  mutating func push(_ range: Range<Int>) {
    if count < Self.maximum {
      starts[count] = UInt32(truncatingIfNeeded: range.lowerBound)
      ends[count] = UInt32(truncatingIfNeeded: range.upperBound)
    }
    count += 1
  }

  mutating func pop() { count -= 1 }

  /// The value of the parameter `name`, wholly percent-decoded: a `%2F` in the request is a slash
  /// here. Nil if the pattern has no such parameter.
  public subscript(name: StaticString) -> String? {
    let bytes = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    for index in 0..<min(count, names.count) where names[index].utf8.elementsEqual(bytes) {
      return value(at: index)
    }
    return nil
  }

  /// The value of the parameter at `index`, in the order of the pattern.
  public func value(at index: Int) -> String {
    precondition(index >= 0 && index < min(count, Self.maximum), "no parameter has this index")
    let utf8 = path.utf8
    let start = utf8.index(utf8.startIndex, offsetBy: Int(starts[index]))
    let end = utf8.index(utf8.startIndex, offsetBy: Int(ends[index]))
    let text = path[start..<end]
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    return Self.decodeKept(text)
  }

  /// Decodes the two escapes that `Exchange.path` keeps, `%2F` and `%25`.
  private static func decodeKept(_ text: Substring) -> String {
    var decoded: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.starts(with: "2F".utf8) {
        decoded.append(UInt8(ascii: "/"))
        rest = rest.dropFirst(2)
      } else if byte == UInt8(ascii: "%"), rest.starts(with: "25".utf8) {
        decoded.append(UInt8(ascii: "%"))
        rest = rest.dropFirst(2)
      } else {
        decoded.append(byte)
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }
}
