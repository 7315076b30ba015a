/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that only ask: ps, status, history, show. */
#include "client/command.h"
#include "client/conn.h"
#include "client/print.h"
#include "client/query.h"
#include "core/alloc.h"
#include "core/text.h"

#include <string.h>
#include <unistd.h>

static int query(const struct hd_invocation *invocation, const struct hd_request *request,
                 void (*print)(const json_t *answer))
{
    json_t *answer = NULL;
    int status = hd_query_put(invocation, request, &answer);
    if (status != HD_EXIT_GOOD)
        return status;
    if (invocation->json)
        hd_print_json(answer);
    else
        print(answer);
    json_decref(answer);
    return HD_EXIT_GOOD;
}

static const char *number_text(const json_t *object, const char *key, char *out, size_t capacity)
{
    snprintf(out, capacity, "%lld", (long long)json_integer_value(json_object_get(object, key)));
    return out;
}

struct table {
    const char **cells;
    size_t columns;
    size_t rows;
    size_t next;
};

static bool table_init(struct table *table, size_t columns, size_t rows)
{
    *table = (struct table){ .columns = columns, .rows = rows };
    table->cells = hd_alloc_zeroed(columns * rows, sizeof *table->cells);
    return table->cells != NULL;
}

static void table_add(struct table *table, const char *text)
{
    if (table->next < table->columns * table->rows)
        table->cells[table->next++] = hd_strdup(text);
}

static void table_print(struct table *table, const char *const *headers)
{
    hd_print_table(headers, table->columns, table->cells, table->rows, NULL);
    for (size_t i = 0; i < table->next; i++)
        hd_free((void *)(uintptr_t)table->cells[i]);
    hd_free(table->cells);
}

static void print_trial(const json_t *trial)
{
    long long number = (long long)json_integer_value(json_object_get(trial, "deployment"));
    char who[200];
    hd_text_escape(hd_answer_text(trial, "who"), who, sizeof who);
    if (!json_is_object(trial))
        return;
    if (json_is_null(json_object_get(trial, "ended")))
        printf("On trial: deployment %lld by %s, %.1f s left; 'hotdrop confirm %lld' keeps it.\n",
               number, who, json_number_value(json_object_get(trial, "seconds_left")), number);
    else
        printf("Deployment %lld by %s was not confirmed in time, and its rollback was refused: it "
               "is live. 'hotdrop show %lld' says why.\n",
               number, who, (long long)json_integer_value(json_object_get(trial, "rollback")));
}

static void print_kept(const json_t *kept)
{
    long long count = (long long)json_integer_value(json_object_get(kept, "classes"));
    size_t index;
    json_t *class;
    char why[300], name[400], loader[300];
    if (!json_is_object(kept))
        return;
    printf("Kept over a restart: %lld class%s, as after deployment %lld.\n", count,
           count == 1 ? "" : "es", (long long)json_integer_value(json_object_get(kept, "state")));
    json_array_foreach(json_object_get(kept, "set_aside"), index, class)
    {
        hd_text_escape(hd_answer_text(class, "why"), why, sizeof why);
        hd_text_escape(hd_answer_text(class, "class"), name, sizeof name);
        hd_text_escape(hd_answer_text(class, "loader"), loader, sizeof loader);
        printf("Set aside, not live: %s in %s, deployment %lld: %s.\n", name, loader,
               (long long)json_integer_value(json_object_get(class, "deployment")), why);
    }
}

/* "redefined", "redefined, forced". */
static const char *live_text(const json_t *row, char *out, size_t capacity)
{
    bool forced = json_array_size(json_object_get(row, "forced")) > 0;
    snprintf(out, capacity, "%s%s", hd_answer_text(row, "live"), forced ? ", forced" : "");
    return out;
}

static double kibibytes(const json_t *memory, const char *key)
{
    return (double)json_integer_value(json_object_get(memory, key)) / 1024;
}

