/* swerve_plugin.h: all that a model plugin and the server know of each other. ABI 1.0.
 *
 * A plugin is a shared library with one exported function, swerve_plugin_entry(), the last line of
 * this file. It returns a table of functions (swerve_plugin); the server hands over its own
 * (swerve_host). Start from plugins/identity/identity.c, a complete plugin on one page.
 *
 * Reading order: values, what a model says of itself, one call of execute, the two tables.
 *
 * Threads: each function carries a tag.
 *   [any-thread]   callable from any thread, concurrently.
 *   [load-thread]  one call at a time per plugin; may block.
 *   [exec-thread]  a worker; concurrent only if the model says SWERVE_CONCURRENT.
 * Memory: who creates, frees. Nothing crosses the border to be freed on the other side. A pointer
 *   argument is valid until the call returns, unless its comment says otherwise.
 * Text: NUL-terminated UTF-8.
 * Growth: a struct that begins with struct_size may gain fields at its end in a minor version. Its
 *   sender sets struct_size to sizeof; its receiver reads no field beyond it (SWERVE_HAS) and takes a
 *   field the sender is too old to have as 0. All other structs are frozen. Unknown flag bits are
 *   ignored, so set none that this header does not name. */
#ifndef SWERVE_PLUGIN_H
#define SWERVE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SWERVE_ABI_MAJOR 1 /* a break: a server refuses a plugin of a major it does not know */
#define SWERVE_ABI_MINOR 0 /* an addition: older plugins still load, newer ones too */

/* Whether the sender of `object`, a pointer to a struct that begins with struct_size, has `field`. */
#define SWERVE_HAS(object, field)                                                                  \
  ((object)->struct_size >=                                                                        \
   (size_t)((const char *)&(object)->field - (const char *)(object)) + sizeof((object)->field))

typedef struct swerve_plugin swerve_plugin;   /* what a plugin offers */
typedef struct swerve_host swerve_host;       /* what the server offers */
typedef struct swerve_model swerve_model;     /* a loaded model; opaque to the server */
typedef struct swerve_request swerve_request; /* a client's request; a handle, never dereferenced */

/* ---- Values ------------------------------------------------------------------------------- */

/* The type of a tensor's elements. */
typedef int32_t swerve_dtype;
enum {
  SWERVE_BOOL = 1, /* one byte: 0 or 1 */
  SWERVE_U8 = 2,
  SWERVE_U16 = 3,
  SWERVE_U32 = 4,
  SWERVE_U64 = 5,
  SWERVE_I8 = 6,
  SWERVE_I16 = 7,
  SWERVE_I32 = 8,
  SWERVE_I64 = 9,
  SWERVE_F16 = 10,
  SWERVE_BF16 = 11,
  SWERVE_F32 = 12,
  SWERVE_F64 = 13,
  SWERVE_BYTES = 14 /* each element is a swerve_bytes */
};

/* One element of a SWERVE_BYTES tensor. Frozen. `data` may be NULL when `size` is 0. */
typedef struct swerve_bytes {
  const uint8_t *data;
  size_t size;
} swerve_bytes;

/* Where a tensor's data lies. A plugin of ABI 1.0 sees and sends SWERVE_HOST_MEMORY only. */
enum { SWERVE_HOST_MEMORY = 0 };

#define SWERVE_MAX_RANK 8

/* Dense, row-major, without strides. Frozen. */
typedef struct swerve_tensor {
  const char *name;
  swerve_dtype dtype;
  uint32_t rank;
  int64_t dims[SWERVE_MAX_RANK]; /* the first `rank`; none for a scalar */
  void *data;                    /* an input's is 64-byte aligned and read-only */
  size_t byte_size;              /* elements times their size */
  int32_t memory_kind;           /* SWERVE_HOST_MEMORY */
  int32_t device_id;             /* 0 in host memory */
} swerve_tensor;

/* How a call or a request ended. */
typedef int32_t swerve_status;
enum {
  SWERVE_OK = 0,
  SWERVE_PENDING = 1, /* from execute only: the plugin finishes the requests later */
  SWERVE_INVALID_ARGUMENT = 2,
  SWERVE_NOT_FOUND = 3,
  SWERVE_UNSUPPORTED = 4,
  SWERVE_OUT_OF_MEMORY = 5,
  SWERVE_CANCELLED = 6,   /* the client has gone, or the deadline has passed */
  SWERVE_UNAVAILABLE = 7, /* try again later */
  SWERVE_INTERNAL = 8
};

#define SWERVE_ERROR_SIZE 512

/* The sentence that goes with a failure. The caller's memory, empty when the call begins; the
 * callee writes into it: snprintf(error->message, sizeof error->message, …). Frozen. */
typedef struct swerve_error {
  char message[SWERVE_ERROR_SIZE];
} swerve_error;

/* ---- What a model says of itself ---------------------------------------------------------- */

