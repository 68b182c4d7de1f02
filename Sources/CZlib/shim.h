#include <zlib.h>

/* zlib's own are macros; Swift calls these. windowBits: 15 for zlib, 31 for gzip, -15 for raw deflate. */
static inline int swerve_inflate_init(z_stream *stream, int windowBits) {
  return inflateInit2(stream, windowBits);
}
static inline int swerve_deflate_init(z_stream *stream, int level, int windowBits) {
  return deflateInit2(stream, level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY);
}
