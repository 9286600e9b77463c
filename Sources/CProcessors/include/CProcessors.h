// What Swift's import of the C library leaves out: which processors a process may run on.
#pragma once

/// How many processors the calling thread may run on, at least 1: those that `taskset`, a batch system or the cpuset of a
/// container leave it. Where the system does not tell, those of the machine.
int processors_allowed(void);