static void print_memory(const json_t *memory)
{
    if (json_is_object(memory))
        printf("Held for the way back: originals %.1f KiB, patches %.1f KiB, history %.1f KiB; "
               "to find classes: index %.1f KiB.\n",
               kibibytes(memory, "originals"), kibibytes(memory, "patches"),
               kibibytes(memory, "history"), kibibytes(memory, "index"));
}

static void print_status(const json_t *answer)
{
    static const char *const headers[] = { "CLASS", "LOADER", "LIVE",       "DEPLOYMENT",
                                           "WHO",   "WHEN",   "OLD THREADS" };
    const json_t *classes = json_object_get(answer, "classes");
    struct table table;
    if (json_array_size(classes) > 0 && table_init(&table, 7, json_array_size(classes))) {
        size_t index;
        json_t *row;
        char number[32], live[80];
        json_array_foreach(classes, index, row)
        {
            table_add(&table, hd_answer_text(row, "class"));
            table_add(&table, hd_answer_text(row, "loader"));
            table_add(&table, live_text(row, live, sizeof live));
            table_add(&table, number_text(row, "deployment", number, sizeof number));
            table_add(&table, hd_answer_text(row, "who"));
            table_add(&table, hd_answer_text(row, "when"));
            table_add(&table, number_text(row, "threads_in_old_code", number, sizeof number));
        }
        table_print(&table, headers);
    }
    print_trial(json_object_get(answer, "trial"));
    print_memory(json_object_get(answer, "memory"));
    print_kept(json_object_get(answer, "kept"));
    char busy[512];
    hd_text_escape(hd_answer_text(answer, "busy"), busy, sizeof busy);
    if (busy[0] != '\0')
        printf("Busy: %s\n", busy);
    printf("State %s, pid %lld, JDK %s: %zu patched.\n", hd_answer_word(answer, "state"),
           (long long)json_integer_value(json_object_get(answer, "pid")),
           hd_answer_word(answer, "jdk"), json_array_size(classes));
}

static void describe_outcomes(const json_t *summary, char *out, size_t capacity)
{
    out[0] = '\0';
    const char *outcome;
    json_t *count;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(summary, "outcomes"), outcome, count)
    {
        size_t used = strlen(out);
        if (json_integer_value(count) > 0 && used < capacity)
            snprintf(out + used, capacity - used, "%s%lld %s", used > 0 ? ", " : "",
                     (long long)json_integer_value(count), outcome);
    }
    const json_t *error = json_object_get(summary, "error");
    if (json_is_object(error))
        snprintf(out, capacity, "%s", hd_answer_text(error, "reason"));
    if (json_array_size(json_object_get(summary, "forced")) > 0)
        snprintf(out + strlen(out), capacity - strlen(out), "; forced");
    const char *emergency = hd_answer_text(summary, "emergency");
    if (emergency[0] != '\0')
        hd_text_format(out + strlen(out), capacity - strlen(out), "; emergency: %s", emergency);
    const json_t *trial = json_object_get(summary, "trial");
    const char *ended = hd_answer_text(trial, "ended");
    size_t used = strlen(out);
    if (json_is_object(trial) && used < capacity)
        snprintf(out + used, capacity - used, "; %s", ended[0] != '\0' ? ended : "on trial");
}

static void print_history(const json_t *answer)
{
    static const char *const headers[] = { "N",      "WHEN",    "WHO",     "WAY",
                                           "BUNDLE", "APPLIED", "OUTCOME", "MESSAGE" };
    const json_t *deployments = json_object_get(answer, "deployments");
    struct table table;
    if (json_array_size(deployments) == 0) {
        printf("Nothing was deployed yet.\n");
        return;
    }
    if (!table_init(&table, 8, json_array_size(deployments)))
        return;
    size_t index;
    json_t *row;
    char number[32], outcomes[256];
    json_array_foreach(deployments, index, row)
    {
        describe_outcomes(row, outcomes, sizeof outcomes);
        table_add(&table, number_text(row, "deployment", number, sizeof number));
        table_add(&table, hd_answer_text(row, "when"));
        table_add(&table, hd_answer_text(row, "who"));
        table_add(&table, hd_answer_text(row, "way"));
        table_add(&table, hd_answer_text(json_object_get(row, "bundle"), "name"));
        table_add(&table, json_is_true(json_object_get(row, "applied")) ? "yes" : "no");
        table_add(&table, outcomes);
        table_add(&table, hd_answer_text(row, "message"));
    }
    table_print(&table, headers);
}

