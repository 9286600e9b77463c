#define _GNU_SOURCE
#include "CProcessors.h"

#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

int processors_allowed(void) {
#ifdef __linux__
  // The library's own set ends at 1024 processors, and the call fails where the machine may have more.
  unsigned long allowed[1024];
  long size = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
  int count = 0;
  for (long word = 0; word < size / (long)sizeof allowed[0]; word++) count += __builtin_popcountl(allowed[word]);
  if (count > 0) return count;
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}
