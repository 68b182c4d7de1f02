/* fragile: doubles its input, and fails the whole batch if any row is negative. With SAFE_TO_RETRY, and batches of
 * up to MAX_BATCH rows. Each batch takes BATCH_MICROSECONDS; 1000 sleeps a moment. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "swerve_plugin.h"

#ifndef MAX_BATCH
#define MAX_BATCH 16
#endif
#ifndef BATCH_MICROSECONDS
#define BATCH_MICROSECONDS 0
#endif

struct swerve_model {
  const swerve_host *host;
};

static const swerve_spec input = {.name = "x", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}};
static const swerve_spec output = {.name = "y", .dtype = SWERVE_F32, .rank = 1, .dims = {-1}};
static const swerve_model_info info = {
    .struct_size = sizeof info, .spec_size = sizeof(swerve_spec),
    .inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1,
    .max_batch = MAX_BATCH, .concurrency = SWERVE_SERIAL, .flags = SWERVE_SAFE_TO_RETRY};

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
  const float *x = batch->inputs[0].data;
  int64_t rows = batch->inputs[0].dims[0];
  swerve_tensor *y = model->host->output(model->host, batch, "y", SWERVE_F32, 1, batch->inputs[0].dims);
  if (BATCH_MICROSECONDS) nanosleep(&(struct timespec){.tv_nsec = BATCH_MICROSECONDS * 1000L}, NULL);
  for (int64_t row = 0; row < rows; row++) {
    ((float *)y->data)[row] = 2 * x[row];
    if (x[row] == 1000) nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    if (x[row] < 0) {
      strcpy(error->message, "a row is negative");
      return SWERVE_INVALID_ARGUMENT;
    }
  }
  return SWERVE_OK;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "fragile", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
