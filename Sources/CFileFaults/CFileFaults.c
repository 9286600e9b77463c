#include "CFileFaults.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WATCHES = 64 };

typedef struct {
  atomic_uintptr_t start;
  atomic_size_t count;
  atomic_size_t sound;
  atomic_bool taken;
} Watch;

// Found by the handler; nothing here is ever freed.
static Watch watches[WATCHES];
static struct sigaction former;
static uintptr_t page;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_set;

// Zeros in place of what cannot be brought, from there to the end: whoever reads goes on and looks at `sound` before
// believing anything. mmap is a plain system call and safe here.
static int cover(Watch *watch, uintptr_t place) {
  uintptr_t start = atomic_load(&watch->start);
  size_t count = atomic_load(&watch->count);
  if (start == 0 || place < start || place - start >= count) return 0;
  uintptr_t from = place & ~(page - 1);
  size_t offset = from - start, sound = atomic_load(&watch->sound);
  while (offset < sound && !atomic_compare_exchange_weak(&watch->sound, &sound, offset)) {}
  size_t rest = (count - offset + page - 1) & ~(page - 1);
  return mmap((void *)from, rest, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static void handle(int number, siginfo_t *info, void *context) {
  (void)context;
  for (int index = 0; index < WATCHES; index++) {
    if (cover(&watches[index], (uintptr_t)info->si_addr)) return;
  }
  // Not ours: the access is tried again under the handler before.
  sigaction(number, &former, NULL);
}

static void set(void) {
  page = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {0};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  is_set = sigaction(SIGBUS, &action, &former) == 0;
}

int filefaults_watch(void *start, size_t count) {
  pthread_once(&once, set);
  if (!is_set) return -1;
  for (int index = 0; index < WATCHES; index++) {
    _Bool taken = 0;
    if (!atomic_compare_exchange_strong(&watches[index].taken, &taken, 1)) continue;
    atomic_store(&watches[index].sound, count);
    atomic_store(&watches[index].count, count);
    atomic_store(&watches[index].start, (uintptr_t)start);
    return index;
  }
  return -1;
}

size_t filefaults_sound(int watch) { return atomic_load_explicit(&watches[watch].sound, memory_order_acquire); }

void filefaults_end(int watch) {
  atomic_store(&watches[watch].start, 0);
  atomic_store(&watches[watch].taken, 0);
}
