internal import COpenSSL
internal import Glibc

/// Which plugin libraries are loaded: code in them may do whatever the server may.
public struct PluginTrust: Sendable {
  /// Whether a library that everyone on the machine may write is loaded.
  public var allowsWritableByAll: Bool
  /// SHA-256 sums of the libraries that are loaded, in small hexadecimal digits; nil: any.
  public var checksums: Set<String>?

  public init(allowsWritableByAll: Bool = false, checksums: Set<String>? = nil) {
    self.allowsWritableByAll = allowsWritableByAll
    self.checksums = checksums
  }

  /// A line of a list of checksums that is none.
  public struct ListError: Error {
    public let line: Int
    public let message: String
  }

  /// Reads what `sha256sum` writes: a sum and a file name on each line. The names are for people.
  public static func checksums(in list: String) throws(ListError) -> Set<String> {
    var sums: Set<String> = []
    for (index, line) in list.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard let word = line.split(whereSeparator: \.isWhitespace).first, !word.hasPrefix("#") else {
        continue
      }
      guard word.utf8.count == 64, word.utf8.allSatisfy(isHexadecimal) else {
        throw ListError(
          line: index + 1,
          message: "expected the 64 hexadecimal digits of a SHA-256 sum, got '\(word.prefix(80))'")
      }
      sums.insert(word.lowercased())
    }
    return sums
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20
  }

  /// - Parameter mode: of the file at `path`.
  func check(_ path: String, mode: mode_t) throws(PluginError) {
    guard !allowsWritableByAll else { return }
    if mode & mode_t(S_IWOTH) != 0 { throw Self.writable(path, path) }
    // In such a folder anyone may put another file in its place.
    let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    var status = stat()
    guard stat(folder, &status) == 0 else { return }
    if status.st_mode & mode_t(S_IWOTH) != 0, status.st_mode & mode_t(S_ISVTX) == 0 {
      throw Self.writable(path, folder)
    }
  }

  private static func writable(_ path: String, _ what: String) -> PluginError {
    PluginError(
      status: .unsupported,
      message:
        "\(path): everyone on this machine may write \(what == path ? "it" : what), so anyone may run code in the "
        + "server; chmod o-w '\(what)', or start with --trust-writable-plugins")
  }

  /// - Parameter descriptor: what will be loaded, from which nothing but this process can write.
  func check(_ path: String, contents descriptor: Int32) throws(PluginError) {
    guard let checksums else { return }
    guard let sum = Self.checksum(descriptor) else {
      throw PluginError(status: .unavailable, message: "\(path): its SHA-256 sum could not be computed")
    }
    guard !checksums.contains(sum) else { return }
    throw PluginError(
      status: .unsupported,
      message: "\(path): its SHA-256 sum, \(sum), is not in the list of plugins that may be loaded "
        + "(--plugin-checksums); add it there if you trust the file")
  }

  private static func checksum(_ descriptor: Int32) -> String? {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      return nil
    }
    defer { EVP_MD_CTX_free(context) }
    var piece = [UInt8](repeating: 0, count: 65_536)
    var offset = 0
    while true {
      let count = pread(descriptor, &piece, piece.count, offset)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      guard EVP_DigestUpdate(context, piece, count) == 1 else { return nil }
      offset += count
    }
    var sum = [UInt8](repeating: 0, count: 32)
    guard EVP_DigestFinal_ex(context, &sum, nil) == 1 else { return nil }
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: sum.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
