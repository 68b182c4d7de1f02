#include <features.h>
#include <jansson.h>

/* json_incref and json_decref are inline or macros; Swift calls these. */
static inline json_t *swerve_json_retain(json_t *value) { return json_incref(value); }
static inline void swerve_json_release(json_t *value) { json_decref(value); }
