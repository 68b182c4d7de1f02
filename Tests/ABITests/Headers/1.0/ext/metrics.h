/* ext/metrics.h: numbers on the server's metrics page, under "swerve_plugin_" and the given name, with
 * the labels plugin and model. Register in create, record while executing.
 * const swerve_metrics *metrics = host->extension(host, SWERVE_METRICS); */
#ifndef SWERVE_PLUGIN_METRICS_H
#define SWERVE_PLUGIN_METRICS_H

#include "../swerve_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SWERVE_METRICS "metrics/1"

typedef struct swerve_metric swerve_metric; /* a handle, valid until the model is destroyed */

typedef struct swerve_metrics {
  size_t struct_size;

  /* Each registers a metric of the model. `name` has letters, digits and _, `help` is a sentence; both
   * are copied. The same name and kind gives the same handle. NULL, and a line in the log: a name of
   * another form, a name taken by another kind, or more than 64 metrics in a model. [any-thread] */
  swerve_metric *(*counter)(const swerve_host *host, const char *name, const char *help);
  swerve_metric *(*gauge)(const swerve_host *host, const char *name, const char *help);
  /* `bounds`: the upper bounds of the buckets, ascending, 1 to 64 of them. */
  swerve_metric *(*histogram)(const swerve_host *host, const char *name, const char *help,
                              const double *bounds, uint32_t bound_count);

  /* A counter grows by `value`, a whole number of at least 0; a gauge becomes `value`; a histogram
   * counts `value`. Cheap. `metric` may be NULL: nothing happens. [any-thread] */
  void (*record)(swerve_metric *metric, double value);
} swerve_metrics;

#ifdef __cplusplus
}
#endif
#endif
