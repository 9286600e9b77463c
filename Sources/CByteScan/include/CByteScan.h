// Byte searches that Swift cannot express well: it has no movemask. Header only, no policy, no allocation.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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

// MARK: - 64 bytes to 64 bits

/// A bit for each of the 64 bytes at `bytes` that is `byte`, the first byte lowest. A byte at a time: for tails, for
/// machines without wider instructions, and to hold those against.
static inline uint64_t bytescan_mask_portable(const uint8_t *bytes, size_t count, uint8_t byte) {
  uint64_t mask = 0;
  for (size_t index = 0; index < count; index++) mask |= (uint64_t)(bytes[index] == byte) << index;
  return mask;
}

#if defined(__x86_64__)
static inline uint64_t bytescan_mask(const uint8_t *bytes, uint8_t byte) {
  const __m128i wanted = _mm_set1_epi8((char)byte);
#define BYTESCAN_PART(place)                                                                            \
  ((uint64_t)(uint32_t)_mm_movemask_epi8(                                                               \
       _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * (place))), wanted))                \
   << 16 * (place))
  return (BYTESCAN_PART(0) | BYTESCAN_PART(1)) | (BYTESCAN_PART(2) | BYTESCAN_PART(3));
#undef BYTESCAN_PART
}
#elif defined(__aarch64__)
static inline uint64_t bytescan_mask(const uint8_t *bytes, uint8_t byte) {
  // NEON has no movemask: each byte keeps the bit of its place, and neighbours are added until eight share a byte.
  static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t wanted = vdupq_n_u8(byte), places = vld1q_u8(bits);
#define BYTESCAN_PART(place) vandq_u8(vceqq_u8(vld1q_u8(bytes + 16 * (place)), wanted), places)
  uint8x16_t sum = vpaddq_u8(vpaddq_u8(BYTESCAN_PART(0), BYTESCAN_PART(1)),
                             vpaddq_u8(BYTESCAN_PART(2), BYTESCAN_PART(3)));
#undef BYTESCAN_PART
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}
#else
static inline uint64_t bytescan_mask(const uint8_t *bytes, uint8_t byte) {
  return bytescan_mask_portable(bytes, 64, byte);
}
#endif

/// How many bytes from `bytes` on are `byte`, at most 64; 64 bytes can be read.
static inline unsigned bytescan_run(const uint8_t *bytes, uint8_t byte) {
  uint64_t others = ~bytescan_mask(bytes, byte);
  return others == 0 ? 64 : (unsigned)__builtin_ctzll(others);
}

// MARK: - Places of a byte

/// Writes the places that the bits of `mask` stand for to `out`, the lowest bit at `base`, and moves `out` behind
/// them. Lines are long: most words hold at most two newlines, so two are written without asking, and `out` needs
/// room for two more places than there are bytes.
#define BYTESCAN_LIST(out, base, mask)                                                   \
  do {                                                                                   \
    uint64_t left = (mask);                                                              \
    uint32_t *next = (out);                                                              \
    (out) += __builtin_popcountll(left);                                                 \
    next[0] = (uint32_t)((base) + (size_t)__builtin_ctzll(left | 1ull << 63));           \
    left &= left - 1;                                                                    \
    next[1] = (uint32_t)((base) + (size_t)__builtin_ctzll(left | 1ull << 63));           \
    left &= left - 1;                                                                    \
    if (__builtin_expect(left != 0, 0)) {                                                \
      for (next += 2; left != 0; left &= left - 1) {                                     \
        *next++ = (uint32_t)((base) + (size_t)__builtin_ctzll(left));                    \
      }                                                                                  \
    }                                                                                    \
  } while (0)

/// Asks for the 128 bytes at `bytes`, which are looked at soon and may stand in memory alone: processors fetch ahead by
/// themselves within a page only. Asking for what is not there does nothing.
static inline void bytescan_prefetch(const uint8_t *bytes) {
  __builtin_prefetch(bytes);
  __builtin_prefetch(bytes + 64);
}

/// Reads the byte at `bytes`, so that the system has its page, and those beside it, at hand.
static inline void bytescan_touch(const uint8_t *bytes) { (void)*(const volatile uint8_t *)bytes; }

/// Places of whole words of 64 bytes; returns how many there are.
static inline size_t bytescan_list_words(const uint8_t *bytes, size_t words, uint8_t byte, uint32_t *out) {
  uint32_t *end = out;
  for (size_t word = 0; word < words; word++) BYTESCAN_LIST(end, 64 * word, bytescan_mask(bytes + 64 * word, byte));
  return (size_t)(end - out);
}

#if defined(__x86_64__)
/// The same with instructions that not every x86-64 has.
__attribute__((target("avx2,bmi,popcnt"))) static inline size_t bytescan_list_words_avx2(
    const uint8_t *bytes, size_t words, uint8_t byte, uint32_t *out) {
  const __m256i wanted = _mm256_set1_epi8((char)byte);
  uint32_t *end = out;
  for (size_t word = 0; word < words; word++) {
    const __m256i *at = (const __m256i *)(bytes + 64 * word);
    uint64_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(at), wanted));
    uint64_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(at + 1), wanted));
    BYTESCAN_LIST(end, 64 * word, high << 32 | low);
  }
  return (size_t)(end - out);
}
#endif

/// Lists where `byte` stands in the `count` bytes at `bytes`, fewer than 2^32, in ascending order; `out` needs room for
/// `count` + 2 places. Returns how many there are.
static inline size_t bytescan_list(const uint8_t *bytes, size_t count, uint8_t byte, uint32_t *out) {
  size_t words = count / 64, listed;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) listed = bytescan_list_words_avx2(bytes, words, byte, out);
  else
#endif
    listed = bytescan_list_words(bytes, words, byte, out);
  uint32_t *end = out + listed;
  BYTESCAN_LIST(end, 64 * words, bytescan_mask_portable(bytes + 64 * words, count % 64, byte));
  return (size_t)(end - out);
}