/* Flags of a swerve_spec. */
enum {
  SWERVE_OPTIONAL = 1, /* an input that a client may leave out; an output that may be missing */
  SWERVE_RAGGED = 2    /* requests that differ in dimensions of -1 beyond dimension 0 may share a
                          batch: the server fills the shorter ones up with pad_value */
};

/* An input or output. It grows at its end: swerve_model_info.spec_size is its size. */
typedef struct swerve_spec {
  const char *name;
  swerve_dtype dtype;
  uint32_t rank;
  int64_t dims[SWERVE_MAX_RANK]; /* -1: any size */
  uint32_t flags;                /* SWERVE_OPTIONAL, SWERVE_RAGGED */
  uint32_t label_count;          /* 0, or the size of the last dimension */
  const char *const *labels;     /* names of the last dimension's elements, e.g. classes */
  double pad_value;              /* with SWERVE_RAGGED */
} swerve_spec;

/* How many calls of execute a model takes at once. */
enum {
  SWERVE_SERIAL = 0,    /* the next when the former has returned: no locks needed */
  SWERVE_CONCURRENT = 1 /* any number, from any threads */
};

/* Flags of a swerve_model_info. */
enum {
  SWERVE_SAFE_TO_RETRY = 1 /* a request that was lost half-way may be executed again */
};

typedef struct swerve_model_info {
  size_t struct_size;
  size_t spec_size; /* sizeof(swerve_spec): the stride of the two arrays */
  const swerve_spec *inputs, *outputs;
  uint32_t input_count, output_count;
  uint32_t max_batch;       /* rows of dimension 0 in one execute. 0 and 1: requests are never stacked.
                               More: dimension 0 of every input and output is the batch, and is -1 */
  int32_t concurrency;      /* SWERVE_SERIAL, SWERVE_CONCURRENT */
  uint64_t memory_estimate; /* bytes the model takes; 0: not known */
  const char *platform;     /* what clients are told, e.g. "onnx_onnxv1"; NULL: the plugin's name */
  uint32_t flags;           /* SWERVE_SAFE_TO_RETRY */
  uint32_t reserved;        /* 0 */
} swerve_model_info;

/* ---- One call of execute ------------------------------------------------------------------ */

/* The server stacks requests along dimension 0 and cuts the outputs the same way: a plugin that never
 * looks at `requests` is already correct. inputs[i] is the model's input i; an optional one that was
 * left out has data NULL. All of it stays as it is until the last of the requests is finished.
 *
 * One bad row need not fail its neighbours: call host->finish() for that request with its status and
 * message, fill the rest, and return SWERVE_OK. The server answers the requests still open, and ignores
 * the finished one's rows of the outputs. */
typedef struct swerve_batch {
  size_t struct_size;
  const swerve_tensor *inputs;
  uint32_t input_count, request_count;
  swerve_request *const *requests;
  const uint32_t *rows; /* rows[i]: how much of dimension 0 belongs to requests[i] */
  uint64_t token;       /* the server's own */
} swerve_batch;

/* What the server knows of a request. Valid until the request is finished. */
typedef struct swerve_request_info {
  size_t struct_size;
  const char *id;         /* "" if the client gave none */
  const char *parameters; /* a JSON object */
  int64_t deadline_ns;    /* on CLOCK_MONOTONIC; 0: none */
} swerve_request_info;

/* ---- The plugin's table: the server calls ------------------------------------------------- */

/* What create is given. The strings are valid during the call. */
typedef struct swerve_create_args {
  size_t struct_size;
  const swerve_plugin *plugin; /* the table that swerve_plugin_entry() returned */
  const swerve_host *host;     /* this model's own: log lines, memory and metrics that go through it are
                                  counted as the model's. Keep it; valid until destroy returns */
  const char *path;            /* the model's version folder */
  const char *config;          /* a JSON object: "parameters" of the model's configuration */
  const char *name;            /* what the server calls the model */
} swerve_create_args;

struct swerve_plugin {
  size_t struct_size;
  uint16_t abi_major, abi_minor; /* SWERVE_ABI_MAJOR, SWERVE_ABI_MINOR: as compiled */
  uint32_t flags;                /* 0 */
  const char *name, *version;    /* e.g. "identity" (letters, digits, _ . -), "1.0.0" */
  void *context;                 /* the plugin's own; the server leaves it alone */

  /* Loads a model and stores it in *model, which it owns until destroy. On failure: a status, a
   * message, and nothing left behind. [load-thread] */
  swerve_status (*create)(const swerve_create_args *args, swerve_model **model, swerve_error *error);

  /* Frees the model. No request is open and no other call runs. [load-thread] */
  void (*destroy)(swerve_model *model);

  /* What the model takes and gives: owned by the model, constant until destroy, never NULL.
   * [any-thread] */
  const swerve_model_info *(*describe)(const swerve_model *model);

