// The one door to libzstd (Debian: libzstd-dev). Only the streaming decoder is used.
#pragma once
#include <zstd.h>
#include <zstd_errors.h>
// Where the C library has it: no module of it brings mallopt().
#ifdef __linux__
#include <malloc.h>
#endif
