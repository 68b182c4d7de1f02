/* Sends a file, a whole HTTP request, on many connections, and counts what comes back and when.
 *
 *   arrivals PORT REQUEST_FILE CONNECTIONS SECONDS DEADLINE_MICROSECONDS RATE SEED
 *
 * RATE 0: each connection sends again when it has its answer. Above 0: so many requests a second arrive at random
 * (exponential gaps), whether or not there are answers; one that finds no idle connection waits for it, and its time
 * counts from its arrival. What arrives in the first fifth of the time is not counted.
 *
 * Prints one line: the seconds that count; how many arrived, were answered 200, were so within the deadline, were
 * refused (429, 503, 504), and failed or were never answered; the 50th and the 99th percentile of the answers, and the
 * 50th of the refusals, in microseconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 4096, MOST_SAMPLES = 1 << 20, ANSWER_BYTES = 1 << 16 };

struct connection {
  int descriptor;
  bool isBusy, counts;
  double arrival;
  size_t sent, got;
  char answer[ANSWER_BYTES];
};

struct samples {
  double *values;
  size_t count;
};

static struct connection *connections;
static int idle[MOST_CONNECTIONS], idle_count, poller;
static const char *request;
static size_t request_size;
static struct sockaddr_in address;
static struct samples answered, refused;
static double *waiting;
static size_t first_waiting, waiting_count;
static long in_time, failures, arrivals;
static double deadline;

static void fail(const char *what) {
  fprintf(stderr, "arrivals: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void add(struct samples *samples, double value) {
  if (samples->count < MOST_SAMPLES) samples->values[samples->count++] = value;
}

static void open_connection(int index) {
  struct connection *own = &connections[index];
  int on = 1;
  own->descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (own->descriptor < 0 || connect(own->descriptor, (struct sockaddr *)&address, sizeof address))
    fail("cannot connect");
  setsockopt(own->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, own->descriptor, &event)) fail("cannot poll");
  own->isBusy = false;
  idle[idle_count++] = index;
}

/* A failed request: the connection is made anew. */
static void lose(int index) {
  if (connections[index].counts) failures++;
  close(connections[index].descriptor);
  open_connection(index);
}

static void send_request(int index, double arrival, bool counts) {
  struct connection *own = &connections[index];
  own->isBusy = true;
  own->arrival = arrival;
  own->counts = counts;
  own->got = 0;
  for (own->sent = 0; own->sent < request_size;) {
    ssize_t put = send(own->descriptor, request + own->sent, request_size - own->sent, MSG_NOSIGNAL);
    if (put <= 0) return lose(index);
    own->sent += (size_t)put;
  }
}

/* The status of a whole answer; 0: more has to come; -1: it is none. */
static int status_of(struct connection *own) {
  own->answer[own->got] = 0;
  char *end = strstr(own->answer, "\r\n\r\n");
  if (!end) return own->got + 1 < ANSWER_BYTES ? 0 : -1;
  char *length = strcasestr(own->answer, "\r\ncontent-length:");
  if (!length || length > end) return -1;
  size_t whole = (size_t)(end + 4 - own->answer) + strtoul(length + 17, NULL, 10);
  if (whole >= ANSWER_BYTES) return -1;
  return own->got < whole ? 0 : atoi(own->answer + 9);
}

static void receive(int index) {
  struct connection *own = &connections[index];
  ssize_t got = recv(own->descriptor, own->answer + own->got, ANSWER_BYTES - 1 - own->got, 0);
  if (got <= 0) return lose(index);
  own->got += (size_t)got;
  int status = status_of(own);
  if (status == 0) return;
  if (status < 0) return lose(index);
  double taken = now() - own->arrival;
  if (own->counts) {
    if (status == 200) add(&answered, taken);
    if (status == 200 && taken <= deadline) in_time++;
    if (status == 429 || status == 503 || status == 504) add(&refused, taken);
    else if (status != 200) failures++;
  }
  own->isBusy = false;
  idle[idle_count++] = index;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static double percentile(struct samples *samples, int percent) {
  if (samples->count == 0) return 0;
  qsort(samples->values, samples->count, sizeof *samples->values, ascending);
  return samples->values[(samples->count - 1) * (size_t)percent / 100] * 1e6;
}

static void read_request(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail("cannot read the request");
  request_size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(request_size);
  if (!bytes || fread(bytes, 1, request_size, file) != request_size) fail("cannot read the request");
  fclose(file);
  request = bytes;
}

int main(int count, char **arguments) {
  if (count != 8) {
    fprintf(stderr, "usage: arrivals PORT REQUEST_FILE CONNECTIONS SECONDS DEADLINE_MICROSECONDS RATE SEED\n");
    return 2;
  }
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  read_request(arguments[2]);
  int connection_count = atoi(arguments[3]);
  double seconds = atof(arguments[4]), rate = atof(arguments[6]);
  deadline = atof(arguments[5]) * 1e-6;
  srand48(atol(arguments[7]));
  if (connection_count < 1 || connection_count > MOST_CONNECTIONS) fail("too many connections");
  connections = calloc((size_t)connection_count, sizeof *connections);
  waiting = malloc(MOST_SAMPLES * sizeof *waiting);
  answered.values = malloc(MOST_SAMPLES * sizeof *answered.values);
  refused.values = malloc(MOST_SAMPLES * sizeof *refused.values);
  poller = epoll_create1(0);
  if (!connections || !waiting || !answered.values || !refused.values || poller < 0) fail("no memory");
  for (int index = 0; index < connection_count; index++) open_connection(index);

  double begin = now(), counted = begin + seconds / 5, end = begin + seconds, next = begin;
  struct epoll_event events[256];
  for (double time = begin; time < end; time = now()) {
    while (rate > 0 && next <= time && waiting_count < MOST_SAMPLES) {
      waiting[waiting_count++] = next;
      if (next >= counted) arrivals++;
      next += -log(1 - drand48()) / rate;
    }
    while (idle_count > 0 && (rate == 0 || first_waiting < waiting_count)) {
      double arrival = rate == 0 ? now() : waiting[first_waiting++];
      if (rate == 0 && arrival >= counted) arrivals++;
      send_request(idle[--idle_count], arrival, arrival >= counted);
    }
    double until = rate > 0 && next < end ? next : end;
    struct timespec pause = {0, 0};
    double left = until - now();
    if (left > 0) pause = (struct timespec){(time_t)left, (long)((left - floor(left)) * 1e9)};
    int ready = epoll_pwait2(poller, events, 256, &pause, NULL);
    for (int i = 0; i < ready; i++) receive((int)events[i].data.u32);
  }
  for (size_t i = first_waiting; i < waiting_count; i++) failures += waiting[i] >= counted && waiting[i] < end - deadline;
  for (int i = 0; i < connection_count; i++)
    failures += connections[i].isBusy && connections[i].counts && connections[i].arrival < end - deadline;
  printf("%f %ld %zu %ld %zu %ld %.1f %.1f %.1f\n", end - counted, arrivals, answered.count, in_time, refused.count,
         failures, percentile(&answered, 50), percentile(&answered, 99), percentile(&refused, 50));
  return 0;
}
