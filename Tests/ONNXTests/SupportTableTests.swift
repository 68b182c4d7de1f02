import Foundation
import ONNX
import TestSupport
import Testing

@Suite struct SupportTableTests {
  /// With SWERVE_WRITE_DOCS set the file is written instead.
  @Test func theSupportTableInTheDocumentsIsCurrent() throws {
    let path = Checkout.root + "/docs/onnx-operators.md"
    let table = OperatorRegistry.markdownTable()
    if ProcessInfo.processInfo.environment["SWERVE_WRITE_DOCS"] != nil {
      try table.write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(
      try String(contentsOfFile: path, encoding: .utf8) == table, "run this test with SWERVE_WRITE_DOCS=1")
  }
}
