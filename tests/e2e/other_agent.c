/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another native agent, as it could be anybody's: it brings the system's libwebsockets and OpenSSL
 * into the JVM and serves HTTPS with them on a thread of its own. Options: PORT,CERTIFICATE (the
 * path without .pem and .key).
 */
#include <jvmti.h>
#include <libwebsockets.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static struct lws_context *context;
static pthread_t server;
static atomic_bool ends;

static const struct lws_protocols protocols[] = {
    { .name = "http-only", .callback = lws_callback_http_dummy },
    { .name = NULL },
};

static void *serve(void *unused)
{
    (void)unused;
    while (!ends && lws_service(context, 0) >= 0)
        continue;
    return NULL;
}

JNIEXPORT jint JNICALL Agent_OnLoad(JavaVM *vm, char *options, void *reserved)
{
    (void)vm;
    (void)reserved;
    char certificate[256], key[256];
    char *path;
    long port = strtol(options, &path, 10);
    if (*path != ',')
        return JNI_ERR;
    snprintf(certificate, sizeof certificate, "%s.pem", path + 1);
    snprintf(key, sizeof key, "%s.key", path + 1);
    struct lws_context_creation_info info = {
        .port = (int)port,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .ssl_cert_filepath = certificate,
        .ssl_private_key_filepath = key,
    };
    lws_set_log_level(LLL_ERR, NULL);
    context = lws_create_context(&info);
    return context != NULL && pthread_create(&server, NULL, serve, NULL) == 0 ? JNI_OK : JNI_ERR;
}

JNIEXPORT void JNICALL Agent_OnUnload(JavaVM *vm)
{
    (void)vm;
    if (context == NULL)
        return;
    ends = true;
    lws_cancel_service(context);
    pthread_join(server, NULL);
    lws_context_destroy(context);
}
