import Bytes
import JSON
import Tensors
import TestSupport
import Testing

/// A slow reader: a jansson tree, walked.
private struct TreeReader {
  var numbers: [Double] = []
  var shape: [Int] = []

  /// Nil when the value is no regular nesting of numbers.
  init?(_ value: JSONValue) {
    var first = value
    while case .array(let elements) = first {
      shape.append(elements.count)
      guard let next = elements.first else { break }
      first = next
    }
    guard collect(value, level: 0) else { return nil }
  }

  private mutating func collect(_ value: JSONValue, level: Int) -> Bool {
    switch value {
    case .array(let elements):
      guard level < shape.count, elements.count == shape[level] else { return false }
      for element in elements where !collect(element, level: level + 1) { return false }
      return true
    case .integer(let number): numbers.append(Double(number))
    case .double(let number): numbers.append(number)
    default: return false
    }
    return level == shape.count
  }
}

/// A random document that is a nesting of numbers, most of the time a regular one.
private func randomDocument(_ random: inout SeededGenerator) -> String {
  let shape = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0...4, using: &random) }
  func space() -> String { ["", "", "", " ", "\n\t"].randomElement(using: &random) ?? "" }
  func value(_ level: Int) -> String {
    if Int.random(in: 0..<60, using: &random) == 0 {
      return ["null", "[]", "\"x\"", "1", "{}", "[1,2]", "x", "01", "1e5"].randomElement(using: &random) ?? ""
    }
    guard level < shape.count else {
      return [
        "\(Int.random(in: -1000...1000, using: &random))", "\(Double.random(in: -1...1, using: &random))",
        "\(Float.random(in: 0...1e9, using: &random))", "1E-3", "-0.0",
      ].randomElement(using: &random) ?? "0"
    }
    let elements = (0..<shape[level]).map { _ in space() + value(level + 1) + space() }
    return "[" + elements.joined(separator: ",") + "]"
  }
  return space() + value(0) + space()
}

@Test func tensorsAreWhatATreeHolds() throws {
  var random = seededGenerator("tensor reader against a tree")
  var agreements = 0
  for _ in 0..<20_000 {
    let document = randomDocument(&random)
    let bytes = Array(document.utf8)
    let tree = bytes.withUnsafeBytes { bytes in (try? JSONValue(parsing: bytes)).flatMap(TreeReader.init) }
    let nested = try? readNested(document, .fp64)
    #expect((tree == nil) == (nested == nil), "\(document)")
    guard let tree, let nested else { continue }
    agreements += 1
    #expect(Array(nested.shape) == tree.shape, "\(document)")
    #expect(values(nested) == tree.numbers, "\(document)")
    let shaped = try readTensor(document, .fp64, nested.shape)
    #expect(values(shaped) == tree.numbers, "\(document)")
    let floats = try readTensor(document, .fp32, nested.shape)
    #expect(values(floats) == tree.numbers.map(Float.init), "\(document)")
  }
  #expect(agreements > 5000)
}

@Test func skippingAcceptsWhatJanssonDoes() throws {
  var random = seededGenerator("skipping against jansson")
  let pieces = [
    "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-2.5E-1", "true", "null", " ", "\"\\u00e9\"", "0",
    "\\",
  ]
  for _ in 0..<20_000 {
    let document = (0..<Int.random(in: 1...9, using: &random)).map { _ in
      pieces.randomElement(using: &random) ?? ""
    }.joined()
    let bytes = Array(document.utf8)
    let byJansson = bytes.withUnsafeBytes { try? JSONValue(parsing: $0) }
    let byReader: Void? = try? read(bytes) { reader throws(JSONError) in
      _ = try reader.skipValue()
      try reader.finish()
    }
    // The reader leaves repeated names to its caller; otherwise these pieces make no difference.
    let hasRepeatedName = document.count(of: "\"a\"") > 1 || document.count(of: "\"b\"") > 1
    if (byJansson == nil) != (byReader == nil), !(byJansson == nil && hasRepeatedName) {
      Issue.record("\(document): jansson \(byJansson == nil ? "refuses" : "accepts")")
    }
  }
}

extension String {
  /// How often `part` occurs.
  fileprivate func count(of part: String) -> Int { ranges(of: part).count }
}
