import Foundation
import PluginHost
import Tensors
import Testing

/// One call of execute, seen from both sides.
@Suite struct ExecutionTests {
  @Test func theIdentityPluginGivesBackWhatItGets() throws {
    let folder = try TemporaryFolder()
    let library = try Toolchain.buildPlugin("\(Toolchain.root)/plugins/identity/identity.c", in: folder)
    let model = try Plugin(path: library, services: HostServices()).makeModel(path: "", configuration: "{}")
    let answer = try #require(model.answer([Tensor("INPUT0", [1, 2, 3, 4, 5, 6], [2, 3])], rows: [2])[0])
    #expect(answer.status == .ok)
    #expect(answer.outputs.map(\.name) == ["OUTPUT0"])
    #expect(answer.outputs[0].shape == [2, 3])
    #expect(answer.outputs[0].floats == [1, 2, 3, 4, 5, 6])
    #expect(UInt(bitPattern: answer.outputs[0].data) % 64 == 0)
  }

  @Test func halfPlusTwoHalvesAndAddsTwo() throws {
    let folder = try TemporaryFolder()
    let library = try Toolchain.buildPlugin(
      "\(Toolchain.root)/plugins/half_plus_two/half_plus_two.c", in: folder)
    let model = try Plugin(path: library, services: HostServices()).makeModel(path: "", configuration: "{}")
    #expect(model.answer([1, 2, 5])?.outputs[0].floats == [2.5, 3, 4.5])
  }

  @Test func inputsAreNotCopied() throws {
    var plugin = CPlugin()
    plugin.execute = """
      *(const void **)host->output(host, batch, "y", SWERVE_U64, 1, (int64_t[]){1})->data = batch->inputs[0].data;
      return SWERVE_OK;
      """
    plugin.output = ".dtype = SWERVE_U64"
    let input = Tensor("x", [1] as [Float])
    let answer = try #require(plugin.model().answer([input], rows: [1])[0])
    #expect(answer.outputs[0].elements(as: UInt64.self)[0] == UInt64(UInt(bitPattern: input.data)))
  }

  @Test func aBatchIsCutByRows() throws {
    let answers = try CPlugin().model().answer(
      [Tensor("x", [1, 2, 3, 4, 5, 6] as [Float])], rows: [1, 3, 0, 2])
    #expect(answers.map { $0?.outputs[0].floats } == [[2], [4, 6, 8], [], [10, 12]])
    #expect(answers.map { $0?.outputs[0].shape } == [[1], [3], [0], [2]])
  }

  @Test func thePluginSeesWhoseRowsAreWhose() throws {
    var plugin = CPlugin()
    plugin.execute = """
      snprintf(error->message, sizeof error->message, "%u requests: %u %u %u, %u inputs",
               batch->request_count, batch->rows[0], batch->rows[1], batch->rows[2], batch->input_count);
      return SWERVE_INTERNAL;
      """
    let answers = try plugin.model().answer([Tensor("x", [1, 2, 3, 4] as [Float])], rows: [1, 2, 1])
    #expect(answers.map { $0?.message } == Array(repeating: "3 requests: 1 2 1, 1 inputs", count: 3))
  }

  /// One bad row: the middle one of three requests fails, its neighbours do not.
  @Test func aRequestInTheMiddleOfABatchMayFailAlone() throws {
    var plugin = CPlugin()
    plugin.execute = """
      const float *x = batch->inputs[0].data;
      float *y = host->output(host, batch, "y", SWERVE_F32, 1, batch->inputs[0].dims)->data;
      for (uint32_t r = 0, row = 0; r < batch->request_count; row += batch->rows[r++]) {
        if (x[row] < 0) host->finish(host, batch->requests[r], SWERVE_INVALID_ARGUMENT, "x is negative");
        else for (uint32_t i = row; i < row + batch->rows[r]; i++) y[i] = x[i] + 1;
      }
      return SWERVE_OK;
      """
    let answers = try plugin.model().answer([Tensor("x", [1, 2, -3, 4, 5] as [Float])], rows: [2, 2, 1])
    #expect(answers.map { $0?.status } == [.ok, .invalidArgument, .ok])
    #expect(answers[1]?.message == "x is negative")
    #expect(answers[1]?.outputs.isEmpty == true)
    #expect(answers[0]?.outputs[0].floats == [2, 3])
    #expect(answers[2]?.outputs[0].floats == [6])
  }

