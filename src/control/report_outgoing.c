/*
 * nuncio report dmarc --outgoing: what is counted for the owners of others' domains and waits to be
 * reported to them. Reads the file that the history role writes.
 */
#include "control/report.h"

#include "base/buf.h"
#include "history/dmarc_rows.h"
#include "history/dmarc_sending.h"
#include "trust/tlsrpt_report.h"

#include <stdio.h>
#include <sysexits.h>

enum { PATH_ROOM = 4096, ROWS_SHOWN = 20 };

struct output {
    const struct report_request *request;
    struct dmarc_rows *rows;
    unsigned n_heaps, n_shown;
    int r;
};

static const char *disposition_name(enum dmarc_disposition disposition)
{
    static const char *const names[] = {"none", "quarantine", "reject"};

    return names[disposition];
}

static json_t *row_json(const struct msg_dmarc_row *row, uint64_t count)
{
    json_t *object = json_object();

    report_set(object, "source", row->client);
    report_set_number(object, "messages", count);
    report_set(object, "author", row->author);
    json_object_set_new(object, "disposition", json_string(disposition_name(row->disposition)));
    json_object_set_new(object, "dkim", json_string(row->dkim_pass ? "pass" : "fail"));
    json_object_set_new(object, "spf", json_string(row->spf_pass ? "pass" : "fail"));
    return object;
}

static void on_row_json(void *arg, const struct msg_dmarc_row *row, uint64_t count)
{
    json_array_append_new(arg, row_json(row, count));
}

static void on_row_text(void *arg, const struct msg_dmarc_row *row, uint64_t count)
{
    struct output *output = arg;

    if (++output->n_shown > ROWS_SHOWN)
        return;
    printf("  %8llu  %-4s  %-4s  %-10s  ", (unsigned long long)count,
           row->dkim_pass ? "pass" : "fail", row->spf_pass ? "pass" : "fail",
           disposition_name(row->disposition));
    report_print(row->client);
    report_print_part(" as ", row->author);
    putchar('\n');
}

static void print_json(struct output *output, const struct dmarc_heap *heap, const struct slice *to,
                       uint32_t n_to)
{
    json_t *object = json_object(), *list = json_array(), *addresses = json_array();

    report_set(object, "domain", heap->domain);
    json_object_set_new(object, "day",
                        json_stringn(tlsrpt_time_format(heap->day * DMARC_ROWS_DAY_S).text, 10));
    report_set(object, "record", heap->record);
    report_set_number(object, "messages", heap->messages);
    report_set_number(object, "dropped", heap->dropped);
    if (heap->next_s > 1)
        json_object_set_new(object, "next", json_string(tlsrpt_time_format(heap->next_s).text));
    for (uint32_t i = 0; i < n_to; i++)
        json_array_append_new(addresses, json_stringn(to[i].ptr, to[i].len));
    json_object_set_new(object, "to", addresses);
    output->r = dmarc_rows_each(output->rows, heap->id, on_row_json, list);
    json_object_set_new(object, "rows", list);
    report_print_json(object);
}

static void print_text(struct output *output, const struct dmarc_heap *heap, const struct slice *to,
                       uint32_t n_to)
{
    report_print(heap->domain);
    printf(", %.10s: %llu messages", tlsrpt_time_format(heap->day * DMARC_ROWS_DAY_S).text,
           (unsigned long long)heap->messages);
    if (heap->dropped)
        printf(" and %llu more that were too many to keep", (unsigned long long)heap->dropped);
    for (uint32_t i = 0; i < n_to; i++)
        report_print_part(i ? ", " : ", for ", to[i]);
    if (n_to == 0)
        printf(", for nobody: rua has no mailbox");
    if (heap->next_s > 1)
        printf(", next try at %.19sZ", tlsrpt_time_format(heap->next_s).text);
    printf("\n  %8s  %-4s  %-4s  %-10s  %s\n", "messages", "DKIM", "SPF", "done", "from");
    output->n_shown = 0;
    output->r = dmarc_rows_each(output->rows, heap->id, on_row_text, output);
    if (output->n_shown > ROWS_SHOWN)
        printf("  and %u more rows\n", output->n_shown - ROWS_SHOWN);
}

static bool on_heap(void *arg, const struct dmarc_heap *heap)
{
    struct slice to[DMARC_SEND_TO_MAX];
    struct output *output = arg;
    struct arena arena;
    uint32_t n_to;

    arena_init(&arena);
    n_to = dmarc_sending_addresses(heap->record, 0, &arena, to);
    output->n_heaps++;
    if (output->request->json)
        print_json(output, heap, to, n_to);
    else
        print_text(output, heap, to, n_to);
    arena_done(&arena);
    return output->r == 0;
}

int report_outgoing(const struct report_request *request)
{
    struct output output = {.request = request};
    char path[PATH_ROOM];
    int r;

    snprintf(path, sizeof(path), "%s/" DMARC_ROWS_FILE, request->folder);
    r = dmarc_rows_open_read(path, &output.rows);
    if (r == 0) {
        r = dmarc_rows_each_heap(output.rows, request->domain, on_heap, &output);
        dmarc_rows_close(output.rows);
    }
    if (r < 0 || output.r < 0)
        return report_not_opened(request, DMARC_ROWS_FILE, "nothing has been counted yet",
                                 r < 0 ? r : output.r);
    if (output.n_heaps == 0)
        fputs("nuncio: nothing is waiting to be reported\n", stderr);
    return output.n_heaps ? EX_OK : EX_NOINPUT;
}
