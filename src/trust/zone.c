/*
 * Entries of a zone file as records. See zone.h.
 *
 * An entry is NAME [TTL] [CLASS] TYPE DATA; TTL and class are read over, and what is not in the
 * class IN is refused. All problems of a file are told, and then there is no zone: half of the
 * records would be another world.
 */
#include "trust/zone.h"

#include "trust/ip.h"
#include "trust/zone_table.h"
#include "trust/zone_text.h"

#include <errno.h>

enum { WORD_SHOWN = 60 };

struct zone {
    struct arena arena;
    struct zone_table table;
};

struct reader {
    struct zone *zone;
    struct arena scratch; /* words of the file */
    struct slice file;
    struct problem_list *problems;
    unsigned line;
    struct slice origin; /* clean, of the zone's arena */
    struct slice owner;  /* of the last entry */
    bool has_owner;
};

/* Words of an entry that are still to be read. */
struct words {
    const struct zone_word *at;
    unsigned left;
};

static int add_problem(struct reader *reader, const char *what, struct slice word)
{
    char shown[WORD_SHOWN];
    size_t len = word.len < WORD_SHOWN ? word.len : WORD_SHOWN;

    for (size_t i = 0; i < len; i++)
        shown[i] = word.ptr[i] >= ' ' && word.ptr[i] < 127 ? word.ptr[i] : '?';
    problem_add(reader->problems, reader->file, reader->line, "'%.*s' %s", (int)len, shown, what);
    return -EINVAL;
}

static int add_lack(struct reader *reader, const char *what)
{
    problem_add(reader->problems, reader->file, reader->line, "%s", what);
    return -EINVAL;
}

/* The name that a word of the file means, clean and of the zone's arena. */
static int read_name(struct reader *reader, struct slice word, struct slice *ret_name)
{
    bool whole = word.len && word.ptr[word.len - 1] == '.';
    struct slice text = word, name;
    char space[ZONE_NAME_SPACE];

    if (slice_eq(word, SLICE("@")))
        text = reader->origin;
    else if (!whole && reader->origin.len)
        text =
            arena_printf(&reader->scratch, "%.*s.%.*s", SLICE_ARG(word), SLICE_ARG(reader->origin));
    if (word.len == 0 || (!zone_name_clean(text, space, &name) && !slice_eq(word, SLICE("."))))
        return add_problem(reader, "is no name: labels are 1 to 63 octets, a name 253 at most",
                           word);
    if (slice_eq(word, SLICE(".")))
        name = SLICE_NULL;
    *ret_name = arena_dup(&reader->zone->arena, name);
    return 0;
}

static int read_owner(struct reader *reader, struct slice word)
{
    char reverse[TRUST_IP_REVERSE_MAX];
    struct trust_ip ip;

    reader->has_owner = true;
    if (!trust_ip_parse(word, &ip))
        return read_name(reader, word, &reader->owner);
    reader->owner = arena_dup(&reader->zone->arena, trust_ip_reverse(&ip, reverse));
    return 0;
}

/* ---- data ----------------------------------------------------------------------------------- */

static int need_words(struct reader *reader, const struct words *words, unsigned count,
                      const char *what)
{
    return words->left == count ? 0 : add_lack(reader, what);
}

static int read_address(struct reader *reader, struct words *words, enum trust_type type,
                        struct trust_record *record)
{
    bool v6 = type == TRUST_AAAA;
    uint8_t bytes[16];

    if (need_words(reader, words, 1, "an A or AAAA record has one address behind the type"))
        return -EINVAL;
    if (v6 ? !trust_ip_parse_v6(words->at->text, bytes)
           : !trust_ip_parse_v4(words->at->text, bytes))
        return add_problem(reader,
                           v6 ? "is no IPv6 address such as 2001:db8::1"
                              : "is no IPv4 address such as 192.0.2.1",
                           words->at->text);
    record->bytes = arena_dup(&reader->zone->arena, slice_from(bytes, v6 ? 16 : 4));
    return 0;
}

