/* ext/memory.h: memory that the server counts as the model's, and against its limit.
 * const swerve_memory *memory = host->extension(host, SWERVE_MEMORY); */
#ifndef SWERVE_PLUGIN_MEMORY_H
#define SWERVE_PLUGIN_MEMORY_H

#include "../swerve_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SWERVE_MEMORY "memory/1"

typedef struct swerve_memory {
  size_t struct_size;

  /* 64-byte aligned, not zeroed; NULL when the limit is reached. The plugin releases it, at the latest
   * in destroy; what it forgets is named in the log. [any-thread] */
  void *(*allocate)(const swerve_host *host, size_t byte_size);

  /* Gives back what allocate returned through the same host; NULL does nothing. [any-thread] */
  void (*release)(const swerve_host *host, void *memory);
} swerve_memory;

#ifdef __cplusplus
}
#endif
#endif
