/* What one core can do at most, as a loop of independent fused multiply-adds. */
#ifndef PEAK_H
#define PEAK_H

/* Floating-point operations done, of about `millions`: float32 in the widest registers. */
double peak_run_float32(long millions);

#endif
