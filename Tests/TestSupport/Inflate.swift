/// Unpacks raw DEFLATE data (RFC 1951), so that tests can read compressed archives.
public enum Inflate {
  public struct Failure: Error {
    public let reason: String
  }

  public static func unpack(_ data: ArraySlice<UInt8>) throws -> [UInt8] {
    var reader = BitReader(data)
    var output: [UInt8] = []
    var isLast = false
    while !isLast {
      isLast = try reader.bits(1) == 1
      switch try reader.bits(2) {
      case 0: try copyStored(&reader, &output)
      case 1:
        try unpackBlock(&reader, &output, Huffman(fixedLiterals), Huffman(Array(repeating: 5, count: 30)))
      case 2:
        let (literals, distances) = try dynamicCodes(&reader)
        try unpackBlock(&reader, &output, literals, distances)
      default: throw Failure(reason: "block type 3")
      }
    }
    return output
  }

  private static let fixedLiterals: [Int] =
    Array(repeating: 8, count: 144) + Array(repeating: 9, count: 112) + Array(repeating: 7, count: 24)
    + Array(repeating: 8, count: 8)
  private static let lengthBase = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
    227,
    258,
  ]
  private static let lengthExtra = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let distanceBase = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
    4097,
    6145, 8193, 12289, 16385, 24577,
  ]
  private static let distanceExtra = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
  ]

  private static func copyStored(_ reader: inout BitReader, _ output: inout [UInt8]) throws {
    reader.alignToByte()
    let count = try reader.bits(16)
    _ = try reader.bits(16)
    for _ in 0..<count { output.append(UInt8(try reader.bits(8))) }
  }

  private static func unpackBlock(
    _ reader: inout BitReader, _ output: inout [UInt8], _ literals: Huffman, _ distances: Huffman
  ) throws {
    while true {
      let symbol = try literals.decode(&reader)
      if symbol < 256 {
        output.append(UInt8(symbol))
      } else if symbol == 256 {
        return
      } else {
        guard symbol - 257 < lengthBase.count else { throw Failure(reason: "length symbol \(symbol)") }
        let length = lengthBase[symbol - 257] + (try reader.bits(lengthExtra[symbol - 257]))
        let place = try distances.decode(&reader)
        guard place < distanceBase.count else { throw Failure(reason: "distance symbol \(place)") }
        let distance = distanceBase[place] + (try reader.bits(distanceExtra[place]))
        guard distance <= output.count else { throw Failure(reason: "a distance before the start") }
        for _ in 0..<length { output.append(output[output.count - distance]) }
      }
    }
  }

  private static func dynamicCodes(_ reader: inout BitReader) throws -> (Huffman, Huffman) {
    let literalCount = try reader.bits(5) + 257
    let distanceCount = try reader.bits(5) + 1
    let codeCount = try reader.bits(4) + 4
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    var codeLengths = [Int](repeating: 0, count: 19)
    for index in 0..<codeCount { codeLengths[order[index]] = try reader.bits(3) }
    let codes = Huffman(codeLengths)
    var lengths: [Int] = []
    while lengths.count < literalCount + distanceCount {
      let symbol = try codes.decode(&reader)
      switch symbol {
      case 16:
        guard let last = lengths.last else { throw Failure(reason: "a repetition of nothing") }
        lengths += Array(repeating: last, count: 3 + (try reader.bits(2)))
      case 17: lengths += Array(repeating: 0, count: 3 + (try reader.bits(3)))
      case 18: lengths += Array(repeating: 0, count: 11 + (try reader.bits(7)))
      default: lengths.append(symbol)
      }
    }
    return (Huffman(Array(lengths[..<literalCount])), Huffman(Array(lengths[literalCount...])))
  }

  private struct BitReader {
    private let data: ArraySlice<UInt8>
    private var place: Int
    private var held = 0
    private var heldCount = 0

    init(_ data: ArraySlice<UInt8>) {
      self.data = data
      place = data.startIndex
    }

    mutating func bits(_ count: Int) throws -> Int {
      while heldCount < count {
        guard place < data.endIndex else { throw Failure(reason: "the data ends early") }
        held |= Int(data[place]) << heldCount
        heldCount += 8
        place += 1
      }
      defer {
        held >>= count
        heldCount -= count
      }
      return held & (1 << count - 1)
    }

    mutating func alignToByte() {
      held >>= heldCount % 8
      heldCount -= heldCount % 8
    }
  }

  /// A canonical code, decoded bit by bit.
  private struct Huffman {
    private var counts = [Int](repeating: 0, count: 16)
    private var symbols: [Int] = []

    init(_ lengths: [Int]) {
      for length in lengths where length > 0 { counts[length] += 1 }
      for length in 1...15 { symbols += lengths.indices.filter { lengths[$0] == length } }
    }

    func decode(_ reader: inout BitReader) throws -> Int {
      var code = 0
      var first = 0
      var index = 0
      for length in 1...15 {
        code |= try reader.bits(1)
        if code - first < counts[length] { return symbols[index + code - first] }
        index += counts[length]
        first = (first + counts[length]) << 1
        code <<= 1
      }
      throw Failure(reason: "no such code")
    }
  }
}
