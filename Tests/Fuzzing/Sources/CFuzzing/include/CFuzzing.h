// What Swift cannot import: libFuzzer has no header, and Linux keeps its pipes of packets behind a macro.
#pragma once
#include <stddef.h>
#include <stdint.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/// A pipe with room for `size` bytes, each write to which is read by a read of its own; 0, or -1 with `errno`.
int packet_pipe(int ends[2], int size);
