/*
 * A sorted list of (name, address), so that a long file of names that are not wanted costs nobody
 * anything. What stands here is the administrator's word and no secret of DNSSEC: it is insecure.
 */
#include "dns/hosts.h"

#include "base/buf.h"
#include "dns/name.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { FILE_MAX = 8 * 1024 * 1024, ADDRESS_TEXT = 64, TTL_S = 3600 };

struct entry {
    const char *name;
    size_t line; /* addresses of a name stay in the file's order */
    unsigned char bytes[16];
    enum dns_type type;
};

struct hosts {
    struct arena arena;
    struct entry *list;
    size_t count, size;
};

static int compare(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order ? order : (left->line > right->line) - (left->line < right->line);
}

static void add(struct hosts *hosts, const struct entry *entry)
{
    if (hosts->count == hosts->size) {
        hosts->size = hosts->size ? 2 * hosts->size : 16;
        hosts->list = xrealloc(hosts->list, hosts->size * sizeof(*hosts->list));
    }
    hosts->list[hosts->count++] = *entry;
}

static struct slice take_word(struct slice *line)
{
    size_t start = 0, end;

    while (start < line->len && ascii_is_blank(line->ptr[start]))
        start++;
    end = start;
    while (end < line->len && !ascii_is_blank(line->ptr[end]))
        end++;
    struct slice word = slice_sub(*line, start, end - start);
    *line = slice_skip(*line, end);
    return word;
}

static bool parse_address(struct slice word, struct entry *entry)
{
    char text[ADDRESS_TEXT];

    if (word.len == 0 || word.len >= sizeof(text))
        return false;
    memcpy(text, word.ptr, word.len);
    text[word.len] = '\0';
    entry->type = strchr(text, ':') ? DNS_AAAA : DNS_A;
    return inet_pton(entry->type == DNS_A ? AF_INET : AF_INET6, text, entry->bytes) == 1;
}

static void parse_line(struct hosts *hosts, struct slice line, size_t number)
{
    struct entry entry = {.line = number};
    char name[DNS_NAME_MAX + 1];
    struct slice word;

    line = slice_trim(slice_cut(&line, '#'));
    if (!parse_address(take_word(&line), &entry))
        return;
    while ((word = take_word(&line)).len) {
        if (!dns_name_clean(word, name) || !*name)
            continue;
        entry.name = arena_cstr(&hosts->arena, slice_from_cstr(name));
        add(hosts, &entry);
    }
}

struct hosts *hosts_parse(struct slice text)
{
    struct hosts *hosts = xcalloc(1, sizeof(*hosts));

    arena_init(&hosts->arena);
    for (size_t number = 1; text.ptr; number++)
        parse_line(hosts, slice_cut(&text, '\n'), number);
    if (hosts->count)
        qsort(hosts->list, hosts->count, sizeof(*hosts->list), compare);
    return hosts;
}

struct hosts *hosts_read(const char *path)
{
    FILE *file = fopen(path, "re");
    struct hosts *hosts;
    struct buf text;
    size_t n = 0;
    char *room;

    buf_init(&text, FILE_MAX);
    while (file && (room = buf_reserve(&text, 4096)) != NULL &&
           (n = fread(room, 1, 4096, file)) > 0)
        buf_added(&text, n);
    if (file)
        fclose(file);
    hosts = hosts_parse(text.overflow ? SLICE("") : buf_slice(&text));
    buf_done(&text);
    return hosts;
}

void hosts_free(struct hosts *hosts)
{
    arena_done(&hosts->arena);
    free(hosts->list);
    free(hosts);
}

/* The first entry of this name, or NULL. */
static const struct entry *find_first(const struct hosts *hosts, const char *name)
{
    size_t low = 0, high = hosts->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(hosts->list[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == hosts->count || strcmp(hosts->list[low].name, name) != 0)
        return NULL;
    return &hosts->list[low];
}

bool hosts_find(const struct hosts *hosts, const char *name, enum dns_type type,
                struct arena *arena, struct dns_answer *ret_answer)
{
    const struct entry *entry = find_first(hosts, name), *end = hosts->list + hosts->count;
    struct dns_answer answer = {.result = DNS_NO_DATA, .ttl_s = TTL_S};

    if (!entry || (type != DNS_A && type != DNS_AAAA))
        return false;
    answer.canonical = slice_from_cstr(entry->name);
    answer.records = arena_alloc(arena, DNS_RECORDS_MAX * sizeof(*answer.records));
    for (; entry < end && strcmp(entry->name, name) == 0; entry++) {
        if (entry->type != type || answer.n_records == DNS_RECORDS_MAX)
            continue;
        answer.records[answer.n_records++] = slice_from(entry->bytes, type == DNS_A ? 4 : 16);
        answer.result = DNS_FOUND;
    }
    *ret_answer = answer;
    return true;
}
