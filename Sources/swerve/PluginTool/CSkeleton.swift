/// A plugin in C.
enum CSkeleton {
  static func text(_ name: String) -> String {
    """
    #include <stdio.h>
    #include <stdlib.h>

    #include "swerve_plugin.h"

    /* A loaded model is whatever you like; this one only remembers its host. */
    struct swerve_model {
      const swerve_host *host;
    };

    /* What the model takes and gives. -1 is any size; dimension 0 is the batch. */
    static const swerve_spec input = {.name = "x", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, -1}};
    static const swerve_spec output = {.name = "y", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, -1}};
    static const swerve_model_info info = {
        .struct_size = sizeof info, .spec_size = sizeof(swerve_spec),
        .inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1,
        .max_batch = 64, .concurrency = SWERVE_CONCURRENT, .flags = SWERVE_SAFE_TO_RETRY};

    static swerve_status create(const swerve_create_args *args, swerve_model **model, swerve_error *error) {
      *model = malloc(sizeof **model);
      if (!*model) {
        snprintf(error->message, sizeof error->message, "no memory for %s", args->name);
        return SWERVE_OUT_OF_MEMORY;
      }
      (*model)->host = args->host;
      return SWERVE_OK;
    }

    static void destroy(swerve_model *model) { free(model); }

    static const swerve_model_info *describe(const swerve_model *model) {
      (void)model;
      return &info;
    }

    static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
      const swerve_tensor *x = &batch->inputs[0];
      swerve_tensor *y = model->host->output(model->host, batch, "y", SWERVE_F32, x->rank, x->dims);
      if (!y) {
        snprintf(error->message, sizeof error->message, "no memory for y");
        return SWERVE_OUT_OF_MEMORY;
      }
      const float *from = x->data;
      float *to = y->data;
      for (int64_t i = 0; i < x->dims[0] * x->dims[1]; i++) to[i] = from[i] + 1;
      return SWERVE_OK;
    }

    static const swerve_plugin plugin = {
        .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
        .name = "\(name)", .version = "1.0.0",
        .create = create, .destroy = destroy, .describe = describe, .execute = execute};

    const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
      (void)host;
      return &plugin;
    }

    """
  }
}
