/*
 * Reads an aliases file: logical lines, a name, targets between commas. See alias_table.h.
 *
 * Quotes hold a local part together ("two words"@example.org, or a whole target in quotes, as
 * sendmail's files have it); a comma or "#" inside them is text.
 */
#include "account/alias_table.h"

#include "account/name_table.h"
#include "base/buf.h"
#include "mail/address.h"

struct alias {
    struct name_entry entry; /* first */
    struct store_targets targets;
};

struct alias_table {
    struct name_table names;
    struct arena arena;
    size_t count;
};

struct reading {
    struct alias_table *table;
    struct slice file;
    unsigned line; /* where the alias begins */
    struct problem_list *problems;
};

#define COMPLAIN(reading, ...)                                                                     \
    problem_add((reading)->problems, (reading)->file, (reading)->line, __VA_ARGS__)

/* The first of these bytes outside of quotes, or the length. */
static size_t find_outside_quotes(struct slice text, const char *bytes)
{
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        if (quoted && text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            quoted = !quoted;
        else if (!quoted && strchr(bytes, text.ptr[i]))
            return i;
    }
    return text.len;
}

/* What is wholly in quotes, such as "joe@example.org" or "|command", without them. */
static struct slice strip_quotes(struct arena *arena, struct slice text)
{
    struct buf plain;
    struct slice copy;

    if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"')
        return text;
    buf_init(&plain, text.len);
    for (size_t i = 1; i + 1 < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 2 < text.len)
            i++;
        buf_add_char(&plain, text.ptr[i]);
    }
    copy = arena_dup(arena, buf_slice(&plain));
    buf_done(&plain);
    return copy;
}

/* Whether this is something that other servers would do. */
static bool refuse_foreign(const struct reading *reading, struct slice target)
{
    struct slice shown = slice_sub(target, 0, 100);

    if (target.ptr[0] == '|')
        COMPLAIN(reading,
                 "'%.*s' is a command, and commands stand in the configuration alone; define it "
                 "there as program NAME { command ...; user ... }, and write program:NAME here",
                 SLICE_ARG(shown));
    else if (target.ptr[0] == '/')
        COMPLAIN(reading,
                 "'%.*s' is a file, and mail is not written into files; write the address of an "
                 "account, or program:NAME of the configuration",
                 SLICE_ARG(shown));
    else if (slice_starts_with_nocase(target, SLICE(":include:")))
        COMPLAIN(reading, "'%.*s': other files are not read; write their addresses here",
                 SLICE_ARG(shown));
    else if (target.ptr[0] == '\\')
        COMPLAIN(reading,
                 "'%.*s' begins with a backslash; leave it out: an alias that names itself means "
                 "its own mailbox",
                 SLICE_ARG(shown));
    else
        return false;
    return true;
}

/* False after a complaint. */
static bool check_target(const struct reading *reading, struct slice *target)
{
    const struct slice program = SLICE("program:");
    struct address address;
    struct slice plain = strip_quotes(&reading->table->arena, *target);

    if (plain.len == 0) {
        COMPLAIN(reading, "there is an empty target; separate targets with one comma");
        return false;
    }
    if (refuse_foreign(reading, plain))
        return false;
    if (slice_starts_with_nocase(plain, program) && plain.len > program.len) {
        *target = plain;
        return true;
    }
    /* "joe@example.org" in quotes is that address, and only else a quoted local part. */
    if (address_parse_mailbox(plain, ADDRESS_UTF8, &address).error == ADDRESS_OK)
        *target = plain;
    if (address_parse_mailbox(*target, ADDRESS_UTF8 | ADDRESS_UNQUALIFIED, &address).error ==
        ADDRESS_OK)
        return true;
    COMPLAIN(reading, "'%.*s' is not an address; targets are addresses with commas between them",
             SLICE_ARG(slice_sub(plain, 0, 100)));
    return false;
}

static void add_target(const struct reading *reading, struct alias *alias, struct slice target,
                       size_t *bytes)
{
    struct store_targets *targets = &alias->targets;

    if (!check_target(reading, &target))
        return;
    *bytes += target.len;
    if (targets->count == STORE_TARGETS_MAX || *bytes > STORE_TARGETS_BYTES_MAX) {
        COMPLAIN(reading,
                 "more than %d targets, or %d bytes of them; put some into aliases of their own",
                 STORE_TARGETS_MAX, STORE_TARGETS_BYTES_MAX);
        return;
    }
    targets->list[targets->count++] = arena_dup(&reading->table->arena, target);
}

