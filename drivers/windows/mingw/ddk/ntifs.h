/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mingw's <ntifs.h> and what it lacks of the WDK's or declares wrongly; nothing that the WDK
 * does not have.
 */
#ifndef PENDSHARE_MINGW_NTIFS_H
#define PENDSHARE_MINGW_NTIFS_H

#include_next <ntifs.h>

#ifndef MdlMappingNoWrite
#define MdlMappingNoWrite 0x80000000
#define MdlMappingNoExecute 0x40000000
#endif

/*
 * An exported variable is reached through its slot in the import table; mingw declares the
 * slot's name as the variable's own.
 */
extern POBJECT_TYPE *__imp_ExEventObjectType;
#define ExEventObjectType __imp_ExEventObjectType

#endif