  /* Computes a batch.
   * SWERVE_OK: done; the server finishes every request still open, with the outputs added.
   * SWERVE_PENDING: the plugin calls host->finish() for each request, now or later, on any thread;
   *   it may add outputs or stream until then.
   * Anything else: the server fails every request still open with it and with `error`.
   * `error` is valid during the call, `batch` until the last request is finished. [exec-thread] */
  swerve_status (*execute)(swerve_model *model, const swerve_batch *batch, swerve_error *error);

  /* Optional: the client of `request` has gone; finish it soon. Called once at most, and not for a
   * request that was cancelled before execute: is_cancelled() says so. The request may just have been
   * finished on another thread: handles are never used twice, so look it up among your own. [any-thread] */
  void (*cancel)(swerve_model *model, swerve_request *request);

  /* Optional: further interfaces by id, each in a header of its own; NULL for an unknown id. The
   * result is constant and valid as long as the process. [any-thread] */
  const void *(*extension)(const swerve_plugin *plugin, const char *id);
};

/* ---- The server's table: the plugin calls ------------------------------------------------- */

/* Levels of log. */
enum { SWERVE_LOG_DEBUG = 0, SWERVE_LOG_INFO = 1, SWERVE_LOG_WARNING = 2, SWERVE_LOG_ERROR = 3 };

struct swerve_host {
  size_t struct_size;
  uint16_t abi_major, abi_minor; /* what the server was compiled with */
  uint32_t flags;                /* 0 */
  const char *name, *version;    /* the server's; valid as long as the process */
  void *context;                 /* the server's own */

  /* Writes one line to the server's log. `message` is copied. [any-thread] */
  void (*log)(const swerve_host *host, int32_t level, const char *message);

  /* What is known of the request; NULL for a dead handle. Owned by the server, valid until the request
   * is finished. [any-thread] */
  const swerve_request_info *(*request_info)(const swerve_host *host, const swerve_request *request);

  /* Whether nobody waits for the request any more; true for a dead handle. Cheap: ask in a loop.
   * [any-thread] */
  bool (*is_cancelled)(const swerve_host *host, const swerve_request *request);

  /* Adds one of the model's outputs, for all rows of the batch, and returns it to be filled before the
   * requests are finished. The tensor is the server's, valid until the last request is finished, 64-byte
   * aligned, not zeroed (SWERVE_BYTES: zeroed), and is sent as it is. The elements of a SWERVE_BYTES
   * output point into memory from bytes(), or to what stays as it is longer than the requests, such as
   * constants. NULL, and a line in the log: out of memory, not an output of the model, added before, or
   * not of the declared dtype and dims. [any-thread, one call at a time per batch] */
  swerve_tensor *(*output)(const swerve_host *host, const swerve_batch *batch, const char *name,
                           swerve_dtype dtype, uint32_t rank, const int64_t *dims);

  /* Memory for the bytes that elements of SWERVE_BYTES outputs point to, not zeroed. The server's, valid
   * until the last request of the batch is finished. NULL, and a line in the log: out of memory.
   * [any-thread, one call at a time per batch] */
  void *(*bytes)(const swerve_host *host, const swerve_batch *batch, size_t size);

  /* Streams a part of one request's answer: outputs of the model, copied before the call returns.
   * Blocks while the client reads too slowly. SWERVE_CANCELLED: nobody reads; stop, and finish.
   * SWERVE_INVALID_ARGUMENT, and a line in the log: a dead handle, or tensors the model does not
   * declare. [any-thread, one call at a time per request] */
  swerve_status (*send)(const swerve_host *host, swerve_request *request, const swerve_tensor *tensors,
                        uint32_t count);

  /* Ends one request, exactly once. With SWERVE_OK its answer is what was streamed, or else its rows of
   * the outputs added. `message` may be NULL and is copied. The handle is dead after it: using it again
   * does nothing but a line in the log. [any-thread] */
  void (*finish)(const swerve_host *host, swerve_request *request, swerve_status status,
                 const char *message);

  /* A service of the server by id, or NULL if it has none of that id: SWERVE_KERNELS, SWERVE_THREADS,
   * SWERVE_MEMORY, SWERVE_METRICS, each in a header under ext/. Constant, valid as long as the
   * process. [any-thread] */
  const void *(*extension)(const swerve_host *host, const char *id);
};

/* ---- The one symbol ----------------------------------------------------------------------- */

#if defined(__GNUC__)
#define SWERVE_EXPORT __attribute__((visibility("default")))
#else
#define SWERVE_EXPORT
#endif

/* Returns the plugin's table, constant and valid as long as the process. The server compares the
 * versions and says what does not fit; NULL refuses this server. `host` is the plugin's, valid as long as
 * the process. Fast, without side effects: also called just to list plugins. [any-thread] */
SWERVE_EXPORT const swerve_plugin *swerve_plugin_entry(const swerve_host *host);

#ifdef __cplusplus
}
#endif
#endif
