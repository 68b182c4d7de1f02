internal import Glibc

/// The functions of a library by address, static ones too: those that the dynamic linker does not know.
///
/// The file need not be what it claims: everything is read within bounds, and what makes no sense has no names.
struct ELFSymbols {
  private static let headerBytes = 64
  private static let sectionBytes = 64
  private static let symbolBytes = 24
  private static let symbolTable: UInt32 = 2
  private static let function: UInt8 = 2
  private static let mostSections = 4096
  private static let mostBytes = 256 << 20

  private let symbols: [UInt8]
  private let names: [UInt8]

  /// - Parameter descriptor: of the file; it stays open.
  init?(descriptor: Int32) {
    guard let header = Self.read(descriptor, 0, Self.headerBytes),
      header.prefix(5) == [0x7F, 0x45, 0x4C, 0x46, 2],
      let sections = Self.sections(descriptor, header),
      let table = sections.first(where: { $0.type == Self.symbolTable }), table.link < sections.count,
      let symbols = Self.read(descriptor, table.offset, table.size),
      let names = Self.read(descriptor, sections[table.link].offset, sections[table.link].size)
    else { return nil }
    self.symbols = symbols
    self.names = names
  }

  /// The function that holds `address`, and how far from its begin that is.
  func function(at address: UInt64) -> (name: String, offset: UInt64)? {
    symbols.withUnsafeBytes { bytes in
      for start in stride(from: 0, through: bytes.count - Self.symbolBytes, by: Self.symbolBytes) {
        let value = bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self)
        let size = bytes.loadUnaligned(fromByteOffset: start + 16, as: UInt64.self)
        guard bytes[start + 4] & 15 == Self.function, address >= value, address - value < size else {
          continue
        }
        return (name(at: Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))), address - value)
      }
      return nil
    }
  }

  private func name(at offset: Int) -> String {
    guard offset < names.count else { return "?" }
    return String(decoding: names[offset...].prefix(512).prefix { $0 != 0 }, as: UTF8.self)
  }

  private struct Section {
    var type: UInt32
    var link: Int
    var offset: Int
    var size: Int
  }

  private static func sections(_ descriptor: Int32, _ header: [UInt8]) -> [Section]? {
    let (offset, count) = header.withUnsafeBytes {
      (
        $0.loadUnaligned(fromByteOffset: 40, as: UInt64.self),
        Int($0.loadUnaligned(fromByteOffset: 60, as: UInt16.self))
      )
    }
    guard count > 0, count <= mostSections, let start = Int(exactly: offset),
      let table = read(descriptor, start, count * sectionBytes)
    else { return nil }
    return table.withUnsafeBytes { bytes in
      (0..<count).map { index in
        let start = index * sectionBytes
        func word(_ place: Int) -> Int {
          Int(clamping: bytes.loadUnaligned(fromByteOffset: start + place, as: UInt64.self))
        }
        return Section(
          type: bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self),
          link: Int(bytes.loadUnaligned(fromByteOffset: start + 40, as: UInt32.self)),
          offset: word(24), size: word(32))
      }
    }
  }

  /// Nil: the file has no such bytes, or they are too many.
  private static func read(_ descriptor: Int32, _ offset: Int, _ count: Int) -> [UInt8]? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, offset >= 0, count >= 0, count <= mostBytes,
      offset <= Int(status.st_size), count <= Int(status.st_size) - offset
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress! + done, count - done, offset + done)
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return nil }
      done += got
    }
    return bytes
  }
}
