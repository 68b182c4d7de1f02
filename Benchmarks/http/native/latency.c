/* Sends a file, a whole HTTP request, again and again on one connection, and waits for each answer.
 *
 *   latency PORT REQUEST_FILE SECONDS LEAST_COUNT
 *
 * goes on for the seconds, and at least for the count, and prints one line: the count, and the least, the
 * 50th and the 99th percentile of the time from the first byte sent to the last byte read, in microseconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, MOST_SAMPLES = 1 << 22 };

static char buffer[BUFFER_BYTES + 1];
static double samples[MOST_SAMPLES];

static void fail(const char *what) {
  fprintf(stderr, "latency: %s\n", what);
  exit(1);
}

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail("cannot read the request");
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*size);
  if (!bytes || fread(bytes, 1, *size, file) != *size) fail("cannot read the request");
  fclose(file);
  return bytes;
}

static int connected(const char *port) {
  int on = 1, connection = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(connection, (struct sockaddr *)&address, sizeof address)) fail("cannot connect");
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connection;
}

static void send_all(int connection, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t put = write(connection, bytes, size);
    if (put <= 0) fail("the connection ended while the request was sent");
    bytes += put;
    size -= (size_t)put;
  }
}

static size_t receive(int connection, char *to, size_t size) {
  ssize_t got = read(connection, to, size);
  if (got <= 0) fail("the connection ended before the answer did");
  return (size_t)got;
}

static void read_answer(int connection) {
  size_t have = 0;
  char *end;
  do {
    if (have == BUFFER_BYTES) fail("the answer's head is too long");
    have += receive(connection, buffer + have, BUFFER_BYTES - have);
    buffer[have] = 0;
    end = strstr(buffer, "\r\n\r\n");
  } while (!end);
  if (strncmp(buffer, "HTTP/1.1 200", 12) != 0) {
    buffer[strcspn(buffer, "\r\n")] = 0;
    fail(buffer);
  }
  *end = 0;
  const char *field = strcasestr(buffer, "\r\ncontent-length:");
  if (!field) fail("the answer has no Content-Length");
  size_t length = strtoull(field + 17, NULL, 10), body = have - (size_t)(end + 4 - buffer);
  while (body < length) body += receive(connection, buffer, BUFFER_BYTES);
}

static int ascending(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: %s PORT REQUEST_FILE SECONDS LEAST_COUNT\n", arguments[0]);
    return 2;
  }
  size_t size, done = 0, least = strtoull(arguments[4], NULL, 10);
  char *request = read_file(arguments[2], &size);
  int connection = connected(arguments[1]);
  double end = microseconds() + atof(arguments[3]) * 1e6, begin = 0;
  do {
    begin = microseconds();
    send_all(connection, request, size);
    read_answer(connection);
    samples[done++] = microseconds() - begin;
  } while (done < MOST_SAMPLES && (done < least || begin < end));
  qsort(samples, done, sizeof *samples, ascending);
  printf("%zu %.1f %.1f %.1f\n", done, samples[0], samples[done / 2], samples[done * 99 / 100]);
  return 0;
}
