#include <features.h>
#include <cblas.h>
