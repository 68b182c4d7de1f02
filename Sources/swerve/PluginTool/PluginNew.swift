import ArgumentParser
import Bytes
import Glibc
import ModelFiles

/// Writes a plugin that builds, passes its check, and waits to be changed.
struct PluginNew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Writes the skeleton of a plugin into a new folder.",
    discussion: """
      `make` builds it, `make test` puts it to the test, `make serve` serves it. The skeleton adds one to each number \
      of its input.
      """)

  @Argument(help: "The plugin's name, and the new folder's: a letter, then letters, digits and _.")
  var name: String

  @Option(help: "c, c++ or swift.")
  var language = PluginLanguage.c

  @Option(help: "A checkout of swerve, for the Swift package; where this command was built if left out.")
  var checkout: String?

  func validate() throws {
    let isName = name.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }
    guard isName, let first = name.first, first.isLetter else {
      throw ValidationError("'\(name)' is no name: expected a letter, then letters, digits and _")
    }
  }

  func run() throws {
    guard !Files.exists(name) else { throw Refusal("\(name): is there already; nothing was written") }
    let skeleton = try Skeleton(name: name, language: language, checkout: checkout)
    for (path, text) in try skeleton.files() { try Self.write(text, to: "\(name)/\(path)") }
    Standard.output("\(name)/ is written. Next: cd \(name) && make test")
  }

  private static func write(_ text: String, to path: String) throws {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
      folder += "\(part)/"
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else { throw fault(folder) }
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw fault(path) }
    defer { close(descriptor) }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw fault(path) }
      bytes = bytes.dropFirst(count)
    }
  }

  private static func fault(_ path: String) -> Refusal {
    Refusal("\(path): \(String(cString: strerror(errno)))")
  }
}

/// What a plugin may be written in.
enum PluginLanguage: String, CaseIterable, ExpressibleByArgument {
  case c
  case cxx = "c++"
  case swift
}
