/* words: streams a text back, a word at a time: the shape of a language model, without one.
 *
 * Parameters of a request: "max_tokens", how many words at most, and "delay_ms", how long each takes. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "swerve_plugin.h"

struct swerve_model {
  const swerve_host *host;
};

static const swerve_spec input = {.name = "text_input", .dtype = SWERVE_BYTES, .rank = 1, .dims = {1}};
static const swerve_spec output = {.name = "text_output", .dtype = SWERVE_BYTES, .rank = 1, .dims = {1}};
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

/* The number behind `key`, which has its quotes and colon; `otherwise` if there is none in 0 to `most`. A quote
 * within a string of JSON has a backslash before it, so the key is found as a key only. */
static long parameter(const char *json, const char *key, long otherwise, long most) {
  const char *found = strstr(json, key);
  if (!found) return otherwise;
  char *end;
  errno = 0;
  long value = strtol(found + strlen(key), &end, 10);
  return end == found + strlen(key) || errno || value < 0 || value > most ? otherwise : value;
}

/* The word that begins at `start`, with the spaces behind it. */
static swerve_bytes word_at(const swerve_bytes *text, size_t start) {
  size_t end = start;
  while (end < text->size && text->data[end] != ' ') end++;
  while (end < text->size && text->data[end] == ' ') end++;
  return (swerve_bytes){.data = text->data ? text->data + start : NULL, .size = end - start};
}

static void pause_for(long milliseconds) {
  struct timespec rest = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
  while (nanosleep(&rest, &rest) && errno == EINTR) continue;
}

/* Sends the words of one text; an empty one has one empty word. */
static swerve_status stream(const swerve_host *host, swerve_request *request, const swerve_bytes *text) {
  const swerve_request_info *asked = host->request_info(host, request);
  const char *json = asked ? asked->parameters : "{}";
  long left = parameter(json, "\"max_tokens\":", 1L << 30, 1L << 30);
  long delay = parameter(json, "\"delay_ms\":", 0, 10000);
  size_t start = 0;
  do {
    swerve_bytes word = word_at(text, start);
    if (delay) pause_for(delay);
    swerve_tensor part = {
        .name = "text_output", .dtype = SWERVE_BYTES, .rank = 1, .dims = {1},
        .data = &word, .byte_size = sizeof word};
    swerve_status status = host->send(host, request, &part, 1);
    if (status != SWERVE_OK) return status;
    start += word.size;
  } while (--left > 0 && start < text->size);
  return SWERVE_OK;
}

struct job {
  const swerve_host *host;
  const swerve_batch *batch;
};

static void *run(void *argument) {
  struct job job = *(struct job *)argument;
  free(argument);
  swerve_request *request = job.batch->requests[0];
  swerve_status status = stream(job.host, request, job.batch->inputs[0].data);
  job.host->finish(job.host, request, status, NULL);
  return NULL;
}

/* A thread for each request: a client that reads slowly holds up its own, and no worker of the server. */
static swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
  struct job *job = malloc(sizeof *job);
  if (!job) return SWERVE_OUT_OF_MEMORY;
  *job = (struct job){.host = model->host, .batch = batch};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  pthread_t thread;
  int failed = pthread_create(&thread, &attributes, run, job);
  pthread_attr_destroy(&attributes);
  if (!failed) return SWERVE_PENDING;
  free(job);
  snprintf(error->message, sizeof error->message, "no thread for the request; try again later");
  return SWERVE_UNAVAILABLE;
}

static const swerve_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = SWERVE_ABI_MAJOR, .abi_minor = SWERVE_ABI_MINOR,
    .name = "words", .version = "1.0.0",
    .create = create, .destroy = destroy, .describe = describe, .execute = execute};

const swerve_plugin *swerve_plugin_entry(const swerve_host *host) {
  (void)host;
  return &plugin;
}
