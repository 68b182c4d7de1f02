/* ragged: of each row, the sum of what is not padding, and how many columns it came with. 1000 sleeps a moment. */
#include <stdlib.h>
#include <time.h>

#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
};

static const swerve_spec input = {
    .name = "x", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, -1}, .flags = SWERVE_RAGGED, .pad_value = -1};
static const swerve_spec output = {.name = "y", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, 2}};
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
  const swerve_tensor *x = &batch->inputs[0];
  const int64_t dims[] = {x->dims[0], 2};
  swerve_tensor *y = model->host->output(model->host, batch, "y", SWERVE_F32, 2, dims);
  for (int64_t row = 0; row < x->dims[0]; row++) {
    const float *values = (const float *)x->data + row * x->dims[1];
    float sum = 0;
    for (int64_t column = 0; column < x->dims[1]; column++) {
      if (values[column] != -1) sum += values[column];
      if (values[column] == 1000) nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    ((float *)y->data)[2 * row] = sum;
    ((float *)y->data)[2 * row + 1] = (float)x->dims[1];
  }
  return SWERVE_OK;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "ragged", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
