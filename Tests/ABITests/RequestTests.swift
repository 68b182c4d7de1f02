import Foundation
import PluginHost
import Tensors
import Testing

/// Requests that end early, late, twice or never: their handles, streams, deadlines and cancellation.
@Suite struct RequestTests {
  /// Finishes each request from a thread of its own, backwards, after execute has returned.
  static let late = CPlugin(
    globals: """
      struct job { const swerve_host *host; const swerve_batch *batch; };
      static void *work(void *argument) {
        struct job job = *(struct job *)argument;
        free(argument);
        usleep(2000);
        const swerve_tensor *x = &job.batch->inputs[0];
        float *y = job.host->output(job.host, job.batch, "y", SWERVE_F32, 1, x->dims)->data;
        for (int64_t i = 0; i < x->dims[0]; i++) y[i] = -((const float *)x->data)[i];
        for (uint32_t r = job.batch->request_count; r-- > 0;)
          job.host->finish(job.host, job.batch->requests[r], SWERVE_OK, NULL);
        return NULL;
      }
      """,
    execute: """
      struct job *job = malloc(sizeof *job);
      *job = (struct job){host, batch};
      pthread_t thread;
      if (pthread_create(&thread, NULL, work, job)) return SWERVE_UNAVAILABLE;
      pthread_detach(thread);
      return SWERVE_PENDING;
      """)

  @Test func pendingRequestsAreFinishedFromAnotherThread() throws {
    let model = try Self.late.model()
    for _ in 0..<20 {
      let answers = model.answer([Tensor("x", [1, 2, 3] as [Float])], rows: [2, 1])
      #expect(answers.map { $0?.outputs[0].floats } == [[-1, -2], [-3]])
    }
  }

