/* The models of the benchmark, as a native backend of Triton: its Python backend would add the cost of a
 * second process. A model whose name ends in _mean answers the mean of each request, any other its input;
 * one called paced takes its time for it.
 *
 * Triton's header is not in the wheel that carries the server, so the few functions needed are declared
 * here; the process that loads the backend defines them. Results that only report errors are not looked
 * at: the benchmark checks each server's answers before it measures. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mean.h"
#include "paced.h"

typedef struct error error;
typedef struct instance instance;
typedef struct model model;
typedef struct request request;
typedef struct response response;
typedef struct input input;
typedef struct output output;

enum { FP32 = 11, HOST_MEMORY = 0, FINAL_RESPONSE = 1, RELEASE_ALL = 1 };

error *TRITONBACKEND_ModelInstanceModel(instance *, model **);
error *TRITONBACKEND_ModelName(model *, const char **name);
error *TRITONBACKEND_RequestInputByIndex(request *, uint32_t index, input **);
error *TRITONBACKEND_InputProperties(
    input *, const char **name, int *datatype, const int64_t **dims, uint32_t *rank, uint64_t *byte_size,
    uint32_t *piece_count);
error *TRITONBACKEND_InputBuffer(
    input *, uint32_t piece, const void **data, uint64_t *size, int *memory_kind, int64_t *device);
error *TRITONBACKEND_ResponseNew(response **, request *);
error *TRITONBACKEND_ResponseOutput(
    response *, output **, const char *name, int datatype, const int64_t *dims, uint32_t rank);
error *TRITONBACKEND_OutputBuffer(output *, void **data, uint64_t size, int *memory_kind, int64_t *device);
error *TRITONBACKEND_ResponseSend(response *, uint32_t flags, error *);
error *TRITONBACKEND_RequestRelease(request *, uint32_t flags);

static const void *piece_of(input *x, uint32_t index, uint64_t *size) {
  const void *data = NULL;
  int kind = HOST_MEMORY;
  int64_t device = 0;
  TRITONBACKEND_InputBuffer(x, index, &data, size, &kind, &device);
  return data;
}

static void gather(input *x, uint32_t piece_count, char *to) {
  for (uint32_t i = 0; i < piece_count; i++) {
    uint64_t size = 0;
    const void *data = piece_of(x, i, &size);
    memcpy(to, data, size);
    to += size;
  }
}

/* A piece may end within a number, so several are gathered first, into memory that is kept. */
static float mean_of_pieces(input *x, uint32_t piece_count, uint64_t byte_size) {
  static __thread char *kept;
  static __thread uint64_t capacity;
  if (piece_count == 1) {
    uint64_t size = 0;
    const void *data = piece_of(x, 0, &size);
    return mean_of(data, size / sizeof(float));
  }
  if (capacity < byte_size) {
    free(kept);
    kept = malloc(byte_size);
    if (!kept) abort();
    capacity = byte_size;
  }
  gather(x, piece_count, kept);
  return mean_of(kept, byte_size / sizeof(float));
}

static void *output_of(response *answer, const int64_t *dims, uint32_t rank, uint64_t size) {
  output *y = NULL;
  void *data = NULL;
  int kind = HOST_MEMORY;
  int64_t device = 0;
  TRITONBACKEND_ResponseOutput(answer, &y, "y", FP32, dims, rank);
  TRITONBACKEND_OutputBuffer(y, &data, size, &kind, &device);
  return data;
}

static void answer_request(request *asked, int is_mean) {
  input *x = NULL;
  response *answer = NULL;
  const char *name;
  int datatype;
  const int64_t *dims;
  uint32_t rank, piece_count;
  uint64_t byte_size;
  TRITONBACKEND_RequestInputByIndex(asked, 0, &x);
  TRITONBACKEND_InputProperties(x, &name, &datatype, &dims, &rank, &byte_size, &piece_count);
  TRITONBACKEND_ResponseNew(&answer, asked);
  if (is_mean) {
    const int64_t one[] = {1, 1};
    float mean = mean_of_pieces(x, piece_count, byte_size);
    memcpy(output_of(answer, one, 2, sizeof mean), &mean, sizeof mean);
  } else {
    gather(x, piece_count, output_of(answer, dims, rank, byte_size));
  }
  TRITONBACKEND_ResponseSend(answer, FINAL_RESPONSE, NULL);
  TRITONBACKEND_RequestRelease(asked, RELEASE_ALL);
}

static int64_t rows_of(request **requests, uint32_t count) {
  int64_t rows = 0;
  for (uint32_t i = 0; i < count; i++) {
    input *x = NULL;
    const char *name;
    int datatype;
    const int64_t *dims;
    uint32_t rank, piece_count;
    uint64_t byte_size;
    TRITONBACKEND_RequestInputByIndex(requests[i], 0, &x);
    TRITONBACKEND_InputProperties(x, &name, &datatype, &dims, &rank, &byte_size, &piece_count);
    rows += dims[0];
  }
  return rows;
}

error *TRITONBACKEND_ModelInstanceExecute(instance *self, request **requests, const uint32_t count) {
  static const char ending[] = "_mean";
  model *own = NULL;
  const char *name = "";
  TRITONBACKEND_ModelInstanceModel(self, &own);
  TRITONBACKEND_ModelName(own, &name);
  size_t length = strlen(name), end = sizeof ending - 1;
  int is_mean = length >= end && strcmp(name + length - end, ending) == 0;
  if (strcmp(name, "paced") == 0) pace(rows_of(requests, count));
  for (uint32_t i = 0; i < count; i++) answer_request(requests[i], is_mean);
  return NULL;
}
