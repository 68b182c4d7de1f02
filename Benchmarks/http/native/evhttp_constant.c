/* A ceiling, not a peer: libevent's evhttp, one thread, answers every request with the bytes of a file.
 *
 *   evhttp_constant PORT REPLY_FILE CONTENT_TYPE */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct reply {
  const char *content_type;
  size_t size;
  char bytes[1 << 20];
};

static void answer(struct evhttp_request *request, void *context) {
  const struct reply *reply = context;
  evbuffer_add_reference(evhttp_request_get_output_buffer(request), reply->bytes, reply->size, NULL, NULL);
  evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", reply->content_type);
  evhttp_send_reply(request, 200, "OK", NULL);
}

int main(int count, char **arguments) {
  static struct reply reply;
  if (count != 4) {
    fprintf(stderr, "usage: %s PORT REPLY_FILE CONTENT_TYPE\n", arguments[0]);
    return 2;
  }
  FILE *file = fopen(arguments[2], "rb");
  if (!file) {
    perror(arguments[2]);
    return 1;
  }
  reply.size = fread(reply.bytes, 1, sizeof reply.bytes, file);
  fclose(file);
  reply.content_type = arguments[3];

  signal(SIGPIPE, SIG_IGN);
  struct event_base *base = event_base_new();
  struct evhttp *http = base ? evhttp_new(base) : NULL;
  if (!http) return 1;
  evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
  evhttp_set_gencb(http, answer, &reply);
  if (evhttp_bind_socket(http, "127.0.0.1", (uint16_t)atoi(arguments[1]))) {
    perror("bind");
    return 1;
  }
  return event_base_dispatch(base);
}
