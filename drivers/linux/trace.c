// SPDX-License-Identifier: GPL-2.0-only
/* Where the tracepoints of trace.h are defined. */
#include "internal.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
