// The one door to libzstd (Debian: libzstd-dev). Only the streaming decoder is used.
#pragma once
#include <zstd.h>
#include <zstd_errors.h>
