internal import Glibc

/// Checks that a file is a whole ELF shared object of this machine: the header, and that every segment
/// to be loaded lies within the file. (ELF-64 Object File Format; System V ABI, chapters 4 and 5.)
struct ELFCheck {
  private static let headerSize = 64
  private static let programHeaderSize = 56
  private static let sharedObject: UInt16 = 3
  private static let loadable: UInt32 = 1

  #if arch(x86_64)
    private static let machine: UInt16 = 62
    private static let machineName = "x86-64"
  #elseif arch(arm64)
    private static let machine: UInt16 = 183
    private static let machineName = "AArch64"
  #endif

  let descriptor: Int32
  let fileSize: Int
  let path: String

  func run() throws(PluginError) {
    let header = try read(at: 0, count: Self.headerSize, "its ELF header")
    guard header.starts(with: [0x7F, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F")]) else {
      throw refusal("is not an ELF file; expected a shared library (.so)")
    }
    guard header[4] == 2, header[5] == 1 else {
      throw refusal("is not a 64-bit little-endian ELF file")
    }
    let type: UInt16 = number(header, 16)
    guard type == Self.sharedObject else {
      throw refusal("is an ELF file of type \(type), not a shared library; build it with -shared -fPIC")
    }
    let machine: UInt16 = number(header, 18)
    guard machine == Self.machine else {
      throw refusal(
        "was built for ELF machine \(machine); this server runs on \(Self.machineName) (\(Self.machine))")
    }
    try checkSegments(header)
  }

  private func checkSegments(_ header: [UInt8]) throws(PluginError) {
    let tableOffset: UInt64 = number(header, 32)
    let entrySize: UInt16 = number(header, 54)
    let entryCount: UInt16 = number(header, 56)
    guard entryCount > 0, Int(entrySize) == Self.programHeaderSize, tableOffset <= UInt64(fileSize) else {
      throw refusal("has a damaged ELF header")
    }
    let table = try read(
      at: Int(tableOffset), count: Int(entryCount) * Self.programHeaderSize, "its program headers")
    for index in 0..<Int(entryCount) {
      let at = index * Self.programHeaderSize
      guard number(table, at) as UInt32 == Self.loadable else { continue }
      let offset: UInt64 = number(table, at + 8)
      let size: UInt64 = number(table, at + 32)
      let (end, overflow) = offset.addingReportingOverflow(size)
      guard !overflow, end <= UInt64(fileSize) else {
        throw refusal("is truncated: it has \(fileSize) bytes, and its segment \(index) ends at \(end)")
      }
    }
  }

  private func read(at offset: Int, count: Int, _ what: String) throws(PluginError) -> [UInt8] {
    guard count <= fileSize - offset else {
      throw refusal("is no whole ELF file: it has \(fileSize) bytes and ends within \(what)")
    }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let read = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress! + done, count - done, offset + done)
      }
      if read < 0, errno == EINTR { continue }
      guard read > 0 else { throw refusal("cannot be read: \(String(cString: strerror(errno)))") }
      done += read
    }
    return bytes
  }

  private func number<Number: FixedWidthInteger>(_ bytes: [UInt8], _ offset: Int) -> Number {
    bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self)) }
  }

  private func refusal(_ reason: String) -> PluginError {
    PluginError(status: .unsupported, message: "\(path): \(reason)")
  }
}
