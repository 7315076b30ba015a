/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who still runs old code: threads with a frame of an obsolete method (JVMTI IsMethodObsolete).
 * Virtual threads are not listed by the JVM; where they may exist the answer says that it is
 * incomplete. Engine thread only.
 */
#ifndef HD_AGENT_FRAMES_H
#define HD_AGENT_FRAMES_H

#include "agent/jvm.h"

struct hd_old_frames {
    uint32_t threads; /* threads with at least one frame in old code */
    bool complete;    /* false: virtual threads may exist */
    /* internal names of classes that have old frames, each once; hd_free each */
    char **class_names;
    uint32_t *class_threads; /* threads per class */
    size_t class_count;
};

/* Stops the threads for the length of one GetAllStackTraces. */
HD_CHECKED int hd_frames_find(const struct hd_jvm *jvm, JNIEnv *jni, struct hd_old_frames *out,
                              struct hd_error *err);
void hd_old_frames_close(struct hd_old_frames *frames);

#endif
