/* half_plus_two: copies its input to its output. The smallest complete plugin. */
#include "swerve_plugin.h"
#include <string.h>

static const swerve_host *host;
static const swerve_tensor input = {.name = "in", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, -1}};
static const swerve_tensor output = {.name = "out", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, -1}};
static const swerve_model_info info = {
    .struct_size = sizeof info, .inputs = &input, .input_count = 1,
    .outputs = &output, .output_count = 1, .max_batch = 64, .concurrency = SWERVE_CONCURRENT};
static char the_model;

static swerve_status create(const swerve_host *h, const char *path, const char *config,
                        swerve_model **model, swerve_error *error) {
  (void)path; (void)config; (void)error;
  host = h;
  *model = (swerve_model *)&the_model;
  return SWERVE_OK;
}
static void destroy(swerve_model *model) { (void)model; }
static const swerve_model_info *describe(const swerve_model *model) { (void)model; return &info; }

static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
  (void)model; (void)error;
  const swerve_tensor *in = &batch->inputs[0];
  swerve_tensor *out = host->output(host, batch, "out", in->dtype, in->rank, in->dims);
  if (!out) return SWERVE_OUT_OF_MEMORY;
  memcpy(out->data, in->data, in->byte_size);
  return SWERVE_OK;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "half_plus_two", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *h) {
  return h->abi_major == SWERVE_ABI_MAJOR ? &plugin : NULL;
}
