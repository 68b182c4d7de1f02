/* ext/config.h: the model's configuration, read for the plugin: what create gets as text in args->config, the
 * "parameters" of model.json. So a plugin needs no JSON reader of its own.
 * const swerve_config *config = host->extension(host, SWERVE_CONFIG);
 *   double threshold = 0.5;
 *   config->number(host, "threshold", &threshold); */
#ifndef SWERVE_PLUGIN_CONFIG_H
#define SWERVE_PLUGIN_CONFIG_H

#include "../swerve_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SWERVE_CONFIG "config/1"

/* A path is names and positions with dots between them: "labels.0.name"; "" is the whole configuration. Where
 * there is nothing, or something of another type, a function returns false and leaves *value as it is: put the
 * default there before. `host` is the model's own. */
typedef struct swerve_config {
  size_t struct_size;

  /* A number. [any-thread] */
  bool (*number)(const swerve_host *host, const char *path, double *value);

  /* A whole number that fits. [any-thread] */
  bool (*integer)(const swerve_host *host, const char *path, int64_t *value);

  /* true or false. [any-thread] */
  bool (*boolean)(const swerve_host *host, const char *path, bool *value);

  /* A text, valid until destroy returns. [any-thread] */
  bool (*text)(const swerve_host *host, const char *path, const char **value);

  /* How many elements a list or an object has; -1 if there is neither. [any-thread] */
  int64_t (*count)(const swerve_host *host, const char *path);

  /* The name of member `index` of an object, valid until destroy returns. [any-thread] */
  bool (*key)(const swerve_host *host, const char *path, int64_t index, const char **value);
} swerve_config;

#ifdef __cplusplus
}
#endif
#endif
