#define _GNU_SOURCE
#include "CFuzzing.h"
#include <fcntl.h>
#include <unistd.h>

int packet_pipe(int ends[2], int size) {
  if (pipe2(ends, O_DIRECT | O_CLOEXEC) != 0) return -1;
  return fcntl(ends[1], F_SETPIPE_SZ, size) < 0 ? -1 : 0;
}