  @Test func anErrorFailsTheRequestsThatAreOpen() throws {
    var plugin = CPlugin()
    plugin.execute = """
      host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){2});
      host->finish(host, batch->requests[0], SWERVE_UNAVAILABLE, NULL);
      snprintf(error->message, sizeof error->message, "out of paper");
      return SWERVE_OUT_OF_MEMORY;
      """
    let answers = try plugin.model().answer([Tensor("x", [1, 2] as [Float])], rows: [1, 1])
    #expect(answers.map { $0?.status } == [.unavailable, .outOfMemory])
    #expect(answers.map { $0?.message } == ["unavailable, try again later", "out of paper"])
    #expect(answers[1]?.outputs.isEmpty == true)
  }

  @Test(arguments: [
    ("return SWERVE_NOT_FOUND;", PluginStatus.notFound, "execute failed: something was not found"),
    ("return 99;", .internalFault, "execute returned 99, which is no status of the plugin ABI"),
    ("return -1;", .internalFault, "execute returned -1"),
  ])
  func anErrorWithoutASentenceStillSaysSomething(_ execute: String, _ status: PluginStatus, _ text: String)
    throws
  {
    let answer = try #require(CPlugin(execute: execute).model().answer([1]))
    #expect(answer.status == status)
    #expect(answer.message.contains(text))
  }

  @Test func theErrorOfACallIsNotSeenByTheNext() throws {
    var plugin = CPlugin()
    plugin.execute = """
      if (((const float *)batch->inputs[0].data)[0] > 0) snprintf(error->message, 512, "first");
      return SWERVE_INTERNAL;
      """
    let model = try plugin.model()
    #expect(model.answer([1])?.message == "first")
    #expect(model.answer([0])?.message == "execute failed: internal fault")
  }

  @Test func anOutputThatIsMissingIsAFault() throws {
    let answer = try #require(CPlugin(execute: "return SWERVE_OK;").model().answer([1]))
    #expect(answer.status == .internalFault)
    #expect(answer.message == "plugin fixture did not add output \"y\"")
  }

  @Test func anOptionalOutputMayBeMissing() throws {
    let plugin = CPlugin(execute: "return SWERVE_OK;", output: ".flags = SWERVE_OPTIONAL")
    let answer = try #require(plugin.model().answer([1]))
    #expect(answer.status == .ok)
    #expect(answer.outputs.isEmpty)
  }

  @Test func anOutputThatCannotBeCutIsAFaultOfItsBatchOnly() throws {
    let plugin = CPlugin(
      execute: """
        float *y = host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){3})->data;
        y[0] = y[1] = y[2] = 7;
        return SWERVE_OK;
        """)
    let model = try plugin.model()
    let cut = model.answer([Tensor("x", [1, 2] as [Float])], rows: [1, 1])
    #expect(cut.map { $0?.status } == [.internalFault, .internalFault])
    #expect(cut[0]?.message == "plugin fixture gave output \"y\" shape [3] for a batch of 2 rows")
    #expect(model.answer([1])?.outputs[0].floats == [7, 7, 7])
  }

