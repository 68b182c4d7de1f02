#include "ckernels.h"

/* Swift passes a closure as two words, its code and its context, and calls it with the context in a
 * register of its own (swift_context). A closure that does not escape has its context on its caller's
 * stack; Swift itself offers no way to keep it in memory without a copy on the heap for each loop. */
__attribute__((swiftcall)) void kernels_hold_closure(
    kernels_closure_code code, void *context, kernels_closure *target) {
  target->code = code;
  target->context = context;
}

void kernels_call_closure(void *closure, intptr_t index) {
  const kernels_closure *held = closure;
  held->code(index, held->context);
}
