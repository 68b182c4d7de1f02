/* ext/models.h: the server's other models, run by a plugin as clients run them: checked, queued, batched with
 * other requests, and counted. It works in a worker process too.
 * const swerve_models *models = host->extension(host, SWERVE_MODELS); */
#ifndef SWERVE_PLUGIN_MODELS_H
#define SWERVE_PLUGIN_MODELS_H

#include "../swerve_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SWERVE_MODELS "models/1"

/* One call of a model. It grows at its end. */
typedef struct swerve_call {
  size_t struct_size;
  const char *model;           /* its name */
  int64_t version;             /* 0: the one that clients get who name none */
  const swerve_tensor *inputs; /* by name, in any order; their memory stays as it is during the call. An input or
                                  output of the batch will do, under another name if need be */
  uint32_t input_count;
  uint32_t reserved;               /* 0 */
  const swerve_request *request;   /* on whose behalf: its deadline and its end are the call's. NULL: on that of all
                                      of the batch */
  const char *parameters;          /* a JSON object; NULL: none */
} swerve_call;

typedef struct swerve_models {
  size_t struct_size;

  /* Runs a model, and returns when it has answered. *outputs has *output_count tensors: the server's, read-only,
   * valid until the last request of `batch` is finished. `error` may be NULL.
   *
   * The calling thread works for the model that it waits for, so calls need no threads of their own and cannot
   * wait for each other: a call that would close a circle (a calls b, which calls a) is refused with
   * SWERVE_UNSUPPORTED, and so is a chain of more than 8 models, and a model that streams its answer.
   * SWERVE_NOT_FOUND: no such model or version. SWERVE_INVALID_ARGUMENT: inputs that the model does not take.
   * SWERVE_UNAVAILABLE: it is not ready, or too much waits for it. SWERVE_CANCELLED: nobody waits for the answer any
   * more. Else what the model ended with. [any-thread, while a request of the batch is open] */
  swerve_status (*run)(const swerve_host *host, const swerve_batch *batch, const swerve_call *call,
                       const swerve_tensor **outputs, uint32_t *output_count, swerve_error *error);
} swerve_models;

#ifdef __cplusplus
}
#endif
#endif
