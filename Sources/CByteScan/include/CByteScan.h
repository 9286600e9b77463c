// Byte searches that Swift cannot express well: it has no movemask. Header only, no policy, no allocation.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// Index of the first `byte` in `bytes[from..<count]`, or `count` where there is none.
static inline size_t bytescan_find(const uint8_t *bytes, size_t from, size_t count, uint8_t byte) {
  if (from >= count) return count;
  const void *hit = memchr(bytes + from, byte, count - from);
  return hit ? (size_t)((const uint8_t *)hit - bytes) : count;
}

/// Whether the `count` bytes at `left` and at `right` are the same.
static inline int bytescan_equal(const uint8_t *left, const uint8_t *right, size_t count) {
  return memcmp(left, right, count) == 0;
}
