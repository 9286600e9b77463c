// XXH3 with 128 bits, seed 0 and the default secret, over a stream of bytes: what `xxhsum -H2` prints.
//
// Written from the specification, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md (BSD-2-Clause);
// libxxhash itself would be one more package for everybody who builds this one.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { CONTENTHASH_BUFFER = 256 };

/// A hash under way. Set up by `contenthash_begin`; no memory of its own, copying it copies the hash.
typedef struct {
  uint64_t lanes[8];
  uint64_t length;
  /// Bytes in `buffer` that are not in `lanes` yet; 1 or more once there was any input.
  uint32_t buffered;
  /// Stripes of 64 bytes in the current block of 16.
  uint32_t stripes;
  uint8_t buffer[CONTENTHASH_BUFFER];
} ContentHashState;

typedef struct {
  uint64_t high;
  uint64_t low;
} ContentHashValue;

void contenthash_begin(ContentHashState *_Nonnull state);
/// Takes the next `count` bytes; any cutting gives the same hash.
void contenthash_update(ContentHashState *_Nonnull state, const uint8_t *_Nullable bytes, size_t count);
/// The hash of everything so far; the state may go on.
ContentHashValue contenthash_value(const ContentHashState *_Nonnull state);
