/*
 * Reads a passwd-file line by line into a hash table. See passwd_table.h.
 *
 * The text is kept as one copy into which the passwords point, so that one wipe at the end forgets
 * them all.
 */
#include "account/passwd_table.h"

#include "account/name_table.h"
#include "base/buf.h"

#include <string.h>

struct user {
    struct name_entry entry; /* first */
    struct passwd_user user;
};

struct passwd_table {
    struct name_table names;
    struct arena arena;
    size_t count;
    char *text;
    size_t text_len;
};

struct reading {
    struct passwd_table *table;
    struct slice file;
    unsigned line;
    struct problem_list *problems, *warnings;
};

/* "x" and the like of system tables stand for "elsewhere" or "never". */
static bool is_no_password(struct slice password)
{
    return password.len == 0 || slice_eq(password, SLICE("x")) || password.ptr[0] == '*' ||
           password.ptr[0] == '!';
}

static void take_extra(const struct reading *reading, struct slice field, struct user *user)
{
    struct quota_rule quota;

    if (quota_rule_parse_field(field, SLICE("userdb_"), &quota)) {
        user->user.own_quota = true;
        user->user.quota = quota;
    } else if (slice_starts_with_nocase(field, SLICE("allow_nets="))) {
        user->user.password = SLICE_NULL;
        problem_add(reading->warnings, reading->file, reading->line,
                    "%.*s cannot log in here: 'allow_nets' is not checked by this server; take it "
                    "out, or give the account an app password for these networks",
                    SLICE_ARG(user->entry.name));
    } else if (slice_eq(field, SLICE("nologin")) ||
               slice_starts_with_nocase(field, SLICE("nologin="))) {
        user->user.password = SLICE_NULL;
    } else if (slice_starts_with_nocase(field, SLICE("userdb_quota_rule="))) {
        problem_add(reading->warnings, reading->file, reading->line,
                    "'%.*s' is not a quota that is understood here and does not count; write it "
                    "like userdb_quota_rule=*:storage=1G:messages=10000",
                    SLICE_ARG(slice_sub(field, 0, 100)));
    }
}

static void take_user(const struct reading *reading, struct slice name, struct slice rest)
{
    struct passwd_table *table = reading->table;
    struct user *user = arena_alloc(&table->arena, sizeof(*user));
    const struct name_entry *there;
    struct slice password = slice_cut(&rest, ':');

    if (!name_table_key(&table->arena, name, &user->entry.name)) {
        problem_add(reading->problems, reading->file, reading->line,
                    "'%.*s' is neither a user's name nor an address; a line is "
                    "user@domain:password:...",
                    SLICE_ARG(slice_sub(name, 0, 100)));
        return;
    }
    user->entry.line = reading->line;
    if (!is_no_password(password))
        user->user.password = password;
    for (unsigned i = 0; i < 5 && rest.ptr; i++) /* uid, gid, gecos, home, shell */
        slice_cut(&rest, ':');
    while (rest.ptr) {
        take_extra(reading, slice_cut(&rest, ' '), user);
    }
    there = name_table_add(&table->names, &user->entry);
    if (there)
        problem_add(reading->problems, reading->file, reading->line,
                    "%.*s is there already, in line %u; remove one of the two",
                    SLICE_ARG(there->name), there->line);
    table->count += !there;
}

static void take_line(const struct reading *reading, struct slice line)
{
    struct slice rest = line, name;

    if (line.len && line.ptr[line.len - 1] == '\r')
        rest.len--;
    if (slice_trim(rest).len == 0 || rest.ptr[0] == '#')
        return;
    name = slice_cut(&rest, ':');
    take_user(reading, name, rest);
}

static struct passwd_table *make_table(struct slice text)
{
    struct passwd_table *table = xcalloc(1, sizeof(*table));

    arena_init(&table->arena);
    table->text = xslicedup(text);
    table->text_len = text.len;
    return table;
}

struct passwd_table *passwd_table_parse(struct slice file, struct slice text,
                                        struct problem_list *problems,
                                        struct problem_list *warnings)
{
    struct passwd_table *table = make_table(text);
    struct reading reading = {
        .table = table, .file = file, .problems = problems, .warnings = warnings};
    struct slice rest = slice_from(table->text, table->text_len);

    if (slice_find(rest, '\0') >= 0)
        problem_add(problems, file, 0, "there are NUL bytes in it: this is not a text");
    else
        while (rest.ptr && problems->count < PROBLEMS_MAX) {
            reading.line++;
            take_line(&reading, slice_cut(&rest, '\n'));
        }
    if (problems->count == 0)
        return table;
    passwd_table_free(table);
    return NULL;
}

void passwd_table_free(struct passwd_table *table)
{
    if (!table)
        return;
    name_table_done(&table->names);
    explicit_bzero(table->text, table->text_len);
    free(table->text);
    arena_done(&table->arena);
    free(table);
}

size_t passwd_table_count(const struct passwd_table *table)
{
    return table->count;
}

const struct passwd_user *passwd_table_find(const struct passwd_table *table, struct slice address)
{
    const struct name_entry *entry = name_table_find(&table->names, address);

    return entry ? &((const struct user *)(const void *)entry)->user : NULL;
}
