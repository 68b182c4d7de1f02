/// The driver in the fuzzer's run-time library; it never returns in the normal course.
@_extern(c, "LLVMFuzzerRunDriver")
private func runDriver(
  _ argc: UnsafeMutablePointer<CInt>,
  _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What is fuzzed; set once, before the driver runs on this same thread.
nonisolated(unsafe) private var target: (UnsafeBufferPointer<UInt8>) -> Void = { _ in }

/// Runs `body` on inputs that libFuzzer makes up, as its command line says. The program's own `main` calls
/// this, since SwiftPM renames `main` and libFuzzer's own would not be found.
public func fuzz(_ body: @escaping (UnsafeBufferPointer<UInt8>) -> Void) -> CInt {
  target = body
  var argc = CommandLine.argc
  var argv = CommandLine.unsafeArgv
  return runDriver(&argc, &argv) { bytes, count in
    target(UnsafeBufferPointer(start: bytes, count: count))
    return 0
  }
}