static int read_mx(struct reader *reader, struct words *words, struct trust_record *record)
{
    uint64_t preference;

    if (need_words(reader, words, 2, "an MX record has a preference and a name behind the type"))
        return -EINVAL;
    if (!slice_parse_u64(words->at[0].text, UINT16_MAX, &preference))
        return add_problem(reader, "is no preference of an MX record, 0 to 65535",
                           words->at[0].text);
    record->preference = (uint16_t)preference;
    return read_name(reader, words->at[1].text, &record->bytes);
}

static int read_txt(struct reader *reader, struct words *words, struct trust_record *record)
{
    size_t len = 0;
    char *to;

    for (unsigned i = 0; i < words->left; i++)
        len += words->at[i].text.len;
    to = arena_alloc(&reader->zone->arena, len + 1);
    record->bytes = slice_from(to, len);
    for (unsigned i = 0; i < words->left; i++) {
        if (words->at[i].text.len)
            memcpy(to, words->at[i].text.ptr, words->at[i].text.len);
        to += words->at[i].text.len;
    }
    return 0;
}

static int read_target(struct reader *reader, struct words *words, struct slice *ret_name)
{
    if (need_words(reader, words, 1, "a CNAME or PTR record has one name behind the type"))
        return -EINVAL;
    return read_name(reader, words->at->text, ret_name);
}

static int read_data(struct reader *reader, struct words *words, enum trust_type type,
                     struct trust_record *record)
{
    switch (type) {
    case TRUST_A:
    case TRUST_AAAA:
        return read_address(reader, words, type, record);
    case TRUST_MX:
        return read_mx(reader, words, record);
    case TRUST_PTR:
        return read_target(reader, words, &record->bytes);
    case TRUST_TXT:
        break;
    }
    return read_txt(reader, words, record);
}

/* "!servfail": no data, but a failure. */
static const char *failure_of(const struct words *words)
{
    if (words->left != 1 || words->at->quoted)
        return NULL;
    if (slice_eq_nocase(words->at->text, SLICE("!servfail")))
        return "SERVFAIL";
    return slice_eq_nocase(words->at->text, SLICE("!timeout")) ? "no answer in time" : NULL;
}

/* ---- types ---------------------------------------------------------------------------------- */

enum { CNAME = 5, UNASKED = -1, UNKNOWN = -2 };

static int type_of(struct slice word)
{
    static const struct {
        const char *name;
        int type;
    } types[] = {
        {"A", TRUST_A},          {"AAAA", TRUST_AAAA},    {"MX", TRUST_MX},   {"PTR", TRUST_PTR},
        {"TXT", TRUST_TXT},      {"CNAME", CNAME},        {"SOA", UNASKED},   {"NS", UNASKED},
        {"SRV", UNASKED},        {"TLSA", UNASKED},       {"CAA", UNASKED},   {"SPF", UNASKED},
        {"DS", UNASKED},         {"DNSKEY", UNASKED},     {"CDS", UNASKED},   {"CDNSKEY", UNASKED},
        {"RRSIG", UNASKED},      {"NSEC", UNASKED},       {"NSEC3", UNASKED}, {"SSHFP", UNASKED},
        {"NAPTR", UNASKED},      {"NSEC3PARAM", UNASKED}, {"HTTPS", UNASKED}, {"SVCB", UNASKED},
        {"OPENPGPKEY", UNASKED}, {"SMIMEA", UNASKED},     {"HINFO", UNASKED}, {"LOC", UNASKED},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (slice_eq_nocase(word, slice_from_cstr(types[i].name)))
            return types[i].type;
    }
    return slice_starts_with_nocase(word, SLICE("TYPE")) && word.len > 4 ? UNASKED : UNKNOWN;
}

static struct zone_name *owner_of(struct reader *reader)
{
    return zone_table_put(&reader->zone->table, reader->owner);
}

static int read_alias(struct reader *reader, struct words *words)
{
    struct slice target;

    if (read_target(reader, words, &target))
        return -EINVAL;
    if (zone_name_alias(owner_of(reader), target))
        return add_lack(reader, "the name has two CNAME records; take one of them out");
    return 0;
}

