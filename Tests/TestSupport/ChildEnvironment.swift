import Foundation

/// What programs that tests start have as their environment.
enum ChildEnvironment {
  /// The tests' own, without Swift's backtraces, which `swift test` turns on: of a process that is killed while
  /// it crashes they go on for ever, and hold what it had open.
  static var inherited: [String: String] {
    ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
  }
}
