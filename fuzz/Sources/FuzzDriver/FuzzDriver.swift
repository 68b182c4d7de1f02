import CFuzzer

/// What is fuzzed; set once, before the driver runs on this same thread.
nonisolated(unsafe) private var target: (UnsafeBufferPointer<UInt8>) -> Void = { _ in }

/// Runs `body` on inputs that libFuzzer makes up, as its command line says. The program's own `main` calls
/// this, since SwiftPM renames `main` and libFuzzer's own would not be found.
public func fuzz(_ body: @escaping (UnsafeBufferPointer<UInt8>) -> Void) -> CInt {
  target = body
  var argc = CommandLine.argc
  var argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
  return LLVMFuzzerRunDriver(&argc, &argv) { bytes, count in
    target(UnsafeBufferPointer(start: bytes, count: count))
    return 0
  }
}
