/* picky: doubles its input, serially. A negative number fails its own request only; two calls of
 * execute at once fail both; 1000 sleeps a moment. */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
  atomic_int running;
};

static const swerve_spec input = {.name = "x", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}};
static const swerve_spec output = {.name = "y", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}};
static const swerve_model_info info = {
    .struct_size = sizeof info, .spec_size = sizeof(swerve_spec),
    .inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1,
    .max_batch = 16, .concurrency = SWERVE_SERIAL};

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
  if (atomic_fetch_add(&model->running, 1) != 0) return SWERVE_INTERNAL;
  const float *x = batch->inputs[0].data;
  swerve_tensor *y = host->output(host, batch, "y", SWERVE_F32, 1, batch->inputs[0].dims);
  uint32_t row = 0;
  for (uint32_t r = 0; r < batch->request_count; r++) {
    bool is_bad = false;
    for (uint32_t end = row + batch->rows[r]; row < end; row++) {
      ((float *)y->data)[row] = 2 * x[row];
      is_bad |= x[row] < 0;
      if (x[row] == 1000) nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    if (is_bad) host->finish(host, batch->requests[r], SWERVE_INVALID_ARGUMENT, "x must not be negative");
  }
  atomic_fetch_sub(&model->running, 1);
  return SWERVE_OK;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "picky", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
