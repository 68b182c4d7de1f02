/* half_plus_two: y = x / 2 + 2, for any number of x. */
#include <stdlib.h>

#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
};

static const swerve_spec input = {.name = "x", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}};
static const swerve_spec output = {.name = "y", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}};
static const swerve_model_info info = {
    .struct_size = sizeof info, .spec_size = sizeof(swerve_spec),
    .inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1,
    .max_batch = 1024, .concurrency = SWERVE_CONCURRENT, .flags = SWERVE_SAFE_TO_RETRY};

static swerve_status create(const swerve_create_args *args, swerve_model **model, swerve_error *error) {
  (void)error;
  *model = malloc(sizeof **model);
  if (!*model) return SWERVE_OUT_OF_MEMORY;
  (*model)->host = args->host;
  return SWERVE_OK;
}

static void destroy(swerve_model *model) { free(model); }

static const swerve_model_info *describe(const swerve_model *model) {
  (void)model;
  return &info;
}

static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
  (void)error;
  const swerve_tensor *x = &batch->inputs[0];
  swerve_tensor *y = model->host->output(model->host, batch, "y", SWERVE_F32, x->rank, x->dims);
  if (!y) return SWERVE_OUT_OF_MEMORY;
  const float *from = x->data;
  float *to = y->data;
  for (int64_t i = 0; i < x->dims[0]; i++) to[i] = from[i] / 2 + 2;
  return SWERVE_OK;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "half_plus_two", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
