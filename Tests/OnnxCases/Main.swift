import Glibc
import Kernels
import ONNX

/// Runs cases of the onnx package's backend test data: reads folders from standard input, one a line,
/// and answers each with one line: `passed`, `unsupported REASON` or `failed REASON`.
@main enum Main {
  static func main() {
    let limit = getenv("SWERVE_CPU").map { String(cString: $0) }
    let engine = Engine(kernels: .forInstructionSet(.detect(limit: limit)))
    while let folder = readLine() {
      let lines = verdict(folder, SessionOptions(engine: engine)).split(whereSeparator: \.isNewline)
      let answer = Array((lines.joined(separator: " ") + "\n").utf8)
      // At once and whole: the next case may end the process.
      _ = write(STDOUT_FILENO, answer, answer.count)
    }
  }

  private static func verdict(_ folder: String, _ options: SessionOptions) -> String {
    do {
      let differences = try Case(folder: folder).differences(options)
      return differences.isEmpty ? "passed" : "failed " + differences.joined(separator: "; ")
    } catch let error as ONNXError where error.kind == .unsupported {
      return "unsupported " + error.message
    } catch {
      return "failed \(error)"
    }
  }
}