static int read_typed(struct reader *reader, struct words *words, int type)
{
    struct trust_record record = {0};
    const char *why = failure_of(words);

    if (why) {
        zone_name_fail(owner_of(reader), (enum trust_type)type, why);
        return 0;
    }
    if (read_data(reader, words, (enum trust_type)type, &record))
        return -EINVAL;
    if (zone_name_add(&reader->zone->table, owner_of(reader), (enum trust_type)type, &record))
        return add_lack(reader, "the name has more than 64 records of this type; take some out");
    return 0;
}

/* ---- entries -------------------------------------------------------------------------------- */

static void drop_word(struct words *words)
{
    words->at++;
    words->left--;
}

/* "3600", "1h30m": begins with a digit, and is no type. */
static bool is_ttl_or_class(struct slice word)
{
    return (word.len && ascii_is_digit(word.ptr[0])) || slice_eq_nocase(word, SLICE("IN"));
}

/* Behind the name. */
static int read_rest(struct reader *reader, struct words *words)
{
    int type;

    if (failure_of(words)) {
        zone_name_fail(owner_of(reader), 0, failure_of(words));
        return 0;
    }
    while (words->left && is_ttl_or_class(words->at->text))
        drop_word(words);
    if (words->left == 0)
        return add_lack(reader, "an entry is NAME TYPE DATA, and here is no type");
    type = type_of(words->at->text);
    if (type == UNKNOWN)
        return add_problem(reader,
                           "is no record type; A, AAAA, CNAME, MX, PTR and TXT are asked for",
                           words->at->text);
    drop_word(words);
    if (type == UNASKED) {
        owner_of(reader);
        return 0;
    }
    if (words->left == 0)
        return add_lack(reader, "an entry is NAME TYPE DATA, and here is no data");
    return type == CNAME ? read_alias(reader, words) : read_typed(reader, words, type);
}

static int read_directive(struct reader *reader, struct words *words)
{
    struct slice word = words->at->text;

    if (slice_eq_nocase(word, SLICE("$TTL")))
        return 0;
    if (!slice_eq_nocase(word, SLICE("$ORIGIN")))
        return add_problem(reader, "is not understood; $ORIGIN and $TTL are, write the rest out",
                           word);
    drop_word(words);
    if (words->left != 1)
        return add_lack(reader, "$ORIGIN wants one name, such as example.com.");
    return read_name(reader, words->at->text, &reader->origin);
}

static int read_entry(struct reader *reader, const struct zone_entry *entry)
{
    struct words words = {.at = entry->words, .left = entry->n_words};

    reader->line = entry->line;
    if (!entry->indented && words.at->text.len && words.at->text.ptr[0] == '$')
        return read_directive(reader, &words);
    if (!entry->indented) {
        if (read_owner(reader, words.at->text))
            return -EINVAL;
        drop_word(&words);
    }
    if (!reader->has_owner)
        return add_lack(reader,
                        "a line that begins with a blank goes on with the name of the entry "
                        "before it, and there is none; write the name first");
    return read_rest(reader, &words);
}

static void read_all(struct reader *reader, struct slice text)
{
    struct zone_entry entry;
    struct zone_text words;
    const char *problem;
    int found;

    zone_text_init(&words, text, &reader->scratch);
    while ((found = zone_text_next(&words, &entry, &problem)) != 0) {
        reader->line = entry.line;
        if (found < 0)
            add_lack(reader, problem);
        else
            (void)read_entry(reader, &entry);
    }
}

struct zone *zone_read(struct slice file, struct slice text, struct problem_list *problems)
{
    unsigned before = problems->count;
    struct reader reader = {.file = file, .problems = problems};
    struct zone *zone = xcalloc(1, sizeof(*zone));

    arena_init(&zone->arena);
    zone_table_init(&zone->table, &zone->arena);
    arena_init(&reader.scratch);
    reader.zone = zone;
    read_all(&reader, text);
    arena_done(&reader.scratch);
    if (problems->count == before)
        return zone;
    zone_free(zone);
    return NULL;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    arena_done(&zone->arena);
    free(zone);
}

static int ask_zone(void *arg, struct slice name, enum trust_type type,
                    const struct trust_answer **ret_answer)
{
    const struct zone *zone = arg;

    *ret_answer = zone_table_ask(&zone->table, name, type);
    return 0;
}

struct trust_names zone_names(struct zone *zone)
{
    return (struct trust_names){.ask = ask_zone, .arg = zone};
}
