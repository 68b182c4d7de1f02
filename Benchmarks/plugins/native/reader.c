/* A model that reads all of its input: y[0] is the sum of x. It goes wrong where the first of x says so. */
#include <stdlib.h>
#include <string.h>

#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
};

static const swerve_spec input = {.name = "x", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, -1}};
static const swerve_spec output = {.name = "y", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, 1}};
static const swerve_model_info info = {
    .struct_size = sizeof info, .spec_size = sizeof(swerve_spec),
    .inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1,
    .max_batch = 1, .concurrency = SWERVE_CONCURRENT, .flags = SWERVE_SAFE_TO_RETRY};

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

float reader_sum(const float *x, size_t count) {
  float sums[16] = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int lane = 0; lane < 16; lane++) sums[lane] += x[i + lane];
  }
  float sum = 0;
  for (int lane = 0; lane < 16; lane++) sum += sums[lane];
  for (; i < count; i++) sum += x[i];
  return sum;
}

static void go_wrong(float how) {
  if (how == -1001) {
    for (volatile int forever = 1; forever;) {}
  } else if (how == -1002) {
    for (;;) memset(malloc(1 << 20), 1, 1 << 20);
  } else {
    abort();
  }
}

static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
  (void)error;
  const swerve_tensor *x = &batch->inputs[0];
  const int64_t one[] = {x->dims[0], 1};
  swerve_tensor *y = model->host->output(model->host, batch, "y", SWERVE_F32, 2, one);
  if (!y) return SWERVE_OUT_OF_MEMORY;
  const float *from = x->data;
  float *to = y->data;
  if (x->byte_size > 0 && from[0] < -1000) go_wrong(from[0]);
  for (int64_t row = 0; row < x->dims[0]; row++) {
    to[row] = reader_sum(from + row * x->dims[1], (size_t)x->dims[1]);
  }
  return SWERVE_OK;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "reader", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
