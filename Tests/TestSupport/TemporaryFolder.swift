public import Foundation

/// A folder that is removed when it goes.
public final class TemporaryFolder {
  public let path = NSTemporaryDirectory() + "swerve-" + UUID().uuidString

  public init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file below the folder, with the folders it needs.
  @discardableResult public func write(_ name: String, _ contents: Data) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try contents.write(to: URL(fileURLWithPath: file))
    return file
  }

  @discardableResult public func write(_ name: String, _ text: String) throws -> String {
    try write(name, Data(text.utf8))
  }

  /// Copies a file or a folder of the checkout to `name` below the folder.
  public func copy(_ source: String, to name: String) throws {
    let target = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Checkout.root + "/" + source, toPath: target)
  }
}
