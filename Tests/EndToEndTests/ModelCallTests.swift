import Foundation
import TestSupport
import Testing

/// Plugins that run other models, in the server's process and in workers.
@Suite struct ModelCallTests {
  /// A plugin that runs the model of its "callee" and adds what its "add" says.
  private static let caller = """
    #include <stdio.h>
    #include <stdlib.h>
    #include "swerve_plugin.h"
    #include "ext/config.h"
    #include "ext/models.h"
    struct swerve_model { const swerve_host *host; const swerve_models *models; const char *callee; double add; };
    static const swerve_spec input = {.name = "x", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}};
    static const swerve_spec output = {.name = "y", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}};
    static const swerve_model_info info = {
        .struct_size = sizeof info, .spec_size = sizeof(swerve_spec), .inputs = &input, .input_count = 1,
        .outputs = &output, .output_count = 1, .max_batch = 8, .concurrency = CONCURRENCY};
    static swerve_status create(const swerve_create_args *args, swerve_model **result, swerve_error *error) {
      const swerve_host *host = args->host;
      const swerve_config *config = host->extension(host, SWERVE_CONFIG);
      swerve_model *model = malloc(sizeof *model);
      *model = (swerve_model){host, host->extension(host, SWERVE_MODELS), "half_plus_two", 0};
      config->text(host, "callee", &model->callee);
      config->number(host, "add", &model->add);
      *result = model;
      return SWERVE_OK;
    }
    static void destroy(swerve_model *model) { free(model); }
    static const swerve_model_info *describe(const swerve_model *model) { return &info; }
    static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
      swerve_call call = {.struct_size = sizeof call, .model = model->callee, .inputs = batch->inputs, .input_count = 1};
      const swerve_tensor *answer;
      uint32_t count;
      swerve_status status = model->models->run(model->host, batch, &call, &answer, &count, error);
      if (status != SWERVE_OK) return status;
      swerve_tensor *y = model->host->output(model->host, batch, "y", SWERVE_F32, 1, answer->dims);
      for (int64_t i = 0; i < answer->dims[0]; i++)
        ((float *)y->data)[i] = ((const float *)answer->data)[i] + (float)model->add;
      return SWERVE_OK;
    }
    static const swerve_plugin plugin = {
        .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
        .name = "caller", .version = "1.0.0", .create = create, .destroy = destroy, .describe = describe,
        .execute = execute};
    const swerve_plugin *swerve_plugin_entry(const swerve_host *host) { return &plugin; }
    """

  /// A repository with half_plus_two and callers: `name: (callee, whether in a worker)`.
  private func folder(
    _ callers: [String: (callee: String, isIsolated: Bool)], isSerial: Bool = true
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let source = try folder.write("caller.c", Self.caller)
    let built = try Command([
      "cc", "-shared", "-fPIC", "-DCONCURRENCY=SWERVE_\(isSerial ? "SERIAL" : "CONCURRENT")", "-I",
      Checkout.root + "/Sources/CSwervePlugin/include", source, "-o", folder.path + "/caller.so",
    ])
    try #require(built.status == 0, "\(built.error)")
    for (name, caller) in callers {
      try folder.write(
        "models/\(name)/model.json",
        "{\"plugin\": \"caller\", \"isolation\": {\"mode\": \"\(caller.isIsolated ? "process" : "in-process")\"},"
          + "\"parameters\": {\"callee\": \"\(caller.callee)\", \"add\": 100}}")
      try folder.write("models/\(name)/1/README.md", "calls \(caller.callee)")
    }
    try folder.copy("models/half_plus_two", to: "models/half_plus_two")
    return folder
  }

  private func server(_ folder: TemporaryFolder, _ arguments: [String] = []) throws -> ServerProcess {
    try ServerProcess(models: [folder.path + "/models"], arguments: ["--plugins", folder.path] + arguments)
  }

  private func ask(_ client: HTTPClient, _ values: [Double], model: String) throws -> HTTPResponse {
    try client.post("/v1/models/\(model):predict", "{\"inputs\":\(values)}")
  }

