/* features.h first: a debug build otherwise sees fd_set without __fds_bits. */
#include <features.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <string.h>

/* Macros of OpenSSL, which Swift does not see. */

static inline int swerve_SSL_CTX_set_minimum_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline void swerve_SSL_CTX_disable_session_cache(SSL_CTX *context) {
  (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

/* No compression and no renegotiation; an end without close_notify is an end, since HTTP frames its
   messages itself. */
static inline void swerve_SSL_CTX_set_server_options(SSL_CTX *context) {
  (void)SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
}

/* Writes take what fits, and go on from memory that may have moved; idle connections keep no buffers;
   one system call reads as many records as there are. */
static inline void swerve_SSL_CTX_set_stream_modes(SSL_CTX *context) {
  (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  (void)SSL_CTX_set_read_ahead(context, 1);
}

static inline int swerve_select_http11(
    SSL *connection, const unsigned char **chosen, unsigned char *chosen_size,
    const unsigned char *offered, unsigned int offered_size, void *unused) {
  (void)connection;
  (void)unused;
  static const unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  const int outcome = SSL_select_next_proto(
      (unsigned char **)chosen, chosen_size, http11, sizeof http11, offered, offered_size);
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ALPN (RFC 7301): of what a client offers, http/1.1 and nothing else; a client that offers other
   protocols only is refused, one without the extension is taken. */
static inline void swerve_SSL_CTX_offer_http11(SSL_CTX *context) {
  SSL_CTX_set_alpn_select_cb(context, swerve_select_http11, NULL);
}
