import Glibc

/// The few questions that the repository asks of the file system.
enum FileSystem {
  struct Entry {
    var name: String
    var isDirectory: Bool
    var size: Int
    var modified: Int64
    var inode: UInt64
  }

  /// The entries of a directory, by name, hidden ones left out; nil if it cannot be read.
  static func entries(of path: String) -> [Entry]? {
    names(in: path)?.filter { !$0.hasPrefix(".") }.compactMap { entry(at: path + "/" + $0, name: $0) }
  }

  /// The names in a directory, ascending, hidden ones too; nil if it cannot be read.
  static func names(in path: String) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func entry(at path: String, name: String = "") -> Entry? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Entry(
      name: name, isDirectory: status.st_mode & S_IFMT == S_IFDIR, size: Int(status.st_size),
      modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
      inode: UInt64(status.st_ino))
  }

  static func isFile(_ path: String) -> Bool { entry(at: path).map { !$0.isDirectory } ?? false }

  static func isDirectory(_ path: String) -> Bool { entry(at: path)?.isDirectory ?? false }

  /// The bytes of a file; nil if it cannot be read or has more than `limit`.
  static func bytes(of path: String, limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= limit {
      let count = read(descriptor, &piece, piece.count)
      if count == 0 { return bytes }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return nil }
      bytes += piece[..<count]
    }
    return nil
  }

  /// The name of a file that a copying tool writes under until it is whole: `.model.onnx.Xy12ab` (rsync),
  /// `model.onnx.part`, `model.onnx.tmp` and the like.
  static func isPartial(_ name: String) -> Bool {
    if [".part", ".partial", ".tmp", ".filepart", ".crdownload"].contains(where: name.hasSuffix) {
      return true
    }
    guard name.hasPrefix("."), let dot = name.lastIndex(of: "."), dot != name.startIndex else { return false }
    return name[dot...].utf8.count == 7
  }
}

/// FNV-1a over what tells one state of a folder from another.
struct Fingerprint {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func combine(_ text: String) {
    for byte in text.utf8 { combine(byte: byte) }
    combine(byte: 0)
  }

  mutating func combine(number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      combine(byte: UInt8(truncatingIfNeeded: number >> UInt64(shift)))
    }
  }

  mutating func combine(_ entry: FileSystem.Entry) {
    combine(entry.name)
    combine(number: UInt64(bitPattern: Int64(entry.size)))
    combine(number: UInt64(bitPattern: entry.modified))
    combine(number: entry.inode)
  }

  private mutating func combine(byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
}
