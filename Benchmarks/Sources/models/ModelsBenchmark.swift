import Foundation
import Kernels
import ONNX
import Tensors

/// Measures our side of Benchmarks/models: a process a model, which is told what to do a line each and
/// answers with figures, so that the driver can measure us and what we are compared with in turns.
@main
enum ModelsBenchmark {
  static func main() throws {
    var model: LoadedModel?
    while let line = readLine() {
      do {
        let request = try JSONDecoder().decode(Request.self, from: Data(line.utf8))
        switch request.action {
        case .load:
          let loaded = try LoadedModel(request)
          model = loaded
          print(loaded.report)
        case .run:
          print(
            try known(model).shortest(
              milliseconds: request.milliseconds ?? 100, byCPU: request.cpu ?? false))
        case .profile: print(try known(model).profile(runs: 20, byCPU: request.cpu ?? false))
        }
      } catch { print(#"{"error": \#(quoted("\(error)"))}"#) }
      fflush(nil)
    }
  }

  private static func known(_ model: LoadedModel?) throws -> LoadedModel {
    guard let model else { throw Refusal(description: "no model is loaded") }
    return model
  }

  private static func quoted(_ text: String) -> String {
    let characters = text.map { "\"\\\n".contains($0) ? " " : String($0) }
    return "\"\(characters.joined())\""
  }
}
