#include "openapi.h"

// #embed is of C23, which this compiler takes in every language mode, with a warning in older ones.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char text[] = {
#embed "../../openapi.yaml"
};

const unsigned char *openapi_text(void) { return text; }
size_t openapi_byte_count(void) { return sizeof text; }
