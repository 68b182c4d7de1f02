#include <features.h>
#include <malloc.h>
