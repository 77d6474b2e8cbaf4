/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: a share was pinned, a share ended, a doorbell rang. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pendshare

#if !defined(PENDSHARE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PENDSHARE_TRACE_H

#include <linux/tracepoint.h>

#include "internal.h"

TRACE_EVENT(pendshare_share,
	    TP_PROTO(const struct ps_share *share),
	    TP_ARGS(share),
	    TP_STRUCT__entry(__field(u64, id)
			     __field(u64, length)
			     __field(u32, access)
			     __field(u32, runs)
	    ),
	    TP_fast_assign(__entry->id = share->node.id;
			   __entry->length = share->length;
			   __entry->access = share->access;
			   __entry->runs = share->pages.nr_runs;
	    ),
	    TP_printk("id=%llu bytes=%llu access=%u runs=%u",
		      __entry->id, __entry->length, __entry->access, __entry->runs)
);

TRACE_EVENT(pendshare_end,
	    TP_PROTO(const struct ps_share *share),
	    TP_ARGS(share),
	    TP_STRUCT__entry(__field(u64, id)
			     __field(u64, written)
			     __field(u32, reason)
	    ),
	    TP_fast_assign(__entry->id = share->node.id;
			   __entry->written = share->written;
			   __entry->reason = pendshare_lease_reason(&share->lease);
	    ),
	    TP_printk("id=%llu bytes=%llu reason=%u",
		      __entry->id, __entry->written, __entry->reason)
);

TRACE_EVENT(pendshare_doorbell,
	    TP_PROTO(const struct ps_share *share),
	    TP_ARGS(share),
	    TP_STRUCT__entry(__field(u64, id)
			     __field(u64, rings)
	    ),
	    TP_fast_assign(__entry->id = share->node.id;
			   __entry->rings = share->all_rings;
	    ),
	    TP_printk("id=%llu rings=%llu", __entry->id, __entry->rings)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
