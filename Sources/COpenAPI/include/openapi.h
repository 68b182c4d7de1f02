#ifndef SWERVE_OPENAPI_H
#define SWERVE_OPENAPI_H

#include <stddef.h>

// openapi.yaml, as it was when the server was built; it ends without a zero byte.
const unsigned char *openapi_text(void);
size_t openapi_byte_count(void);

#endif
