/* ext/tool.h: commands that a plugin adds to the server's command line: `swerve profile MODEL` of a model of
 * this plugin, and `swerve NAME …` of the plugin NAME.
 * What plugin->extension(plugin, SWERVE_TOOL) gives, or NULL. */
#ifndef SWERVE_PLUGIN_TOOL_H
#define SWERVE_PLUGIN_TOOL_H

#include "../swerve_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SWERVE_TOOL "tool/1"

typedef struct swerve_tool {
  size_t struct_size;

  /* Runs a command: its name and what follows it on the command line. What it prints goes to `write`, in pieces,
   * from the calling thread. SWERVE_INVALID_ARGUMENT: an unknown command or wrong arguments, with a message that
   * says what there is. [any-thread, no model needs to be loaded] */
  swerve_status (*run)(const swerve_plugin *plugin, const swerve_host *host, const char *const *arguments,
                       uint32_t argument_count, void (*write)(void *context, const char *text, size_t size),
                       void *context, swerve_error *error);
} swerve_tool;

#ifdef __cplusplus
}
#endif
#endif