  /// Calls of output() that are refused: NULL, a line in the log, and the server goes on.
  @Test(arguments: [
    ("\"z\", SWERVE_F32, 1, (int64_t[]){1}", "\"z\" is not among the model's: \"y\""),
    ("NULL, SWERVE_F32, 1, (int64_t[]){1}", "with NULL"),
    ("\"y\", SWERVE_F32, 1, NULL", "with NULL"),
    ("\"y\", SWERVE_I64, 1, (int64_t[]){1}", "declared as FP32 and added as INT64"),
    ("\"y\", 1000, 1, (int64_t[]){1}", "added as datatype 1000"),
    ("\"y\", SWERVE_F32, 9, (int64_t[9]){1}", "rank 9"),
    ("\"y\", SWERVE_F32, 4000000000u, (int64_t[9]){1}", "rank 4000000000"),
    ("\"y\", SWERVE_F32, 2, ((int64_t[]){1, 1})", "declared with shape [-1] and added with [1,1]"),
    ("\"y\", SWERVE_F32, 1, (int64_t[]){-1}", "shape [-1] is larger"),
    ("\"y\", SWERVE_F32, 1, (int64_t[]){INT64_MIN}", "larger than the limit"),
    ("\"y\", SWERVE_F32, 1, (int64_t[]){INT64_MAX}", "larger than the limit"),
    ("\"y\", SWERVE_F32, 1, (int64_t[]){INT64_MAX / 4}", "larger than the limit"),
  ])
  func aHostileOutputIsRefused(_ arguments: String, _ reason: String) throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      execute: "return host->output(host, batch, \(arguments)) ? SWERVE_INTERNAL : SWERVE_UNSUPPORTED;")
    #expect(try plugin.model(log.services()).answer([1])?.status == .unsupported)
    #expect(log.text.contains("error fixture the-model: ") && log.text.contains(reason), "\(log.text)")
  }

  @Test func shapesWhoseProductOverflowsAreRefused() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      execute: """
        int64_t dims[] = {1ll << 40, 1ll << 40};
        return host->output(host, batch, "y", SWERVE_F32, 2, dims) ? SWERVE_INTERNAL : SWERVE_UNSUPPORTED;
        """, output: ".rank = 2, .dims = {-1, -1}")
    #expect(try plugin.model(log.services()).answer([1])?.status == .unsupported)
    #expect(log.text.contains("larger than the limit"))
  }

  @Test func anOutputIsAddedOnce() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      execute: """
        float *y = host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){1})->data;
        y[0] = 1;
        return host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){1}) ? SWERVE_INTERNAL : SWERVE_OK;
        """)
    let model = try plugin.model(log.services())
    #expect(model.answer([1])?.outputs[0].floats == [1])
    #expect(log.text.contains("\"y\" was added before"))
    #expect(model.answer([1])?.status == .ok)
  }

  @Test func aCopyOfTheBatchServesAsWell() throws {
    let plugin = CPlugin(
      execute: """
        swerve_batch mine = *batch;
        swerve_host theirs = *host;
        *(float *)theirs.output(&theirs, &mine, "y", SWERVE_F32, 1, (int64_t[]){1})->data = 9;
        return SWERVE_OK;
        """)
    #expect(try plugin.model().answer([1])?.outputs[0].floats == [9])
  }

  @Test func bytesGoInAndOut() throws {
    var plugin = CPlugin()
    plugin.input = ".dtype = SWERVE_BYTES"
    plugin.output = ".dtype = SWERVE_BYTES"
    plugin.execute = """
      const swerve_bytes *x = batch->inputs[0].data;
      swerve_bytes *y = host->output(host, batch, "y", SWERVE_BYTES, 1, batch->inputs[0].dims)->data;
      uint8_t *word = host->bytes(host, batch, 3);
      for (int64_t i = 0; i < batch->inputs[0].dims[0]; i++) {
        if (x[i].size == 0) continue;
        word[i] = x[i].data[0] + 1;
        y[i] = (swerve_bytes){&word[i], 1};
      }
      return SWERVE_OK;
      """
    let x = Tensor(name: "x", datatype: .bytes, shape: [3])!
    let letters = Tensor(name: "", datatype: .uint8, shape: [2])!
    letters.elements(as: UInt8.self)[0] = UInt8(ascii: "a")
    letters.elements(as: UInt8.self)[1] = UInt8(ascii: "m")
    let base = UnsafePointer(letters.elements(as: UInt8.self).baseAddress!)
    let elements = x.elements(as: BytesElement.self)
    elements.initializeElement(at: 0, to: BytesElement(data: base, count: 1))
    elements.initializeElement(at: 1, to: BytesElement(data: nil, count: 0))
    elements.initializeElement(at: 2, to: BytesElement(data: base + 1, count: 1))
    let model = try plugin.model()
    let input = Tensor(name: "x", datatype: .bytes, shape: [3], memory: x.memory, payload: letters.memory)
    let answers = model.answer([input], rows: [1, 2])
    #expect(answers[0]?.outputs[0].strings == ["b"])
    #expect(answers[1]?.outputs[0].strings == ["", "n"])
  }

  @Test func bytesBeyondTheLimitAreRefused() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      execute: """
        static swerve_batch none;
        return host->bytes(host, batch, SIZE_MAX) || host->bytes(host, batch, (size_t)1 << 40)
          || host->bytes(host, &none, 1) || host->bytes(host, NULL, 1) ? SWERVE_INTERNAL : SWERVE_UNSUPPORTED;
        """)
    #expect(try plugin.model(log.services()).answer([1])?.status == .unsupported)
    #expect(log.text.contains("no memory for 18446744073709551615 bytes"))
  }

  @Test func anElementWithASizeAndNoBytesIsAFault() throws {
    let plugin = CPlugin(
      execute: """
        swerve_bytes *y = host->output(host, batch, "y", SWERVE_BYTES, 1, (int64_t[]){1})->data;
        y[0] = (swerve_bytes){NULL, SIZE_MAX};
        return SWERVE_OK;
        """, output: ".dtype = SWERVE_BYTES")
    #expect(try plugin.model().answer([1])?.status == .internalFault)
  }
}

