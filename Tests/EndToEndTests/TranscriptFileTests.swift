import Foundation
import Tensors
import TestSupport
import Testing

/// Plays the files of Fixtures/transcripts against a real server and real models.
@Suite struct TranscriptFileTests {
  private static let folder = Checkout.root + "/Tests/EndToEndTests/Fixtures/transcripts"

  /// Triton's models and TensorFlow Serving's, each configured as there.
  private func serve(from repository: TritonRepository, and listed: TemporaryFolder) throws -> ServerProcess {
    var scores = OnnxModelBuilder(opset: 17)
    scores.input("INPUT0", .fp32, ["n", 3])
    scores.node("Identity", ["INPUT0"], ["OUTPUT0"])
    scores.output("OUTPUT0", .fp32, ["n", 3])
    try repository.write(
      "scores", scores,
      """
      backend: "onnxruntime" max_batch_size: 8
      input [ { name: "INPUT0" data_type: 11 dims: 3 } ]
      output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: 3 label_filename: "labels.txt" } ]
      version_policy { }
      """)
    try repository.folder.write("scores/labels.txt", "cat\ndog\n")
    try repository.write(
      "simple_string", SumAndDifference.textModel,
      """
      name: "simple_string"
      platform: "onnxruntime_onnx"
      max_batch_size: 8
      input [ { name: "INPUT0" data_type: TYPE_STRING dims: [ -1 ] }, { name: "INPUT1" data_type: TYPE_STRING dims: [ -1 ] } ]
      output [ { name: "OUTPUT0" data_type: TYPE_STRING dims: [ -1 ] }, { name: "OUTPUT1" data_type: TYPE_STRING dims: [ -1 ] } ]
      """)
    // As TensorFlow Serving's own test data are named.
    try listed.copy("models/half_plus_two/1", to: "half/00000123")
    try listed.write("half/model.json", #"{"plugin": "half_plus_two"}"#)
    let list = try listed.write(
      "models.config",
      """
      model_config_list: { config: { name: "half_plus_two", base_path: "\(listed.path)/half/" model_platform: "tensorflow"
        version_labels { key: "stable" value: 123 } } }
      """)
    let server = try ServerProcess(
      models: [repository.folder.path], arguments: ["--model-config-file", list])
    #expect(try server.get("/readyz").status == 200, "\(server.log)")
    return server
  }

  @Test func everyTranscriptIsAnsweredAsWritten() throws {
    let repository = try TritonRepository()
    let listed = try TemporaryFolder()
    let server = try serve(from: repository, and: listed)
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter {
      $0.hasSuffix(".txt")
    }
    #expect(files.count >= 3)
    for file in files.sorted() {
      let transcripts = try FileTranscript.read(URL(fileURLWithPath: Self.folder + "/" + file))
      #expect(transcripts.count > 5, "\(file)")
      for transcript in transcripts { try check(transcript, server) }
    }
  }

  private func check(_ transcript: FileTranscript, _ server: ServerProcess) throws {
    let answer = try server.client().request(
      transcript.method, transcript.path, headers: transcript.sentHeaders,
      body: transcript.method == "POST" ? transcript.body : nil)
    #expect(answer.status == transcript.status, "\(transcript): \(answer.text)")
    #expect(!transcript.expected.isEmpty, "\(transcript) expects nothing")
    for (name, value) in transcript.answerHeaders {
      #expect(answer.headers[name.lowercased()] == value, "\(transcript): \(answer.headers)")
    }
    for expected in transcript.expected {
      switch expected {
      case .error(let words): #expect(answer.errorMessage.hasPrefix(words), "\(transcript): \(answer.text)")
      case .part(let words): #expect(answer.text.contains(words), "\(transcript): \(answer.text)")
      case .document(let text, let bytes):
        let length =
          answer.headers["inference-header-content-length"].flatMap { Int($0) } ?? answer.body.count
        let found = try JSONSerialization.jsonObject(with: answer.body.prefix(length)) as? NSObject
        let wanted = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSObject
        #expect(found == wanted, "\(transcript): \(answer.text)")
        #expect(answer.body.dropFirst(length) == bytes, "\(transcript): other bytes")
      }
    }
  }
}
