import PluginHost

/// A plugin in C, of which a test replaces parts. As it stands it doubles "x", FP32 [-1], into "y".
struct CPlugin {
  /// At file scope, before the functions.
  var globals = ""
  /// Bodies of functions.
  var create = """
    *model = malloc(sizeof **model);
    (*model)->host = args->host;
    return SWERVE_OK;
    """
  var destroy = "free(model);"
  var describe = "return &info;"
  var execute = """
    const swerve_tensor *x = &batch->inputs[0];
    swerve_tensor *y = host->output(host, batch, "y", SWERVE_F32, 1, x->dims);
    if (!y) return SWERVE_OUT_OF_MEMORY;
    for (int64_t i = 0; i < x->dims[0]; i++) ((float *)y->data)[i] = 2 * ((const float *)x->data)[i];
    return SWERVE_OK;
    """
  var entry = "return &plugin;"
  /// More initializers; the last one for a field counts.
  var input = ""
  var output = ""
  var info = ""
  var table = ""

  var source: String {
    """
    #include "swerve_plugin.h"
    #include "ext/config.h"
    #include "ext/kernels.h"
    #include "ext/memory.h"
    #include "ext/metrics.h"
    #include "ext/models.h"
    #include "ext/threads.h"
    #include <pthread.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <time.h>
    #include <unistd.h>
    struct swerve_model { const swerve_host *host; };
    static const swerve_spec inputs[] = {{.name = "x", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}, \(input)}};
    static const swerve_spec outputs[] = {{.name = "y", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}, \(output)}};
    static const swerve_model_info info = {
      .struct_size = sizeof info, .spec_size = sizeof(swerve_spec), .inputs = inputs, .input_count = 1,
      .outputs = outputs, .output_count = 1, .max_batch = 16, .concurrency = SWERVE_CONCURRENT, \(info)};
    \(globals)
    static swerve_status create(const swerve_create_args *args, swerve_model **model, swerve_error *error) {
      \(create)
    }
    static void destroy(swerve_model *model) { \(destroy) }
    static const swerve_model_info *describe(const swerve_model *model) { \(describe) }
    static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
      const swerve_host *host = model->host;
      \(execute)
    }
    #ifndef NO_TABLE
    static const swerve_plugin plugin = {
      .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
      .name = "fixture", .version = "1.2.3", .create = create, .destroy = destroy, .describe = describe,
      .execute = execute, \(table)};
    const swerve_plugin *swerve_plugin_entry(const swerve_host *host) { \(entry) }
    #endif
    """
  }

  /// Builds it in `folder`.
  func build(
    in folder: TemporaryFolder, name: String = "fixture", include: String = Toolchain.include
  ) throws -> String {
    try Toolchain.buildPlugin(
      try folder.write("\(name).c", source), in: folder, name: "\(name).so", include: include)
  }

  /// Builds it, loads it, and loads a model of it.
  func model(_ services: HostServices = HostServices(), configuration: String = "{}") throws -> PluginModel {
    let folder = try TemporaryFolder()
    let plugin = try Plugin(path: try build(in: folder), services: services)
    return try plugin.makeModel(path: folder.path, configuration: configuration, name: "the-model")
  }

  /// Why it, or a model of it, is refused; nil if it is not.
  func refusal() throws -> String? {
    do {
      _ = try model()
      return nil
    } catch let error as PluginError {
      return error.message
    }
  }
}
