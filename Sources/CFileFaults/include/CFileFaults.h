// What a process needs to outlive a mapped file that is cut off, or whose disk fails, while it is read: without it the
// first look at such a page is SIGBUS and the end. Swift cannot be called in a signal handler, so this is C.
#pragma once
#include <stddef.h>

/// Puts the pages of `count` bytes at `start` under watch: a page of them that the system cannot bring becomes zeros
/// from there to the end, and is told by `filefaults_sound`. Returns a number for the other calls, or -1 where too many
/// are under watch or no handler could be set. The handler is set once; what is not under watch goes to the one before.
int filefaults_watch(void *_Nonnull start, size_t count);

/// How many bytes from the beginning are what the file has: `count`, or where the first page lies that could not be
/// brought.
size_t filefaults_sound(int watch);

/// Ends a watch. Nobody may look at its pages any more.
void filefaults_end(int watch);
