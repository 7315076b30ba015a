/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HotSpot's own flags, read in place through the tables libjvm exports for debuggers
 * (gHotSpotVMStructs, gHotSpotVMTypes). Read only. Where a symbol, the layout or the flag is not
 * exactly what is expected the answer is "unknown". Any thread, once the VM is live.
 */
#ifndef HD_AGENT_VMFLAGS_H
#define HD_AGENT_VMFLAGS_H

enum hd_vmflag { HD_VMFLAG_UNKNOWN = -1, HD_VMFLAG_FALSE = 0, HD_VMFLAG_TRUE = 1 };

/* A boolean flag by name, "AllowRedefinitionToAddDeleteMethods". */
enum hd_vmflag hd_vmflags_boolean(const char *name);

#endif
