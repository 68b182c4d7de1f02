/* A ceiling, not a peer: reads each request's bytes into a kept buffer and writes as many bytes as the reply
 * has, a blocking thread for each connection. What is left is the cost of moving the bytes.
 *
 *   read_write PORT REPLY_BYTES */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEAD_BYTES = 64 << 10 };

static size_t reply_bytes;
static char *reply;

static size_t content_length(const char *head) {
  static const char name[] = "\r\ncontent-length:";
  for (; *head; head++)
    if (strncasecmp(head, name, sizeof name - 1) == 0) return strtoull(head + sizeof name - 1, NULL, 10);
  return 0;
}

static int read_all(int connection, char *to, size_t size) {
  while (size > 0) {
    ssize_t got = read(connection, to, size);
    if (got <= 0) return 0;
    to += got;
    size -= (size_t)got;
  }
  return 1;
}

static int write_reply(int connection) {
  char head[128];
  int length = snprintf(
      head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
      reply_bytes);
  struct iovec parts[] = {{head, (size_t)length}, {reply, reply_bytes}};
  struct iovec *at = parts, *end = parts + 2;
  while (at < end) {
    ssize_t put = writev(connection, at, (int)(end - at));
    if (put < 0) return 0;
    for (; at < end && (size_t)put >= at->iov_len; at++) put -= (ssize_t)at->iov_len;
    if (at < end) {
      at->iov_base = (char *)at->iov_base + put;
      at->iov_len -= (size_t)put;
    }
  }
  return 1;
}

/* Reads a request whose client waits for the answer before it sends the next. */
static int read_request(int connection, char *head, char **body, size_t *capacity) {
  size_t have = 0;
  char *end;
  do {
    ssize_t got = read(connection, head + have, HEAD_BYTES - 1 - have);
    if (got <= 0) return 0;
    have += (size_t)got;
    head[have] = 0;
    end = strstr(head, "\r\n\r\n");
  } while (!end);
  size_t early = have - (size_t)(end + 4 - head);
  *end = 0;
  size_t length = content_length(head);
  if (length > *capacity) {
    free(*body);
    *body = malloc(length);
    if (!*body) return 0;
    *capacity = length;
  }
  if (early > length) return 0;
  if (early) memcpy(*body, end + 4, early);
  return read_all(connection, *body + early, length - early);
}

static void *serve(void *argument) {
  int connection = (int)(long)argument;
  char *head = malloc(HEAD_BYTES), *body = NULL;
  size_t capacity = 0;
  while (head && read_request(connection, head, &body, &capacity) && write_reply(connection)) continue;
  free(head);
  free(body);
  close(connection);
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: %s PORT REPLY_BYTES\n", arguments[0]);
    return 2;
  }
  reply_bytes = strtoull(arguments[2], NULL, 10);
  reply = malloc(reply_bytes + 1);
  if (!reply) return 1;
  memset(reply, 'x', reply_bytes);

  signal(SIGPIPE, SIG_IGN);
  int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, SOMAXCONN)) {
    perror("bind");
    return 1;
  }
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) continue;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, (void *)(long)connection)) close(connection);
    else pthread_detach(thread);
  }
}
