import Foundation
import PluginHost
import Tensors
import Testing

/// The host services, as a C plugin calls them.
@Suite struct ServicesTests {
  @Test func linesArriveWithPluginModelAndLevel() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      create: """
        *model = malloc(sizeof **model);
        (*model)->host = args->host;
        args->host->log(args->host, SWERVE_LOG_WARNING, "half a weight is missing");
        args->host->log(args->host, 77, "odd");
        args->host->log(args->host, SWERVE_LOG_INFO, NULL);
        return SWERVE_OK;
        """)
    _ = try plugin.model(log.services())
    #expect(
      log.text == "warning fixture the-model: half a weight is missing\nerror fixture the-model: odd")
  }

  @Test func theHostSaysWhoItIs() throws {
    let plugin = CPlugin(
      execute: """
        snprintf(error->message, 512, "%s %s %d.%d", host->name, host->version, host->abi_major, host->abi_minor);
        return host->struct_size == sizeof *host ? SWERVE_UNSUPPORTED : SWERVE_INTERNAL;
        """)
    let answer = try plugin.model(HostServices(serverVersion: "3.2.1")).answer([1])
    #expect(answer?.status == .unsupported)
    #expect(answer?.message == "swerve 3.2.1 1.0")
  }

  @Test func anUnknownServiceIsNULL() throws {
    let plugin = CPlugin(
      execute: """
        return host->extension(host, "kernels/2") || host->extension(host, "") || host->extension(host, NULL)
          || host->extension(host, SWERVE_METRICS) ? SWERVE_INTERNAL : SWERVE_UNSUPPORTED;
        """)
    #expect(try plugin.model().answer([1])?.status == .unsupported)
  }

  @Test func theConfigurationIsRead() throws {
    let plugin = CPlugin(
      execute: """
        const swerve_config *config = host->extension(host, SWERVE_CONFIG);
        double number = -1, kept = 7;
        int64_t whole = -1;
        bool yes = false;
        const char *text = "", *key = "";
        if (!config->number(host, "a.b.1", &number) || number != 2.5) return SWERVE_NOT_FOUND;
        if (!config->number(host, "n", &number) || number != 3) return SWERVE_NOT_FOUND;
        if (!config->integer(host, "n", &whole) || whole != 3 || config->integer(host, "a.b.1", &whole)) return SWERVE_NOT_FOUND;
        if (!config->boolean(host, "yes", &yes) || !yes || config->boolean(host, "n", &yes)) return SWERVE_NOT_FOUND;
        if (!config->text(host, "a.t", &text) || strcmp(text, "grüße")) return SWERVE_NOT_FOUND;
        if (config->number(host, "no", &kept) || config->number(host, "a.b.2", &kept) || config->number(host, "a.b.x", &kept)
            || config->number(host, "a.b.-1", &kept) || config->number(host, NULL, &kept) || config->number(host, "n.n", &kept)
            || config->number(host, ".", &kept) || kept != 7) return SWERVE_INTERNAL;
        if (config->count(host, "a.b") != 2 || config->count(host, "") != 3 || config->count(host, "n") != -1) return SWERVE_CANCELLED;
        if (!config->key(host, "a", 1, &key) || strcmp(key, "t") || config->key(host, "a", 2, &key)) return SWERVE_CANCELLED;
        return SWERVE_UNSUPPORTED;
        """)
    let configuration = #"{"a": {"b": [1, 2.5], "t": "grüße"}, "n": 3, "yes": true}"#
    #expect(try plugin.model(configuration: configuration).answer([1])?.status == .unsupported)
  }

  @Test func aModelIsCalledWithCheckedInputsAndItsAnswerStays() throws {
    let services = HostServices()
    let runner = EchoRunner()
    services.runModels(by: runner)
    let plugin = CPlugin(
      execute: """
        const swerve_models *models = host->extension(host, SWERVE_MODELS);
        const swerve_tensor *outputs;
        uint32_t count;
        swerve_tensor bad = batch->inputs[0];
        swerve_call call = {.struct_size = sizeof call, .model = "echo", .version = 3, .inputs = &bad, .input_count = 1,
                            .request = batch->requests[0], .parameters = "{\"p\":1}"};
        bad.byte_size++;
        if (models->run(host, batch, &call, &outputs, &count, error) != SWERVE_INVALID_ARGUMENT || count) return SWERVE_INTERNAL;
        bad = batch->inputs[0];
        bad.dims[0] = -1;
        if (models->run(host, batch, &call, &outputs, &count, NULL) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
        float odd[17] = {0, 5, 6};
        bad = batch->inputs[0];
        bad.dims[0] = 2;
        bad.byte_size = 8;
        bad.data = odd + 1;
        if (models->run(host, batch, &call, &outputs, &count, error) != SWERVE_OK || count != 1) return SWERVE_INTERNAL;
        const swerve_tensor *first = outputs;
        call.model = "missing";
        if (models->run(host, batch, &call, &outputs, &count, error) != SWERVE_NOT_FOUND) return SWERVE_INTERNAL;
        if (strcmp(error->message, "no missing here")) return SWERVE_INTERNAL;
        if (strcmp(first->name, "echo 3 the-model {\"p\":1}") || ((float *)first->data)[1] != 6) return SWERVE_INTERNAL;
        return SWERVE_UNSUPPORTED;
        """)
    let answer = try plugin.model(services).answer([1])
    #expect(answer?.status == .unsupported, "\(answer?.message ?? "")")
  }

  @Test func withoutOtherModelsACallIsUnavailable() throws {
    let plugin = CPlugin(
      execute: """
        const swerve_models *models = host->extension(host, SWERVE_MODELS);
        const swerve_tensor *outputs;
        uint32_t count;
        swerve_call call = {.struct_size = sizeof call, .model = "echo"};
        return models->run(host, batch, &call, &outputs, &count, error);
        """)
    #expect(try plugin.model().answer([1])?.status == .unavailable)
  }

  /// Gives back what it gets, under a name that tells the rest of the call.
  private final class EchoRunner: ModelRunner {
    func run(_ call: ModelCall) throws(PluginError) -> [Tensor] {
      guard call.model == "echo" else {
        throw PluginError(status: .notFound, message: "no \(call.model) here")
      }
      return call.inputs.map { input in
        var copy = Tensor("", Array(input.elements(as: Float.self)))
        copy.name = "\(call.model) \(call.version) \(call.caller) \(call.parameters)"
        return copy
      }
    }
  }

  @Test func memoryIsCountedAndLimited() throws {
    let services = HostServices(memoryLimit: 1000)
    let plugin = CPlugin(
      globals: "static void *kept;",
      destroy:
        "const swerve_memory *m = model->host->extension(model->host, SWERVE_MEMORY); m->release(model->host, kept); free(model);",
      execute: """
        const swerve_memory *memory = host->extension(host, SWERVE_MEMORY);
        kept = memory->allocate(host, 600);
        if (!kept || (uintptr_t)kept % 64) return SWERVE_INTERNAL;
        memset(kept, 1, 600);
        if (memory->allocate(host, 401) || memory->allocate(host, SIZE_MAX)) return SWERVE_NOT_FOUND;
        void *rest = memory->allocate(host, 400);
        if (!rest) return SWERVE_OUT_OF_MEMORY;
        memory->release(host, rest);
        memory->release(host, NULL);
        return SWERVE_UNSUPPORTED;
        """)
    var model: PluginModel? = try plugin.model(services)
    #expect(model?.answer([1])?.status == .unsupported)
    #expect(services.pluginMemoryInUse == 600)
    model = nil
    #expect(services.pluginMemoryInUse == 0)
  }

  @Test func memoryThatAModelForgetsIsNamed() throws {
    let log = LogRecorder()
    let plugin = CPlugin(
      globals: "void *forgotten;",
      execute: """
        const swerve_memory *memory = host->extension(host, SWERVE_MEMORY);
        forgotten = memory->allocate(host, 321);
        return forgotten ? SWERVE_UNSUPPORTED : SWERVE_INTERNAL;
        """)
    var model: PluginModel? = try plugin.model(log.services())
    #expect(model?.answer([1])?.status == .unsupported)
    model = nil
    #expect(log.text.contains("warning fixture the-model: ") && log.text.contains("321 bytes"))
  }

  @Test func threadsRunEveryBodyOnce() throws {
    let plugin = CPlugin(
      globals: """
        static void body(void *context, size_t index) { ((float *)context)[index] += (float)index; }
        """,
      execute: """
        const swerve_threads *threads = host->extension(host, SWERVE_THREADS);
        float *y = host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){100})->data;
        memset(y, 0, 400);
        threads->parallel_for(host, 100, body, y);
        threads->parallel_for(host, 0, body, NULL);
        return threads->width(host) >= 1 ? SWERVE_OK : SWERVE_INTERNAL;
        """)
    #expect(try plugin.model().answer([1])?.outputs.first?.floats == (0..<100).map(Float.init))
  }

  @Test func sgemmMultiplies() throws {
    let plugin = CPlugin(
      execute: """
        const swerve_kernels *k = host->extension(host, SWERVE_KERNELS);
        float *y = host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){4})->data;
        const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 9, 11, 8, 10, 12};
        y[0] = y[1] = y[2] = y[3] = 1;
        if (k->sgemm(host, false, true, 2, 2, 3, 2, a, 3, b, 3, 10, y, 2)) return SWERVE_INTERNAL;
        if (k->sgemm(host, false, false, -1, 2, 3, 1, a, 3, b, 2, 0, y, 2) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
        if (k->sgemm(host, false, false, 2, 2, 3, 1, a, 2, b, 2, 0, y, 2) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
        if (k->sgemm(host, false, false, 2, 2, 3, 1, NULL, 3, b, 2, 0, y, 2) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
        if (k->sgemm(host, false, false, INT64_MAX, 2, 3, 1, a, 3, b, 2, 0, y, 2) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
        return SWERVE_OK;
        """)
    #expect(try plugin.model().answer([1])?.outputs.first?.floats == [126, 138, 288, 318])
  }

  @Test func conv2dConvolves() throws {
    let plugin = CPlugin(
      execute: """
        const swerve_kernels *k = host->extension(host, SWERVE_KERNELS);
        float *y = host->output(host, batch, "y", SWERVE_F32, 1, (int64_t[]){4})->data;
        const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[] = {1, 0, 0, 1}, bias[] = {100};
        swerve_conv2d s = {.struct_size = sizeof s, .batch = 1, .in_channels = 1, .height = 3, .width = 3,
          .out_channels = 1, .kernel_height = 2, .kernel_width = 2, .stride_y = 1, .stride_x = 1,
          .dilation_y = 1, .dilation_x = 1, .groups = 1};
        swerve_conv2d bad = s;
        bad.groups = 2;
        if (k->conv2d(host, &bad, x, w, bias, y) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
        bad = s;
        bad.stride_y = 0;
        if (k->conv2d(host, &bad, x, w, bias, y) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
        bad = s;
        bad.height = INT64_MAX;
        if (k->conv2d(host, &bad, x, w, bias, y) != SWERVE_INVALID_ARGUMENT) return SWERVE_INTERNAL;
        return k->conv2d(host, &s, x, w, bias, y);
        """)
    #expect(try plugin.model().answer([1])?.outputs.first?.floats == [106, 108, 112, 114])
  }
}