  @Test func everyRequestIsFinishedOnceHoweverOftenThePluginDoes() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      execute: """
        for (int i = 0; i < 5; i++) host->finish(host, batch->requests[0], SWERVE_UNAVAILABLE, "once");
        host->finish(host, NULL, SWERVE_OK, NULL);
        host->finish(host, (swerve_request *)(uintptr_t)0xDEADBEEFDEADBEEF, SWERVE_OK, NULL);
        *(float *)host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){2})->data = 1;
        return SWERVE_OK;
        """)
    let model = try plugin.model(log.services())
    let recorders = [Recorder(), Recorder()]
    model.execute(
      inputs: [Tensor("x", [1, 2] as [Float])], requests: recorders.map { PluginRequest(1, $0) })
    #expect(recorders.map { $0.answers.count } == [1, 1])
    #expect(recorders[0].answers[0].message == "once")
    #expect(recorders[1].answers[0].status == .ok)
    #expect(log.count == 1, "the misuse is logged once: \(log.text)")
    #expect(log.text.contains("finish was called with a request that is finished"))
  }

  @Test func misuseAbortsTheProcessWherePluginsAreDebugged() async {
    await #expect(processExitsWith: .signal(SIGABRT)) {
      let plugin = CPlugin(
        execute: """
          host->finish(host, batch->requests[0], SWERVE_UNAVAILABLE, NULL);
          host->finish(host, batch->requests[0], SWERVE_UNAVAILABLE, NULL);
          return SWERVE_OK;
          """)
      _ = try plugin.model(HostServices(abortsOnMisuse: true)).answer([1])
    }
  }

  @Test func aHandleIsDeadAfterItsRequestAndNeverUsedAgain() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      globals: "static swerve_request *kept;",
      execute: """
        if (kept) {
          swerve_tensor part = {.name = "y", .dtype = SWERVE_F32, .rank = 1, .dims = {1}, .data = &kept, .byte_size = 4};
          if (kept == batch->requests[0]) return SWERVE_INTERNAL;
          if (host->request_info(host, kept)) return SWERVE_INTERNAL;
          if (!host->is_cancelled(host, kept)) return SWERVE_INTERNAL;
          if (host->send(host, kept, &part, 1) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
          host->finish(host, kept, SWERVE_INTERNAL, "the wrong one");
        }
        kept = batch->requests[0];
        *(float *)host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){1})->data = 5;
        return SWERVE_OK;
        """)
    let model = try plugin.model(log.services())
    for _ in 0..<3 { #expect(model.answer([1])?.outputs.first?.floats == [5]) }
    #expect(log.text.contains("breaks the rules of the ABI"))
  }

  @Test func anOutputForABatchThatIsOverIsRefused() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      globals: "static swerve_batch kept;",
      execute: """
        if (kept.token && host->output(host, &kept, "y", SWERVE_F32, 1, (int64_t[]){1})) return SWERVE_INTERNAL;
        kept = *batch;
        *(float *)host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){1})->data = 5;
        return SWERVE_OK;
        """)
    let model = try plugin.model(log.services())
    #expect(model.answer([1])?.status == .ok)
    #expect(model.answer([1])?.status == .ok)
    #expect(log.text.contains("whose last request is finished"))
  }

  @Test func aStatusThatIsNoEndIsAnInternalFault() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      execute: """
        host->finish(host, batch->requests[0], SWERVE_PENDING, NULL);
        host->finish(host, batch->requests[1], 1234, NULL);
        return SWERVE_OK;
        """)
    let answers = try plugin.model(log.services()).answer([Tensor("x", [1, 2] as [Float])], rows: [1, 1])
    #expect(answers.map { $0?.status } == [.internalFault, .internalFault])
    #expect(log.text.contains("no status a request can end with"))
  }

  @Test func thePluginSeesIdParametersAndDeadline() throws {
    let plugin = CPlugin(
      execute: """
        for (uint32_t r = 0; r < batch->request_count; r++) {
          const swerve_request_info *info = host->request_info(host, batch->requests[r]);
          char line[200];
          snprintf(line, sizeof line, "%s %s %lld", info->id, info->parameters, (long long)info->deadline_ns);
          host->finish(host, batch->requests[r], SWERVE_INTERNAL, line);
        }
        return SWERVE_OK;
        """)
    let model = try plugin.model()
    for round in 0..<2 {
      let recorders = [Recorder(), Recorder()]
      model.execute(
        inputs: [Tensor("x", [1, 2] as [Float])],
        requests: [
          PluginRequest(1, recorders[0], id: "a\(round)", parameters: "{\"k\":1}", deadline: 123_456_789_012),
          PluginRequest(1, recorders[1]),
        ])
      #expect(recorders[0].answers[0].message == "a\(round) {\"k\":1} 123456789012")
      #expect(recorders[1].answers[0].message == " {} 0")
    }
  }

  @Test func aRequestCancelledBeforehandIsSeenToBe() throws {
    let plugin = CPlugin(
      execute: """
        for (uint32_t r = 0; r < batch->request_count; r++) {
          bool is = host->is_cancelled(host, batch->requests[r]);
          host->finish(host, batch->requests[r], is ? SWERVE_CANCELLED : SWERVE_UNAVAILABLE, NULL);
        }
        return SWERVE_OK;
        """)
    let recorders = [Recorder(), Recorder()]
    let requests = recorders.map { PluginRequest(1, $0) }
    requests[1].cancel()
    #expect(!requests[0].isCancelled)
    #expect(requests[1].isCancelled)
    try plugin.model().execute(inputs: [Tensor("x", [1, 2] as [Float])], requests: requests)
    #expect(recorders.map { $0.answers.first?.status } == [.unavailable, .cancelled])
  }

  /// The plugin leaves the request open; cancelling it makes the plugin finish it.
  @Test func cancellingTellsThePluginOnce() throws {
    let plugin = CPlugin(
      globals: """
        static int calls;
        static void stop(swerve_model *model, swerve_request *request) {
          calls++;
          bool is = model->host->is_cancelled(model->host, request);
          model->host->finish(model->host, request, is ? SWERVE_CANCELLED : SWERVE_INTERNAL, calls == 1 ? "1" : "more");
        }
        """,
      execute: "return SWERVE_PENDING;", table: ".cancel = stop")
    let model = try plugin.model()
    let recorder = Recorder()
    let request = PluginRequest(1, recorder)
    model.execute(inputs: [Tensor("x", [1] as [Float])], requests: [request])
    #expect(recorder.answers.isEmpty)
    request.cancel()
    request.cancel()
    #expect(recorder.answers.count == 1)
    #expect(recorder.answers[0].status == .cancelled)
    #expect(recorder.answers[0].message == "1")
  }

  @Test func aRunningCallSeesThatItIsCancelled() throws {
    let plugin = CPlugin(
      execute: """
        for (int i = 0; i < 60000; i++) {
          if (host->is_cancelled(host, batch->requests[0])) return SWERVE_CANCELLED;
          usleep(1000);
        }
        return SWERVE_INTERNAL;
        """)
    let model = try plugin.model()
    let recorder = Recorder()
    let request = PluginRequest(1, recorder)
    let caller = Thread { model.execute(inputs: [Tensor("x", [1] as [Float])], requests: [request]) }
    caller.start()
    usleep(20_000)
    request.cancel()
    #expect(recorder.wait()?.status == .cancelled)
  }
}

@Suite struct StreamingTests {
  private func countdown() throws -> PluginModel {
    let folder = try TemporaryFolder()
    let library = try Toolchain.buildPlugin(Toolchain.fixtures + "/countdown.c", in: folder)
    return try Plugin(path: library, services: HostServices()).makeModel(path: "", configuration: "{}")
  }

