#include "CContentHash.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static const uint64_t PRIME32_1 = 0x9E3779B1u, PRIME32_2 = 0x85EBCA77u, PRIME32_3 = 0xC2B2AE3Du;
static const uint64_t PRIME64_1 = 0x9E3779B185EBCA87u, PRIME64_2 = 0xC2B2AE3D27D4EB4Fu, PRIME64_3 = 0x165667B19E3779F9u,
                      PRIME64_4 = 0x85EBCA77C2B2AE63u, PRIME64_5 = 0x27D4EB2F165667C5u;

enum { STRIPE = 64, BLOCK_STRIPES = 16, SECRET = 192 };

static const uint8_t secret[SECRET] = {
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
  0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
  0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
  0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
  0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
  0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
  0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
  0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
  0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
  0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
};

static uint64_t read64(const uint8_t *place) {
  uint64_t value;
  memcpy(&value, place, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

static uint32_t read32(const uint8_t *place) {
  uint32_t value;
  memcpy(&value, place, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap32(value);
#endif
  return value;
}

static ContentHashValue multiply(uint64_t left, uint64_t right) {
  unsigned __int128 product = (unsigned __int128)left * right;
  return (ContentHashValue){.high = (uint64_t)(product >> 64), .low = (uint64_t)product};
}

static uint64_t fold(uint64_t left, uint64_t right) {
  ContentHashValue product = multiply(left, right);
  return product.high ^ product.low;
}

static uint64_t avalanche(uint64_t hash) {
  hash = (hash ^ hash >> 37) * 0x165667919E3779F9u;
  return hash ^ hash >> 32;
}

static uint64_t avalanche64(uint64_t hash) {
  hash = (hash ^ hash >> 33) * PRIME64_2;
  hash = (hash ^ hash >> 29) * PRIME64_3;
  return hash ^ hash >> 32;
}

// MARK: 16 bytes and less

static ContentHashValue hash_to_3(const uint8_t *bytes, size_t count) {
  uint32_t low = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[count >> 1] << 24 | bytes[count - 1] | (uint32_t)count << 8;
  uint32_t swapped = __builtin_bswap32(low);
  uint32_t high = swapped << 13 | swapped >> 19;
  return (ContentHashValue){
      .high = avalanche64(high ^ (uint64_t)(read32(secret + 8) ^ read32(secret + 12))),
      .low = avalanche64(low ^ (uint64_t)(read32(secret) ^ read32(secret + 4)))};
}

static ContentHashValue hash_to_8(const uint8_t *bytes, size_t count) {
  uint64_t input = read32(bytes) + ((uint64_t)read32(bytes + count - 4) << 32);
  uint64_t keyed = input ^ read64(secret + 16) ^ read64(secret + 24);
  ContentHashValue hash = multiply(keyed, PRIME64_1 + (count << 2));
  hash.high += hash.low << 1;
  hash.low ^= hash.high >> 3;
  hash.low = (hash.low ^ hash.low >> 35) * 0x9FB21C651E98DF25u;
  hash.low ^= hash.low >> 28;
  hash.high = avalanche(hash.high);
  return hash;
}

static ContentHashValue hash_to_16(const uint8_t *bytes, size_t count) {
  uint64_t low = read64(bytes), high = read64(bytes + count - 8);
  ContentHashValue first = multiply(low ^ high ^ read64(secret + 32) ^ read64(secret + 40), PRIME64_1);
  first.low += (uint64_t)(count - 1) << 54;
  high ^= read64(secret + 48) ^ read64(secret + 56);
  first.high += high + (uint64_t)(uint32_t)high * (PRIME32_2 - 1);
  first.low ^= __builtin_bswap64(first.high);
  ContentHashValue second = multiply(first.low, PRIME64_2);
  second.high += first.high * PRIME64_2;
  return (ContentHashValue){.high = avalanche(second.high), .low = avalanche(second.low)};
}

// MARK: Up to 240 bytes

static uint64_t mix16(const uint8_t *bytes, const uint8_t *key) {
  return fold(read64(bytes) ^ read64(key), read64(bytes + 8) ^ read64(key + 8));
}

static void mix32(ContentHashValue *sum, const uint8_t *first, const uint8_t *second, const uint8_t *key) {
  sum->low = (sum->low + mix16(first, key)) ^ (read64(second) + read64(second + 8));
  sum->high = (sum->high + mix16(second, key + 16)) ^ (read64(first) + read64(first + 8));
}

static ContentHashValue finish_mixed(ContentHashValue sum, size_t count) {
  uint64_t high = sum.low * PRIME64_1 + sum.high * PRIME64_4 + count * PRIME64_2;
  return (ContentHashValue){.high = 0 - avalanche(high), .low = avalanche(sum.low + sum.high)};
}

static ContentHashValue hash_to_128(const uint8_t *bytes, size_t count) {
  ContentHashValue sum = {.high = 0, .low = count * PRIME64_1};
  for (size_t pair = (count - 1) / 32 + 1; pair-- > 0;) {
    mix32(&sum, bytes + 16 * pair, bytes + count - 16 * (pair + 1), secret + 32 * pair);
  }
  return finish_mixed(sum, count);
}

static ContentHashValue hash_to_240(const uint8_t *bytes, size_t count) {
  ContentHashValue sum = {.high = 0, .low = count * PRIME64_1};
  for (size_t end = 32; end < 160; end += 32) mix32(&sum, bytes + end - 32, bytes + end - 16, secret + end - 32);
  sum.low = avalanche(sum.low);
  sum.high = avalanche(sum.high);
  for (size_t end = 160; end <= count; end += 32) {
    mix32(&sum, bytes + end - 32, bytes + end - 16, secret + 3 + end - 160);
  }
  // 136 is the smallest secret that the specification allows; the last key lies in front of its end.
  mix32(&sum, bytes + count - 16, bytes + count - 32, secret + 136 - 17 - 16);
  return finish_mixed(sum, count);
}

// MARK: More

static void add_stripe(uint64_t *lanes, const uint8_t *bytes, const uint8_t *key) {
#if defined(__SSE2__)
  __m128i *sums = (__m128i *)lanes;
  for (int pair = 0; pair < 4; pair++) {
    __m128i data = _mm_loadu_si128((const __m128i *)bytes + pair);
    __m128i keyed = _mm_xor_si128(data, _mm_loadu_si128((const __m128i *)key + pair));
    __m128i product = _mm_mul_epu32(keyed, _mm_shuffle_epi32(keyed, _MM_SHUFFLE(0, 3, 0, 1)));
    __m128i sum = _mm_add_epi64(_mm_loadu_si128(sums + pair), _mm_shuffle_epi32(data, _MM_SHUFFLE(1, 0, 3, 2)));
    _mm_storeu_si128(sums + pair, _mm_add_epi64(sum, product));
  }
#else
  for (int lane = 0; lane < 8; lane++) {
    uint64_t data = read64(bytes + 8 * lane), keyed = data ^ read64(key + 8 * lane);
    lanes[lane ^ 1] += data;
    lanes[lane] += (keyed & 0xFFFFFFFF) * (keyed >> 32);
  }
#endif
}

static void scramble(uint64_t *lanes) {
  for (int lane = 0; lane < 8; lane++) {
    lanes[lane] = (lanes[lane] ^ lanes[lane] >> 47 ^ read64(secret + SECRET - STRIPE + 8 * lane)) * PRIME32_1;
  }
}

static void add_stripes(uint64_t *lanes, uint32_t *in_block, const uint8_t *bytes, size_t count) {
  uint64_t local[8];
  memcpy(local, lanes, sizeof local);
  for (size_t index = 0; index < count; index++) {
    add_stripe(local, bytes + STRIPE * index, secret + 8 * *in_block);
    if (++*in_block == BLOCK_STRIPES) {
      scramble(local);
      *in_block = 0;
    }
  }
  memcpy(lanes, local, sizeof local);
}

static uint64_t merge(const uint64_t *lanes, const uint8_t *key, uint64_t start) {
  for (int pair = 0; pair < 4; pair++) {
    start += fold(lanes[2 * pair] ^ read64(key + 16 * pair), lanes[2 * pair + 1] ^ read64(key + 16 * pair + 8));
  }
  return avalanche(start);
}

static ContentHashValue hash_long(const ContentHashState *state) {
  uint64_t lanes[8];
  uint8_t last[STRIPE];
  memcpy(lanes, state->lanes, sizeof lanes);
  if (state->buffered >= STRIPE) {
    uint32_t in_block = state->stripes;
    add_stripes(lanes, &in_block, state->buffer, (state->buffered - 1) / STRIPE);
    memcpy(last, state->buffer + state->buffered - STRIPE, STRIPE);
  } else {
    // What came before lies where the buffer was emptied last, at its end.
    size_t missing = STRIPE - state->buffered;
    memcpy(last, state->buffer + CONTENTHASH_BUFFER - missing, missing);
    memcpy(last + missing, state->buffer, state->buffered);
  }
  add_stripe(lanes, last, secret + SECRET - STRIPE - 7);
  return (ContentHashValue){
      .high = merge(lanes, secret + SECRET - STRIPE - 11, ~(state->length * PRIME64_2)),
      .low = merge(lanes, secret + 11, state->length * PRIME64_1)};
}

// MARK: The stream

void contenthash_begin(ContentHashState *state) {
  const uint64_t start[8] = {PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1};
  memset(state, 0, sizeof *state);
  memcpy(state->lanes, start, sizeof start);
}

void contenthash_update(ContentHashState *state, const uint8_t *bytes, size_t count) {
  if (count == 0) return;
  state->length += count;
  if (count <= CONTENTHASH_BUFFER - state->buffered) {
    memcpy(state->buffer + state->buffered, bytes, count);
    state->buffered += (uint32_t)count;
    return;
  }
  if (state->buffered > 0) {
    size_t room = CONTENTHASH_BUFFER - state->buffered;
    memcpy(state->buffer + state->buffered, bytes, room);
    bytes += room;
    count -= room;
    add_stripes(state->lanes, &state->stripes, state->buffer, CONTENTHASH_BUFFER / STRIPE);
    state->buffered = 0;
  }
  // At least one byte stays back: only the end tells which stripe is the last.
  if (count > CONTENTHASH_BUFFER) {
    size_t stripes = (count - 1) / STRIPE;
    add_stripes(state->lanes, &state->stripes, bytes, stripes);
    bytes += stripes * STRIPE;
    count -= stripes * STRIPE;
    memcpy(state->buffer + CONTENTHASH_BUFFER - STRIPE, bytes - STRIPE, STRIPE);
  }
  memcpy(state->buffer, bytes, count);
  state->buffered = (uint32_t)count;
}

ContentHashValue contenthash_value(const ContentHashState *state) {
  const uint8_t *bytes = state->buffer;
  size_t count = (size_t)state->length;
  if (state->length > 240) return hash_long(state);
  if (count > 128) return hash_to_240(bytes, count);
  if (count > 16) return hash_to_128(bytes, count);
  if (count > 8) return hash_to_16(bytes, count);
  if (count > 3) return hash_to_8(bytes, count);
  if (count > 0) return hash_to_3(bytes, count);
  return (ContentHashValue){
      .high = avalanche64(read64(secret + 80) ^ read64(secret + 88)),
      .low = avalanche64(read64(secret + 64) ^ read64(secret + 72))};
}
