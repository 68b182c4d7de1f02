/* countdown: streams n, n-1, ..., 1 to each request, from a thread of its own. */
#include <pthread.h>
#include <stdlib.h>

#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
};

struct job {
  const swerve_host *host;
  const swerve_batch *batch;
};

static const swerve_spec input = {.name = "n", .dtype = SWERVE_I64, .rank = 1, .dims = {-1}};
static const swerve_spec output = {.name = "i", .dtype = SWERVE_I64, .rank = 1, .dims = {-1}};
static const swerve_model_info info = {
    .struct_size = sizeof info, .spec_size = sizeof(swerve_spec),
    .inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1,
    .max_batch = 4, .concurrency = SWERVE_CONCURRENT};

static void *stream(void *argument) {
  struct job job = *(struct job *)argument;
  free(argument);
  const int64_t *n = job.batch->inputs[0].data;
  uint32_t count = job.batch->request_count;
  for (uint32_t r = 0; r < count; r++) {
    swerve_request *request = job.batch->requests[r];
    swerve_status status = SWERVE_OK;
    for (int64_t i = n[r]; i > 0 && status == SWERVE_OK; i--) {
      swerve_tensor part = {
          .name = "i", .dtype = SWERVE_I64, .rank = 1, .dims = {1}, .data = &i, .byte_size = sizeof i};
      status = job.host->send(job.host, request, &part, 1);
    }
    job.host->finish(job.host, request, status, NULL);
  }
  return NULL;
}

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
  struct job *job = malloc(sizeof *job);
  if (!job) return SWERVE_OUT_OF_MEMORY;
  *job = (struct job){.host = model->host, .batch = batch};
  pthread_t thread;
  if (pthread_create(&thread, NULL, stream, job)) {
    free(job);
    return SWERVE_UNAVAILABLE;
  }
  pthread_detach(thread);
  return SWERVE_PENDING;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "countdown", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