static void print_line(const char *title, const char *text)
{
    char escaped[1024];
    hd_text_escape(text, escaped, sizeof escaped);
    if (escaped[0] != '\0')
        printf("%-9s %s\n", title, escaped);
}

/* "a, b, c" */
static void list_texts(const json_t *array, char *out, size_t capacity)
{
    size_t index;
    json_t *text;
    out[0] = '\0';
    json_array_foreach(array, index, text)
    {
        if (json_is_string(text))
            hd_text_format(out + strlen(out), capacity - strlen(out), "%s%s", index > 0 ? ", " : "",
                           json_string_value(text));
    }
}

/* What a bundle's manifest and signatures said. */
static void print_seal(const json_t *sealed)
{
    char signers[512], number[32];
    if (!json_is_object(sealed))
        return;
    list_texts(json_object_get(sealed, "signers"), signers, sizeof signers);
    print_line("Signed by", signers);
    print_line("On behalf", hd_answer_text(sealed, "on_behalf_of"));
    print_line("Name", hd_answer_text(sealed, "name"));
    print_line("Version", hd_answer_text(sealed, "version"));
    print_line("Sequence", number_text(sealed, "sequence", number, sizeof number));
}

static void print_deployment(const json_t *answer)
{
    const json_t *bundle = json_object_get(answer, "bundle");
    char forced[128];
    list_texts(json_object_get(answer, "forced"), forced, sizeof forced);
    print_line("When", hd_answer_text(answer, "when"));
    print_line("Who", hd_answer_text(answer, "who"));
    print_line("From", hd_answer_text(answer, "from"));
    print_line("Way", hd_answer_text(answer, "way"));
    print_line("Message", hd_answer_text(answer, "message"));
    print_line("Bundle", hd_answer_text(bundle, "name"));
    print_line("SHA-256", hd_answer_text(bundle, "digest"));
    print_seal(json_object_get(answer, "sealed"));
    print_line("Forced", forced);
    print_line("Emergency", hd_answer_text(answer, "emergency"));
    print_line("State", hd_answer_text(answer, "state"));
    double micros = (double)json_integer_value(json_object_get(answer, "micros"));
    hd_print_report(answer, false, micros / 1e6);
}

/* "  > demo.Shop.run   (old)", the newest frame first; frames that are left out are "…". */
static void print_frames(const json_t *frames)
{
    size_t index;
    json_t *frame;
    json_int_t expected = 0;
    json_array_foreach(frames, index, frame)
    {
        char class_name[400], method[200];
        json_int_t at = json_integer_value(json_object_get(frame, "at"));
        bool old = json_is_true(json_object_get(frame, "old"));
        hd_text_escape(hd_answer_text(frame, "class"), class_name, sizeof class_name);
        hd_text_escape(hd_answer_text(frame, "method"), method, sizeof method);
        if (at != expected)
            printf("    …\n");
        printf("  %c %s.%s%s\n", old ? '>' : ' ', class_name, method, old ? "   (old code)" : "");
        expected = at + 1;
    }
}

static void print_blocking(const json_t *answer)
{
    const json_t *blocking = json_object_get(answer, "blocking");
    const json_t *threads = json_object_get(blocking, "threads");
    size_t index;
    json_t *thread;
    json_array_foreach(threads, index, thread)
    {
        char name[200];
        hd_text_escape(hd_answer_text(thread, "thread"), name, sizeof name);
        printf("\nThread \"%s\":\n", name);
        print_frames(json_object_get(thread, "frames"));
    }
    json_int_t more = json_integer_value(json_object_get(blocking, "more"));
    if (more > 0)
        printf("\n… and %lld more threads in old code.\n", (long long)more);
    if (json_is_null(blocking))
        printf("The agent is busy: the stacks are not known now.\n");
    else if (json_array_size(threads) == 0)
        printf("No thread is in old code.\n");
    if (json_is_false(json_object_get(answer, "old_frames_complete")))
        printf("(The JVM does not list virtual threads.)\n");
}

