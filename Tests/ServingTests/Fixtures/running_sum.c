/* running_sum: adds its input to a state that the host keeps. A negative number is refused. It fails a call that
 * holds one sequence twice. */
#include <stdlib.h>

#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
};

static const swerve_spec inputs[] = {
    {.name = "x", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, 1}},
    {.name = "start", .dtype = SWERVE_I32, .rank = 2, .dims = {-1, 1}},
    {.name = "id", .dtype = SWERVE_U64, .rank = 2, .dims = {-1, 1}},
    {.name = "before", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, 1}},
};
static const swerve_spec outputs[] = {
    {.name = "sum", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, 1}},
    {.name = "after", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, 1}},
};
static const swerve_model_info info = {
    .struct_size = sizeof info, .spec_size = sizeof(swerve_spec),
    .inputs = inputs, .input_count = 4, .outputs = outputs, .output_count = 2,
    .max_batch = 16, .concurrency = SWERVE_CONCURRENT};

static swerve_status create(const swerve_create_args *args, swerve_model **model, swerve_error *error) {
  (void)error;
  *model = calloc(1, sizeof **model);
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
  const swerve_host *host = model->host;
  const float *x = batch->inputs[0].data, *before = batch->inputs[3].data;
  const int32_t *start = batch->inputs[1].data;
  const uint64_t *id = batch->inputs[2].data;
  swerve_tensor *sum = host->output(host, batch, "sum", SWERVE_F32, 2, batch->inputs[0].dims);
  swerve_tensor *after = host->output(host, batch, "after", SWERVE_F32, 2, batch->inputs[0].dims);
  for (uint32_t row = 0; row < batch->request_count; row++) {
    for (uint32_t other = 0; other < row; other++)
      if (id[other] == id[row]) return SWERVE_INTERNAL;
    if (start[row] && before[row] != 0) return SWERVE_INTERNAL;
    ((float *)sum->data)[row] = ((float *)after->data)[row] = before[row] + x[row];
    if (x[row] < 0) host->finish(host, batch->requests[row], SWERVE_INVALID_ARGUMENT, "x must not be negative");
  }
  return SWERVE_OK;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "running_sum", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
