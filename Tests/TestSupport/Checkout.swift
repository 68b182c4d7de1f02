import Foundation

/// The checkout that the tests run in, and what was built of it.
public enum Checkout {
  /// The folder that holds Package.swift.
  public static let root = String(#filePath.dropLast("/Tests/TestSupport/Checkout.swift".count))

  /// The folder of built products: the executable, plugins and test bundle lie side by side.
  public static let products: String = {
    if let bundle = Bundle.allBundles.first(where: { $0.bundlePath.hasSuffix(".xctest") }) {
      return (bundle.bundlePath as NSString).deletingLastPathComponent
    }
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return (executable as NSString).deletingLastPathComponent
  }()

  /// Every Swift file below `folder`, by its path from the root.
  public static func swiftFiles(below folder: String) -> [String] {
    let names =
      FileManager.default.enumerator(atPath: root + "/" + folder)?.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".swift") }.map { folder + "/" + $0 }.sorted()
  }

  public static func text(of file: String) throws -> String {
    try String(contentsOfFile: root + "/" + file, encoding: .utf8)
  }
}
