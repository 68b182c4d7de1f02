#ifndef SWERVE_FILE_GUARD_H
#define SWERVE_FILE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

// Mappings of files that others may make shorter while they are read. The kernel raises SIGBUS for what is then
// mapped and no longer there, which would end the process. Under guard it reads as zeros instead, and the guard
// remembers. This takes a signal handler, which does no more than mmap; SIGBUS of anything else goes on to the handler
// that was there before.

// Guards the mapping from `base` on, both in whole pages but for the file's end. Returns its place, or -1 when there
// is none left or the handler cannot be set.
int file_guard_begin(const void *base, size_t byte_count);

// Whether anything was read at `place` that the file no longer had.
bool file_guard_is_torn(int place);

// Ends the guard, before the mapping is removed.
void file_guard_end(int place);

#endif
