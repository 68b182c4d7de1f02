/* moods: y = x / 2, unless the first of x says otherwise: see `execute`. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
};

struct job {
  const swerve_host *host;
  const swerve_batch *batch;
};

static const swerve_spec input = {.name = "x", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, -1}};
static const swerve_spec output = {.name = "y", .dtype = SWERVE_F32, .rank = 2, .dims = {-1, -1}};
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

static swerve_status halve(const swerve_host *host, const swerve_batch *batch) {
  const swerve_tensor *x = &batch->inputs[0];
  swerve_tensor *y = host->output(host, batch, "y", SWERVE_F32, 2, x->dims);
  if (!y) return SWERVE_OUT_OF_MEMORY;
  const float *from = x->data;
  float *to = y->data;
  for (size_t i = 0; i < x->byte_size / sizeof(float); i++) to[i] = from[i] / 2;
  return SWERVE_OK;
}

static void *later(void *argument) {
  struct job job = *(struct job *)argument;
  free(argument);
  usleep(2000);
  swerve_request *request = job.batch->requests[0];
  job.host->finish(job.host, request, halve(job.host, job.batch), NULL);
  return NULL;
}

static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
  (void)error;
  float first = ((const float *)batch->inputs[0].data)[0];
  if (first == -1) abort();
  if (first == -4) {
    for (volatile int forever = 1; forever;) {}
  }
  if (first == -2) return SWERVE_INVALID_ARGUMENT;
  if (first != -3) return halve(model->host, batch);
  struct job *job = malloc(sizeof *job); /* finished by a thread, after this returns */
  if (!job) return SWERVE_OUT_OF_MEMORY;
  *job = (struct job){.host = model->host, .batch = batch};
  pthread_t thread;
  if (pthread_create(&thread, NULL, later, job)) {
    free(job);
    return SWERVE_UNAVAILABLE;
  }
  pthread_detach(thread);
  return SWERVE_PENDING;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "moods", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
