/* The models of the benchmark, as a plugin: which of them a folder holds is told by the model's name. */
#include <stdlib.h>
#include <string.h>

#include "mean.h"
#include "paced.h"
#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
  const char *name;
  swerve_spec input, output;
  swerve_model_info info;
  bool is_mean, is_paced;
};

static const struct swerve_model models[] = {
    {.name = "small",
     .input = {.rank = 2, .dims = {-1, 16}}, .output = {.rank = 2, .dims = {-1, 16}},
     .info = {.max_batch = 64}},
    {.name = "image", .input = {.rank = 4, .dims = {-1, 3, 224, 224}},
     .output = {.rank = 4, .dims = {-1, 3, 224, 224}}},
    {.name = "image_mean", .input = {.rank = 4, .dims = {-1, 3, 224, 224}},
     .output = {.rank = 2, .dims = {-1, 1}}, .is_mean = true},
    {.name = "paced",
     .input = {.rank = 2, .dims = {-1, 1}}, .output = {.rank = 2, .dims = {-1, 1}},
     .info = {.max_batch = 32}, .is_paced = true},
    {.name = "large", .input = {.rank = 2, .dims = {-1, 4194304}},
     .output = {.rank = 2, .dims = {-1, 4194304}}},
};

static swerve_status create(const swerve_create_args *args, swerve_model **model, swerve_error *error) {
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    if (strcmp(models[i].name, args->name) != 0) continue;
    swerve_model *made = malloc(sizeof *made);
    if (!made) return SWERVE_OUT_OF_MEMORY;
    *made = models[i];
    made->host = args->host;
    made->input.name = "x";
    made->output.name = "y";
    made->input.dtype = made->output.dtype = SWERVE_F32;
    made->info.struct_size = sizeof made->info;
    made->info.spec_size = sizeof(swerve_spec);
    made->info.inputs = &made->input;
    made->info.outputs = &made->output;
    made->info.input_count = made->info.output_count = 1;
    made->info.concurrency = made->is_paced ? SWERVE_SERIAL : SWERVE_CONCURRENT;
    *model = made;
    return SWERVE_OK;
  }
  strcpy(error->message, "expected a folder named small, image, image_mean, paced or large");
  return SWERVE_NOT_FOUND;
}

static void destroy(swerve_model *model) { free(model); }

static const swerve_model_info *describe(const swerve_model *model) { return &model->info; }

static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
  (void)error;
  const swerve_tensor *x = &batch->inputs[0];
  if (model->is_paced) pace(x->dims[0]);
  const int64_t row[] = {x->dims[0], 1};
  const int64_t *dims = model->is_mean ? row : x->dims;
  swerve_tensor *y = model->host->output(model->host, batch, "y", x->dtype, model->output.rank, dims);
  if (!y) return SWERVE_OUT_OF_MEMORY;
  if (!model->is_mean) {
    memcpy(y->data, x->data, x->byte_size);
    return SWERVE_OK;
  }
  size_t row_bytes = x->dims[0] ? x->byte_size / (size_t)x->dims[0] : 0;
  for (int64_t i = 0; i < x->dims[0]; i++)
    ((float *)y->data)[i] = mean_of((const char *)x->data + (size_t)i * row_bytes, row_bytes / sizeof(float));
  return SWERVE_OK;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "benchmark", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