  @Test func eachRequestGetsItsOwnStream() throws {
    let model = try countdown()
    let recorders = [Recorder(), Recorder(), Recorder()]
    model.execute(
      inputs: [Tensor("n", [3, 0, 2] as [Int64])], requests: recorders.map { PluginRequest(1, $0) })
    let answers = recorders.map { $0.wait() }
    #expect(answers.map { $0?.status } == [.ok, .internalFault, .ok])
    let streams = recorders.map { $0.chunks.map { $0[0].elements(as: Int64.self)[0] } }
    #expect(streams == [[3, 2, 1], [], [2, 1]])
    #expect(answers[0]?.outputs.isEmpty == true)
    #expect(recorders[0].chunks[0][0].name == "i")
  }

  @Test func aClientThatGoesEndsItsStream() throws {
    let model = try countdown()
    let recorder = Recorder(chunkLimit: 3)
    model.execute(inputs: [Tensor("n", [1 << 40] as [Int64])], requests: [PluginRequest(1, recorder)])
    #expect(recorder.wait()?.status == .cancelled)
    #expect(recorder.chunks.count == 3)
  }

  @Test func aCancelledRequestEndsItsStream() throws {
    let model = try countdown()
    let recorder = Recorder()
    let request = PluginRequest(1, recorder)
    model.execute(inputs: [Tensor("n", [1 << 40] as [Int64])], requests: [request])
    while recorder.chunks.isEmpty { usleep(100) }
    request.cancel()
    #expect(recorder.wait()?.status == .cancelled)
  }

  @Test func textIsCopiedBeforeSendReturns() throws {
    let plugin = CPlugin(
      execute: """
        char word[] = "abc";
        swerve_bytes element = {(const uint8_t *)word, 3};
        swerve_tensor part = {.name = "y", .dtype = SWERVE_BYTES, .rank = 1, .dims = {1}, .data = &element, .byte_size = 16};
        swerve_status first = host->send(host, batch->requests[0], &part, 1);
        memcpy(word, "xyz", 3);
        swerve_status second = host->send(host, batch->requests[0], &part, 1);
        return first || second ? SWERVE_INTERNAL : SWERVE_OK;
        """, output: ".dtype = SWERVE_BYTES")
    let recorder = Recorder()
    try plugin.model().execute(inputs: [Tensor("x", [1] as [Float])], requests: [PluginRequest(1, recorder)])
    #expect(recorder.chunks.map { $0[0].strings } == [["abc"], ["xyz"]])
    #expect(recorder.answers.map(\.status) == [.ok])
  }

  @Test(arguments: [
    (".name = \"z\"", "\"z\""), (".name = NULL", "NULL"), (".dtype = SWERVE_U8", "UINT8"),
    (".rank = 9", "rank 9"), (".dims = {-1}", "[-1]"), (".dims = {INT64_MAX}", "too large"),
    (".byte_size = 3", "3 bytes"), (".data = NULL", "at NULL"), (".memory_kind = 1", "memory kind 1"),
  ])
  func aHostilePartIsRefused(_ field: String, _ reason: String) throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      execute: """
        float value = 1;
        swerve_tensor part = {.name = "y", .dtype = SWERVE_F32, .rank = 1, .dims = {1}, .data = &value, .byte_size = 4, \(field)};
        return host->send(host, batch->requests[0], &part, 1) == SWERVE_INVALID_ARGUMENT ? SWERVE_UNSUPPORTED : SWERVE_INTERNAL;
        """)
    #expect(try plugin.model(log.services()).answer([1])?.status == .unsupported)
    #expect(log.text.contains("send was called") && log.text.contains(reason), "\(log.text)")
  }

  @Test func noneTooManyOrRepeatedPartsAreRefused() throws {
    let plugin = CPlugin(
      execute: """
        float value = 1;
        swerve_tensor part = {.name = "y", .dtype = SWERVE_F32, .rank = 1, .dims = {1}, .data = &value, .byte_size = 4};
        swerve_tensor parts[2] = {part, part};
        return host->send(host, batch->requests[0], parts, 0) == SWERVE_INVALID_ARGUMENT
            && host->send(host, batch->requests[0], NULL, 1) == SWERVE_INVALID_ARGUMENT
            && host->send(host, batch->requests[0], parts, 2) == SWERVE_INVALID_ARGUMENT
            && host->send(host, batch->requests[0], parts, UINT32_MAX) == SWERVE_INVALID_ARGUMENT
          ? SWERVE_UNSUPPORTED : SWERVE_INTERNAL;
        """)
    #expect(try plugin.model().answer([1])?.status == .unsupported)
  }
}