  @Test(arguments: [false, true])
  func aPluginRunsAnotherModel(_ isIsolated: Bool) throws {
    let folder = try folder(["first": ("half_plus_two", isIsolated), "second": ("first", isIsolated)])
    let server = try server(folder)
    let answer = try ask(server.client(), [2, 4], model: "second")
    #expect(answer.object["outputs"] as? [Double] == [203, 204], "\(answer.text) \(server.log)")
    let many = (0..<8).map { Double($0) }
    #expect(
      try ask(server.client(), many, model: "first").object["outputs"] as? [Double]
        == many.map { $0 / 2 + 102 })
    let counted = try server.get("/v2/models/half_plus_two/stats").text
    #expect(counted.contains("\"inference_count\":"), "\(counted)")
  }

  @Test(arguments: [false, true])
  func aCircleIsRefusedAndNothingHangs(_ isIsolated: Bool) throws {
    let folder = try folder([
      "a": ("b", isIsolated), "b": ("c", isIsolated), "c": ("a", isIsolated), "self": ("self", isIsolated),
    ])
    let server = try server(folder)
    let own = try ask(server.client(), [1], model: "self")
    #expect(own.status == 501 || own.status == 400, "\(own.status) \(own.text)")
    #expect(own.text.contains("self → self"), "\(own.text)")
    let port = server.port
    let tally = Tally()
    // All three at once: each holds its serial model and waits for the next.
    DispatchQueue.concurrentPerform(iterations: 6) { index in
      let model = ["a", "b", "c"][index % 3]
      guard let client = try? HTTPClient(port: port, timeoutSeconds: 30),
        let answer = try? ask(client, [1], model: model)
      else { return tally.add("\(model): no answer") }
      if !answer.text.contains("Calls that wait for each other") {
        tally.add("\(answer.status) \(answer.text)")
      }
    }
    #expect(tally.faults == [])
  }

  @Test func aMissingModelAndAChainThatIsTooLongAreRefused() throws {
    var callers: [String: (callee: String, isIsolated: Bool)] = ["lost": ("nowhere", false)]
    for depth in 1...9 { callers["m\(depth)"] = (depth == 1 ? "half_plus_two" : "m\(depth - 1)", false) }
    let server = try server(folder(callers))
    let lost = try ask(server.client(), [1], model: "lost")
    #expect(lost.status >= 400 && lost.text.contains("nowhere"), "\(lost.text)")
    #expect(try ask(server.client(), [2], model: "m7").object["outputs"] as? [Double] == [703])
    let deep = try ask(server.client(), [2], model: "m9")
    #expect(deep.status >= 400 && deep.text.contains("at most 8"), "\(deep.text)")
  }

  @Test(arguments: [false, true])
  func callsUnderLoadAreAllAnswered(_ isIsolated: Bool) throws {
    // One worker thread: whoever waits for a model has to do its work.
    let folder = try folder(
      ["first": ("half_plus_two", false), "second": ("first", isIsolated)], isSerial: !isIsolated)
    let server = try server(folder, ["--workers", "1", "--inline-microseconds", "0"])
    let port = server.port
    let tally = Tally()
    DispatchQueue.concurrentPerform(iterations: 16) { index in
      guard let client = try? HTTPClient(port: port, timeoutSeconds: 30) else {
        return tally.add("no connection")
      }
      for round in 0..<40 {
        let value = Double(index * 100 + round)
        let model = round % 3 == 0 ? "first" : "second"
        let expected = value / 2 + (model == "first" ? 102 : 202)
        guard let answer = try? ask(client, [value], model: model) else {
          tally.add("\(model): no answer")
          continue
        }
        if answer.object["outputs"] as? [Double] != [expected] {
          tally.add("\(answer.status) \(answer.text)")
        }
      }
    }
    #expect(tally.faults == [], "\(server.log.suffix(2000))")
  }

  private final class Tally: @unchecked Sendable {  // the list is behind the lock
    private let lock = NSLock()
    private var list: [String] = []
    var faults: [String] { lock.withLock { Array(list.prefix(20)) } }
    func add(_ fault: String) { lock.withLock { list.append(fault) } }
  }
}
