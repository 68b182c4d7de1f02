#ifndef SWERVE_FUZZER_H
#define SWERVE_FUZZER_H
#include <stddef.h>
#include <stdint.h>

/* The entry of libFuzzer when it is used as a library; lies in the toolchain's libclang_rt.fuzzer_no_main. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *bytes, size_t size));

#endif
