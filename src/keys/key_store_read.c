/*
 * Reading the folder of keys. See key_store.h.
 *
 * One bad file is a problem of its own and hides no other key. A key is refused when anybody but
 * its owner could read or replace it: whoever has read it can sign in the domain's name, so this is
 * to be known and mended rather than passed over.
 */
#include "keys/key_store.h"

#include "base/log.h"
#include "mail/address.h"
#include "io/keep_file.h"
#include "keys/key_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands for the selectors of a folder that cannot be looked into. */
#define ANY_SELECTOR "?"

/* A file of one domain's folder. */
struct place {
    int dir; /* -1: it is shut to us */
    struct slice domain, selector;
};

typedef void on_key(void *arg, const struct place *place);

static struct slice cut_tail(struct slice name, const char *tail)
{
    size_t len = strlen(tail);

    if (name.len <= len || memcmp(name.ptr + name.len - len, tail, len) != 0)
        return SLICE_NULL;
    return slice_sub(name, 0, name.len - len);
}

/* Each SELECTOR.pem of the folder; closes it. */
static int walk_domain(int dir, struct slice domain, on_key *each, void *arg)
{
    DIR *list = fdopendir(dir);
    const struct dirent *entry;

    if (!list) {
        int error = errno;
        close(dir);
        return -error;
    }
    while ((entry = readdir(list))) {
        struct place place = {.dir = dir, .domain = domain};
        place.selector = cut_tail(slice_from_cstr(entry->d_name), KEY_TAIL_PEM);
        if (key_selector_is_valid(place.selector))
            each(arg, &place);
    }
    closedir(list);
    return 0;
}

static bool is_domain(struct slice name)
{
    struct arena arena;
    struct slice ascii;
    bool good;

    if (name.len == 0 || name.ptr[0] == '.' || name.ptr[0] == '[')
        return false;
    arena_init(&arena);
    good = address_domain_to_ascii(&arena, name, &ascii) == 0 && slice_eq(name, ascii);
    arena_done(&arena);
    return good;
}

/* A name that looks like a domain's folder. What is none, or has gone meanwhile, is passed over. */
static int visit_domain(int folder, struct slice domain, on_key *each, void *arg)
{
    int dir = key_path_open_domain(folder, domain);

    if (dir >= 0)
        return walk_domain(dir, domain, each, arg);
    if (dir == -EACCES || dir == -EPERM)
        each(arg, &(struct place){.dir = -1, .domain = domain, .selector = SLICE(ANY_SELECTOR)});
    else if (dir != -ENOTDIR && dir != -ELOOP && dir != -ENOENT)
        return dir; /* of our own making: no key is to vanish for that */
    return 0;
}

static int walk(int folder, on_key *each, void *arg)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!list) {
        r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    while (r == 0 && (entry = readdir(list))) {
        struct slice name = slice_from_cstr(entry->d_name);
        if (is_domain(name))
            r = visit_domain(folder, name, each, arg);
    }
    closedir(list);
    return r;
}

static struct slice open_failed(struct arena *arena, const struct place *place, int error)
{
    if (error == EACCES || error == EPERM)
        return arena_printf(arena,
                            "keys/%.*s/%.*s.pem cannot be read: it must belong to the user of the "
                            "folder (chown --reference=keys keys/%.*s/%.*s.pem)",
                            SLICE_ARG(place->domain), SLICE_ARG(place->selector),
                            SLICE_ARG(place->domain), SLICE_ARG(place->selector));
    return arena_printf(arena, "keys/%.*s/%.*s.pem: %s", SLICE_ARG(place->domain),
                        SLICE_ARG(place->selector), log_strerror(error));
}

