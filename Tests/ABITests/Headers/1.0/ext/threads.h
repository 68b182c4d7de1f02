/* ext/threads.h: the server's worker threads, shared by all models so that the cores are not
 * oversubscribed. const swerve_threads *threads = host->extension(host, SWERVE_THREADS); */
#ifndef SWERVE_PLUGIN_THREADS_H
#define SWERVE_PLUGIN_THREADS_H

#include "../swerve_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SWERVE_THREADS "threads/1"

typedef struct swerve_threads {
  size_t struct_size;

  /* How many bodies run at once at most, the caller included. [any-thread] */
  uint32_t (*width)(const swerve_host *host);

  /* Runs body(context, 0) … body(context, count - 1), spread over the threads and the caller, and
   * returns when all are done. Called from within a body, it runs all of them on that thread.
   * [any-thread] */
  void (*parallel_for)(const swerve_host *host, size_t count, void (*body)(void *context, size_t index),
                       void *context);
} swerve_threads;

#ifdef __cplusplus
}
#endif
#endif