static void print_status_and_blocking(const json_t *answer)
{
    print_status(answer);
    print_blocking(answer);
}

int hd_command_status(const struct hd_invocation *invocation)
{
    const struct hd_request request = { .type = HD_REQUEST_STATUS,
                                        .id = 1,
                                        .blocking = invocation->blocking };
    return query(invocation, &request,
                 invocation->blocking ? print_status_and_blocking : print_status);
}

int hd_command_history(const struct hd_invocation *invocation)
{
    const struct hd_request request = { .type = HD_REQUEST_HISTORY, .id = 1 };
    return query(invocation, &request, print_history);
}

int hd_command_show(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_request request = { .type = HD_REQUEST_SHOW, .id = 1 };
    int result =
        invocation->argument_count == 1
            ? hd_text_parse_number(invocation->arguments[0], 1, INT64_MAX, &request.deployment,
                                   &err)
            : hd_error_set(&err, HD_E_USAGE,
                           "which deployment? 'hotdrop history' lists them: hotdrop show N");
    if (result != 0)
        return hd_print_failure(invocation->json, HD_EXIT_USAGE, &err);
    return query(invocation, &request, print_deployment);
}

/* How many deployments the agent of this JVM has seen; -1 where none answers. */
static long long count_deployments(const struct hd_jvm_process *jvm)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_target target;
    struct hd_conn *conn = NULL;
    hd_target_of_jvm(jvm, &target);
    if (!jvm->socket_exists || hd_conn_open(&target, &conn, &err) != 0)
        return -1;
    const json_t *hello = hd_conn_hello(conn);
    long long count =
        hello != NULL ? json_integer_value(json_object_get(hello, "deployments")) : -1;
    hd_conn_close(conn);
    return count;
}

static const char *describe_agent(const struct hd_jvm_process *jvm, long long deployments)
{
    if (deployments >= 0)
        return "yes";
    return jvm->has_agent ? "yes, elsewhere" : "none";
}

static json_t *jvm_to_json(const struct hd_jvm_process *jvm, long long deployments)
{
    return json_pack("{s:i,s:s,s:s,s:s,s:o}", "pid", (int)jvm->pid, "main", jvm->main_class, "jdk",
                     jvm->jdk, "agent", describe_agent(jvm, deployments), "deployments",
                     deployments >= 0 ? json_integer(deployments) : json_null());
}

static void add_jvm(struct table *table, const struct hd_jvm_process *jvm, long long deployments)
{
    char number[32];
    snprintf(number, sizeof number, "%d", (int)jvm->pid);
    table_add(table, number);
    table_add(table, jvm->main_class);
    table_add(table, jvm->jdk);
    table_add(table, describe_agent(jvm, deployments));
    snprintf(number, sizeof number, "%lld", deployments);
    table_add(table, deployments >= 0 ? number : "");
}

static void print_jvms(const struct hd_jvm_process *list, size_t count)
{
    static const char *const headers[] = { "PID", "MAIN", "JDK", "AGENT", "DEPLOYMENTS" };
    struct table table;
    if (count == 0) {
        printf("No JVM of this user is running.\n");
        return;
    }
    if (!table_init(&table, 5, count))
        return;
    for (size_t i = 0; i < count; i++)
        add_jvm(&table, &list[i], count_deployments(&list[i]));
    table_print(&table, headers);
}

int hd_command_ps(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_jvm_process *list = NULL;
    size_t count = 0;
    if (hd_jvms_list(&list, &count, &err) != 0)
        return hd_print_failure(invocation->json, HD_EXIT_NO_AGENT, &err);
    if (invocation->json) {
        json_t *document = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(document, jvm_to_json(&list[i], count_deployments(&list[i])));
        hd_print_json(document);
        json_decref(document);
    } else {
        print_jvms(list, count);
    }
    hd_free(list);
    return HD_EXIT_GOOD;
}