static struct slice judge_file(struct arena *arena, const struct place *place,
                               const struct stat *file)
{
    struct stat dir;

    if (!S_ISREG(file->st_mode))
        return arena_printf(arena, "keys/%.*s/%.*s.pem is no plain file: put the key itself there",
                            SLICE_ARG(place->domain), SLICE_ARG(place->selector));
    if (file->st_uid != geteuid())
        return open_failed(arena, place, EACCES);
    if (file->st_mode & 077)
        return arena_printf(arena,
                            "others can read keys/%.*s/%.*s.pem (mode %03o): chmod 600 it; if "
                            "anybody has read it, make another key with nuncio dkim rotate",
                            SLICE_ARG(place->domain), SLICE_ARG(place->selector),
                            (unsigned)file->st_mode & 0777);
    if (fstat(place->dir, &dir) < 0 || dir.st_mode & 022)
        return arena_printf(arena,
                            "others can change the folder keys/%.*s: chmod 700 it, and look that "
                            "the keys in it are yours",
                            SLICE_ARG(place->domain));
    return SLICE_NULL;
}

/* The text into `pem`, and when it was written. The problem, or nothing. */
static struct slice read_pem(struct arena *arena, const struct place *place, struct buf *pem,
                             uint64_t *ret_made_s)
{
    char name[KEY_NAME_MAX], chunk[KEY_PEM_MAX];
    struct slice problem;
    struct stat st = {0};
    ssize_t n;
    int fd;

    key_path_file(name, place->selector, KEY_TAIL_PEM);
    fd = openat(place->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return open_failed(arena, place, errno);
    problem = fstat(fd, &st) < 0 ? open_failed(arena, place, errno) : judge_file(arena, place, &st);
    *ret_made_s = (uint64_t)st.st_mtim.tv_sec;
    n = problem.len ? 0 : read(fd, chunk, sizeof(chunk));
    if (n < 0)
        problem = open_failed(arena, place, errno);
    else
        buf_add(pem, chunk, (size_t)n);
    explicit_bzero(chunk, sizeof(chunk));
    close(fd);
    return problem;
}

/* 0, -ENOENT, -EBADMSG or another -errno. */
static int read_facts(const struct place *place, struct arena *arena, struct key_facts *ret_facts)
{
    char name[KEY_NAME_MAX];
    struct buf text;
    int r;

    buf_init(&text, KEY_FACTS_MAX);
    key_path_file(name, place->selector, KEY_TAIL_FACTS);
    r = keep_file_read(place->dir, name, &text);
    if (r == 0 && !key_facts_read(buf_slice(&text), arena, ret_facts))
        r = -EBADMSG;
    buf_done(&text);
    return r;
}

int key_store_read_facts(int folder, struct slice domain, struct slice selector,
                         struct arena *arena, struct key_facts *ret_facts)
{
    struct place place = {.domain = domain, .selector = selector};
    int r;

    *ret_facts = (struct key_facts){0};
    place.dir = key_selector_is_valid(selector) ? key_path_open_domain(folder, domain) : -EINVAL;
    if (place.dir < 0)
        return place.dir;
    r = read_facts(&place, arena, ret_facts);
    close(place.dir);
    return r == -ENOENT ? 0 : r;
}

static void set_public_half(struct arena *arena, struct key_entry *entry)
{
    struct buf record;

    buf_init(&record, KEY_PEM_MAX);
    if (dkim_key_write(&record, entry->key))
        entry->record = arena_dup(arena, buf_slice(&record));
    buf_done(&record);
}

static struct slice read_entry(struct arena *arena, const struct place *place,
                               struct key_entry *entry)
{
    uint64_t made_s = 0;
    struct slice problem;
    const char *why = NULL;
    struct buf pem;
    int r = read_facts(place, arena, &entry->facts);

    if (r < 0 && r != -ENOENT)
        return arena_printf(arena,
                            "keys/%.*s/%.*s.json cannot be understood: restore it, or remove it "
                            "(then the key signs for the whole domain)",
                            SLICE_ARG(place->domain), SLICE_ARG(place->selector));
    buf_init(&pem, KEY_PEM_MAX);
    problem = read_pem(arena, place, &pem, &made_s);
    if (entry->facts.made_s == 0)
        entry->facts.made_s = made_s;
    if (problem.len == 0)
        entry->key = key_pem_read(buf_slice(&pem), &why);
    key_pem_wipe(&pem);
    if (entry->key)
        set_public_half(arena, entry);
    else if (problem.len == 0)
        problem = arena_printf(arena, "keys/%.*s/%.*s.pem: %s", SLICE_ARG(place->domain),
                               SLICE_ARG(place->selector), why);
    return problem;
}

static void add_entry(void *arg, const struct place *place)
{
    struct key_list *list = arg;
    struct key_entry *entry;

    if (list->count == KEYS_MAX) {
        list->left_out++;
        return;
    }
    entry = &list->entries[list->count++];
    *entry = (struct key_entry){.domain = arena_dup(&list->arena, place->domain),
                                .selector = arena_dup(&list->arena, place->selector)};
    if (place->dir < 0)
        entry->problem = arena_printf(&list->arena,
                                      "keys/%.*s cannot be looked into: it must belong to the user "
                                      "of the folder (chown -R --reference=keys keys/%.*s)",
                                      SLICE_ARG(place->domain), SLICE_ARG(place->domain));
    else
        entry->problem = read_entry(&list->arena, place, entry);
}

static int compare(const void *a, const void *b)
{
    const struct key_entry *left = a, *right = b;
    int order = slice_cmp(left->domain, right->domain);

    if (order == 0 && left->facts.made_s != right->facts.made_s)
        order = left->facts.made_s < right->facts.made_s ? -1 : 1;
    return order ? order : slice_cmp(left->selector, right->selector);
}

int key_store_read(int folder, struct key_list *ret_list)
{
    int r;

    *ret_list = (struct key_list){0};
    arena_init(&ret_list->arena);
    ret_list->entries = xcalloc(KEYS_MAX, sizeof(*ret_list->entries));
    r = walk(folder, add_entry, ret_list);
    qsort(ret_list->entries, ret_list->count, sizeof(*ret_list->entries), compare);
    return r;
}

void key_list_done(struct key_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        EVP_PKEY_free(list->entries[i].key);
    free(list->entries);
    arena_done(&list->arena);
    *list = (struct key_list){0};
}

struct key_entry *key_list_find(const struct key_list *list, struct slice domain,
                                struct slice selector)
{
    struct key_entry *found = NULL;

    for (unsigned i = 0; i < list->count; i++) {
        struct key_entry *entry = &list->entries[i];
        if (!slice_eq_nocase(entry->domain, domain) || !slice_eq_nocase(entry->selector, selector))
            continue;
        if (slice_eq(entry->selector, selector))
            return entry;
        found = found ? found : entry;
    }
    return found;
}

/* The sum over all files does not depend on the order in which they are found. */
static void add_print(void *arg, const struct place *place)
{
    static const char *const tails[] = {KEY_TAIL_PEM, KEY_TAIL_FACTS};
    uint64_t *sum = arg;

    if (place->dir < 0)
        *sum += slice_hash(place->domain);
    for (size_t i = 0; i < 2 && place->dir >= 0; i++) {
        char name[KEY_NAME_MAX];
        struct stat st;
        uint64_t facts[9];
        key_path_file(name, place->selector, tails[i]);
        if (fstatat(place->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        facts[0] = slice_hash(place->domain);
        facts[1] = slice_hash(slice_from_cstr(name));
        facts[2] = (uint64_t)st.st_ino;
        facts[3] = (uint64_t)st.st_size;
        facts[4] = (uint64_t)st.st_mode << 32 | st.st_uid;
        facts[5] = (uint64_t)st.st_mtim.tv_sec;
        facts[6] = (uint64_t)st.st_mtim.tv_nsec;
        facts[7] = (uint64_t)st.st_ctim.tv_sec;
        facts[8] = (uint64_t)st.st_ctim.tv_nsec;
        *sum += slice_hash(slice_from(facts, sizeof(facts)));
    }
}

int key_store_fingerprint(int folder, uint64_t *ret_fingerprint)
{
    *ret_fingerprint = 0;
    return walk(folder, add_print, ret_fingerprint);
}