/// What reaches the plugin at all.
@Suite struct InputTests {
  private func twoInputs() -> CPlugin {
    CPlugin(
      describe: """
        static swerve_spec two[2];
        static swerve_model_info mine;
        two[0] = inputs[0];
        two[1] = inputs[0];
        two[1].name = "bias";
        two[1].flags = SWERVE_OPTIONAL;
        mine = info;
        mine.inputs = two;
        mine.input_count = 2;
        return &mine;
        """,
      execute: """
        const swerve_tensor *x = &batch->inputs[0], *bias = &batch->inputs[1];
        float *y = host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){1})->data;
        y[0] = ((const float *)x->data)[0] + (bias->data ? ((const float *)bias->data)[0] : 1000);
        return strcmp(x->name, "x") || strcmp(bias->name, "bias") ? SWERVE_INTERNAL : SWERVE_OK;
        """)
  }

  @Test func inputsArriveInTheOrderOfTheDescription() throws {
    let model = try twoInputs().model()
    let x = Tensor("x", [1] as [Float])
    let bias = Tensor("bias", [10] as [Float])
    #expect(model.answer([x, bias], rows: [1])[0]?.outputs[0].floats == [11])
    #expect(model.answer([bias, x], rows: [1])[0]?.outputs[0].floats == [11])
  }

  @Test func anOptionalInputThatWasLeftOutHasNoData() throws {
    let model = try twoInputs().model()
    #expect(model.answer([Tensor("x", [1] as [Float])], rows: [1])[0]?.outputs[0].floats == [1001])
  }

  @Test(
    arguments: [
      ([Tensor("bias", [1] as [Float])], "input \"x\" is missing"),
      ([Tensor("x", [1] as [Float]), Tensor("z", [1] as [Float])], "no input \"z\""),
      ([Tensor("x", [1] as [Float]), Tensor("x", [1] as [Float])], "twice"),
      ([Tensor("x", [1] as [Int64])], "input \"x\" is FP32 [-1]; INT64 [1] came"),
      ([Tensor("x", [1] as [Float], [1, 1])], "FP32 [1,1] came"),
    ] as [([Tensor], String)])
  func inputsThatDoNotFitNeverReachThePlugin(_ inputs: [Tensor], _ reason: String) throws {
    let answer = try #require(twoInputs().model().answer(inputs, rows: [1])[0])
    #expect(answer.status == .invalidArgument)
    #expect(answer.message.contains(reason), "\(answer.message)")
  }
}
