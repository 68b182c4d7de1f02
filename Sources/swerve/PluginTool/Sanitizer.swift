import Glibc
import ModelFiles

/// A sanitizer that a plugin was compiled with. Its library has to be in a process before all others.
enum Sanitizer: String, CaseIterable {
  case address = "asan"
  case thread = "tsan"

  private var symbol: String { "__\(rawValue)_init" }

  /// What a process needs in its environment to load the library at `path`; nothing for one that was
  /// compiled without a sanitizer.
  static func environment(for path: String) throws -> [String: String] {
    guard let bytes = Files.bytes(path) else { return [:] }
    guard let sanitizer = allCases.first(where: { contains(bytes, $0.symbol) }) else { return [:] }
    let options = "exitcode=86:detect_leaks=0"
    return [
      "LD_PRELOAD": try sanitizer.library(),
      "ASAN_OPTIONS": options, "TSAN_OPTIONS": "exitcode=86:report_signal_unsafe=0",
    ]
  }

  /// The C compiler knows where its library lies.
  private func library() throws -> String {
    let ending = try ChildProcess("/usr/bin/env", ["cc", "-print-file-name=lib\(rawValue).so"]).run(
      seconds: 10)
    let path = String(ending.output.prefix { $0 != "\n" })
    guard path.hasPrefix("/") else {
      throw Refusal(
        "the plugin was compiled with -fsanitize=\(self), and 'cc -print-file-name=lib\(rawValue).so' does not say "
          + "where its library lies; install gcc, or compile without the sanitizer")
    }
    return path
  }

  private static func contains(_ bytes: [UInt8], _ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return bytes.withUnsafeBytes { bytes in
      guard var next = bytes.baseAddress else { return false }
      let end = next + bytes.count
      while let start = memchr(next, Int32(wanted[0]), end - next),
        UnsafeRawPointer(start) + wanted.count <= end
      {
        if memcmp(start, wanted, wanted.count) == 0 { return true }
        next = UnsafeRawPointer(start) + 1
      }
      return false
    }
  }
}
