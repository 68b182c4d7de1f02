import Foundation
public import Tensors

/// The arrays of a numpy `.npz` file: a zip archive of `.npy` files, stored or deflated.
public struct NumpyArchive {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// By name, without `.npy`.
  public private(set) var arrays: [String: Tensor] = [:]

  public init(path: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for (name, content) in try NumpyArchive.entries(bytes) where name.hasSuffix(".npy") {
      let key = String(name.dropLast(4))
      arrays[key] = try NumpyArchive.array(content, name: key)
    }
  }

  /// The data sets of a reference file: `k/in/NAME` and `k/out/NAME` for k = 0, 1, ….
  public func sets() -> [(inputs: [String: Tensor], outputs: [String: Tensor])] {
    var sets: [(inputs: [String: Tensor], outputs: [String: Tensor])] = []
    while arrays.keys.contains(where: { $0.hasPrefix("\(sets.count)/") }) {
      sets.append((named("\(sets.count)/in/"), named("\(sets.count)/out/")))
    }
    return sets
  }

  private func named(_ prefix: String) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (key, tensor) in arrays where key.hasPrefix(prefix) {
      result[String(key.dropFirst(prefix.count))] = tensor
    }
    return result
  }

  /// The files of the archive, by its central directory.
  private static func entries(_ bytes: [UInt8]) throws -> [(String, [UInt8])] {
    func number(_ place: Int, _ count: Int) throws -> Int {
      guard place >= 0, place + count <= bytes.count else {
        throw Failure(description: "the archive ends early")
      }
      return (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }
    var end = bytes.count - 22
    while end >= 0, try number(end, 4) != 0x0605_4b50 { end -= 1 }
    guard end >= 0 else { throw Failure(description: "no central directory") }
    var place = try number(end + 16, 4)
    var result: [(String, [UInt8])] = []
    for _ in 0..<(try number(end + 10, 2)) {
      let method = try number(place + 10, 2)
      let packedCount = try number(place + 20, 4)
      let nameCount = try number(place + 28, 2)
      let local = try number(place + 42, 4)
      let name = String(decoding: bytes[(place + 46)..<(place + 46 + nameCount)], as: UTF8.self)
      let start = local + 30 + (try number(local + 26, 2)) + (try number(local + 28, 2))
      let packed = bytes[start..<(start + packedCount)]
      result.append((name, method == 0 ? Array(packed) : try Inflate.unpack(packed)))
      place += 46 + nameCount + (try number(place + 30, 2)) + (try number(place + 32, 2))
    }
    return result
  }

  private static func array(_ bytes: [UInt8], name: String) throws -> Tensor {
    guard bytes.count > 10, bytes[0] == 0x93 else { throw Failure(description: "\(name): not an npy file") }
    let headerStart = bytes[6] == 1 ? 10 : 12
    let headerCount = Int(bytes[8]) | Int(bytes[9]) << 8
    let header = String(decoding: bytes[headerStart..<(headerStart + headerCount)], as: UTF8.self)
    guard !header.contains("'fortran_order': True"),
      let kind = text(header, after: "'descr': '", before: "'"),
      let sizes = text(header, after: "'shape': (", before: ")"), let datatype = datatype(kind)
    else { throw Failure(description: "\(name): \(header)") }
    let shape = Shape(sizes.split(separator: ",").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) })
    guard let tensor = Tensor(name: name, datatype: datatype, shape: shape) else {
      throw Failure(description: "\(name): no memory")
    }
    let data = bytes[(headerStart + headerCount)...]
    guard data.count == tensor.byteCount else { throw Failure(description: "\(name): \(data.count) bytes") }
    data.withUnsafeBytes { source in
      if let base = source.baseAddress { tensor.data.copyMemory(from: base, byteCount: source.count) }
    }
    return tensor
  }

  private static func text(_ header: String, after start: String, before end: String) -> String? {
    guard let from = header.range(of: start), let to = header[from.upperBound...].range(of: end) else {
      return nil
    }
    return String(header[from.upperBound..<to.lowerBound])
  }

  private static func datatype(_ kind: String) -> Datatype? {
    switch kind.dropFirst() {
    case "b1": .bool
    case "u1": .uint8
    case "u2": .uint16
    case "u4": .uint32
    case "u8": .uint64
    case "i1": .int8
    case "i2": .int16
    case "i4": .int32
    case "i8": .int64
    case "f2": .fp16
    case "f4": .fp32
    case "f8": .fp64
    default: nil
    }
  }
}
