import Foundation
import JSON
import Tensors

/// Reads the list of numbers of an inference request into a tensor: our reader against Foundation's,
/// in turns over the same text.
@main
enum JSONRead {
  static func main() throws {
    let quick = CommandLine.arguments.contains("--quick")
    let rows = try [784, 150_528].map { try measure(count: $0, rounds: quick ? 5 : 25) }
    print("| numbers | ours, MB/s | Foundation, MB/s | ratio |\n|---:|---:|---:|---:|")
    for row in rows {
      print("| \(row.count) | \(Int(row.ours)) | \(Int(row.peer)) | \(row.ratioText) |")
    }
    if let path = argument(after: "--json") {
      let document = ["rows": rows.map(\.record)]
      try JSONSerialization.data(withJSONObject: document, options: [.prettyPrinted, .sortedKeys])
        .write(to: URL(fileURLWithPath: path))
    }
  }

  static func argument(after flag: String) -> String? {
    let arguments = CommandLine.arguments
    guard let index = arguments.firstIndex(of: flag), index + 1 < arguments.count else { return nil }
    return arguments[index + 1]
  }

  /// The best of `rounds` for each side, and a check that both read the same numbers.
  static func measure(count: Int, rounds: Int) throws -> Row {
    var generator = SystemRandomNumberGenerator()
    let numbers = (0..<count).map { _ in Float.random(in: -4..<4, using: &generator) }
    let text = Data(("[" + numbers.map { "\($0)" }.joined(separator: ",") + "]").utf8)
    let repeats = max(1, 2_000_000 / text.count)

    var ours = Double.infinity
    var peer = Double.infinity
    for _ in 0..<rounds {
      ours = min(ours, try seconds(repeats) { try readTensor(text, count: count) })
      peer = min(peer, try seconds(repeats) { try readWithFoundation(text, count: count) })
    }
    guard try readTensor(text, count: count) == numbers else { throw Disagreement(count: count) }
    let megabytes = Double(text.count * repeats) / 1e6
    return Row(count: count, ours: megabytes / ours, peer: megabytes / peer)
  }

  static func seconds(_ repeats: Int, _ body: () throws -> [Float]) rethrows -> Double {
    let clock = ContinuousClock()
    let elapsed = try clock.measure {
      for _ in 0..<repeats { withExtendedLifetime(try body()) {} }
    }
    return elapsed / .seconds(1)
  }

  /// Both sides end with an array, so that both pay for it.
  static func readTensor(_ text: Data, count: Int) throws -> [Float] {
    try text.withUnsafeBytes { bytes in
      var reader = JSONReader(bytes)
      let tensor = try reader.readTensor(name: "x", datatype: .fp32, shape: Shape([count]), path: "data")
      return [Float](
        UnsafeBufferPointer(start: tensor.data.assumingMemoryBound(to: Float.self), count: count))
    }
  }

  static func readWithFoundation(_ text: Data, count: Int) throws -> [Float] {
    try JSONDecoder().decode([Float].self, from: text)
  }
}

struct Row {
  var count: Int
  /// Megabytes of text a second.
  var ours: Double
  var peer: Double

  var ratioText: String { String(format: "%.1f", ours / peer) }

  var record: [String: Any] {
    [
      "name": "json-read \(count) numbers", "unit": "MB/s", "ours": ours, "peers": ["Foundation": peer],
      "ratio": ours / peer, "target": 1, "ok": ours > peer,
    ]
  }
}

struct Disagreement: Error, CustomStringConvertible {
  var count: Int
  var description: String { "the \(count) numbers read are not those that were written" }
}
