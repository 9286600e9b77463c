#!/usr/bin/env python3
"""Prints reference hashes for ContentHashTests, made by libxxhash: length, hash of that many bytes of a fixed pattern.

usage: pip install xxhash==3.7.0 && python3 Tests/Outside/xxh3_vectors.py >Tests/Outside/xxh3-vectors.txt
"""

import xxhash


def pattern(length):
    return bytes((index * 2654435761 & 0xFFFFFFFF) >> 24 for index in range(length))


everything = pattern(1_000_000)
for length in [*range(301), *range(960, 1100), 1281, 2048, 2049, 4096, 65536, 99_999, 1_000_000]:
    print(length, xxhash.xxh3_128_hexdigest(everything[:length]))