static void take_targets(const struct reading *reading, struct alias *alias, struct slice text)
{
    size_t commas = 0, bytes = 0;
    unsigned before = reading->problems->count;

    for (size_t i = 0; i < text.len; i++)
        commas += text.ptr[i] == ',';
    if (commas >= STORE_TARGETS_MAX)
        commas = STORE_TARGETS_MAX;
    alias->targets.list =
        arena_alloc(&reading->table->arena, (commas + 1) * sizeof(alias->targets.list[0]));
    if (slice_trim(text).len == 0) {
        COMPLAIN(reading, "%.*s has no targets", SLICE_ARG(alias->entry.name));
        return;
    }
    do {
        size_t end = find_outside_quotes(text, ",");
        add_target(reading, alias, slice_trim(slice_sub(text, 0, end)), &bytes);
        text = end < text.len ? slice_skip(text, end + 1) : SLICE_NULL;
        /* A comma at the end is common, and harmless. */
    } while (slice_trim(text).len && reading->problems->count == before);
}

static void take_alias(const struct reading *reading, struct slice text)
{
    struct alias_table *table = reading->table;
    struct alias *alias = arena_alloc(&table->arena, sizeof(*alias));
    size_t end = find_outside_quotes(text, ": \t\r\n");
    struct slice name = slice_sub(text, 0, end), rest = slice_trim(slice_skip(text, end));
    struct slice plain = strip_quotes(&table->arena, name);
    const struct name_entry *there;

    if (rest.len && rest.ptr[0] == ':')
        rest = slice_skip(rest, 1);
    if (name.len && name.ptr[0] == '@') {
        COMPLAIN(reading, "%.*s: what catches all of a domain is its setting 'catch_all'",
                 SLICE_ARG(slice_sub(name, 0, 100)));
        return;
    }
    if (!name_table_key(&table->arena, name, &alias->entry.name) &&
        !name_table_key(&table->arena, plain, &alias->entry.name)) {
        COMPLAIN(reading, "'%.*s' is not a name for an alias; a line is name: target, target",
                 SLICE_ARG(slice_sub(name, 0, 100)));
        return;
    }
    alias->entry.line = reading->line;
    take_targets(reading, alias, rest);
    there = name_table_add(&table->names, &alias->entry);
    if (there)
        COMPLAIN(reading, "%.*s is there already, in line %u; put all targets into one of the two",
                 SLICE_ARG(there->name), there->line);
    table->count += !there;
}

static bool is_blank_or_comment(struct slice line)
{
    struct slice trimmed = slice_trim(line);

    return trimmed.len == 0 || trimmed.ptr[0] == '#';
}

static void take_text(struct reading *reading, struct slice text)
{
    struct buf alias;
    unsigned line_number = 0;

    buf_init(&alias, text.len + 1);
    while (text.ptr && reading->problems->count < PROBLEMS_MAX) {
        struct slice line = slice_cut(&text, '\n');
        line_number++;
        if (is_blank_or_comment(line))
            continue;
        if (!ascii_is_blank(line.ptr[0])) {
            if (alias.len)
                take_alias(reading, buf_slice(&alias));
            buf_reset(&alias);
            reading->line = line_number;
        } else if (alias.len == 0) {
            reading->line = line_number;
            COMPLAIN(reading, "the first alias begins with a blank; blanks continue a line");
            break;
        }
        buf_add_slice(&alias, line);
        buf_add_char(&alias, '\n');
    }
    if (alias.len && !reading->problems->count)
        take_alias(reading, buf_slice(&alias));
    buf_done(&alias);
}

struct alias_table *alias_table_parse(struct slice file, struct slice text,
                                      struct problem_list *problems)
{
    struct alias_table *table = xcalloc(1, sizeof(*table));
    struct reading reading = {.table = table, .file = file, .problems = problems};

    arena_init(&table->arena);
    if (slice_find(text, '\0') >= 0)
        problem_add(problems, file, 0, "there are NUL bytes in it: this is not a text");
    else
        take_text(&reading, text);
    if (problems->count == 0)
        return table;
    alias_table_free(table);
    return NULL;
}

void alias_table_free(struct alias_table *table)
{
    if (!table)
        return;
    name_table_done(&table->names);
    arena_done(&table->arena);
    free(table);
}

size_t alias_table_count(const struct alias_table *table)
{
    return table->count;
}

static struct slice qualify(struct arena *arena, struct slice target, struct slice address)
{
    if (slice_starts_with_nocase(target, SLICE("program:")) || address_domain(target).len)
        return target;
    return arena_printf(arena, "%.*s@%.*s", SLICE_ARG(target), SLICE_ARG(address_domain(address)));
}

bool alias_table_find(const struct alias_table *table, struct slice address, struct arena *arena,
                      struct store_targets *ret_targets)
{
    const struct alias *alias =
        (const struct alias *)(const void *)name_table_find(&table->names, address);

    if (!alias)
        return false;
    ret_targets->count = alias->targets.count;
    ret_targets->list = arena_alloc(arena, alias->targets.count * sizeof(struct slice));
    for (size_t i = 0; i < alias->targets.count; i++)
        ret_targets->list[i] = qualify(arena, alias->targets.list[i], address);
    return true;
}
