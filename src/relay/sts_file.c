/*
 * The file of a policy:
 *
 *     nuncio-sts 1 5c0b1d2e            CRC-32C of all that follows
 *     id: 20160831085700Z
 *     fetched: 1763800000
 *     used: 1763800000
 *
 *     version: STSv1                   the policy as it was fetched
 *     ...
 *
 * Its name is the domain, so that a file that was renamed or restored to the wrong place would be
 * taken for another domain's: the checksum covers the name as well.
 */
#include "relay/sts_file.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "io/keep_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = STS_TEXT_MAX + 1024, DOMAIN_MAX = 253 };

struct sts_policy {
    atomic_uint references;
    struct arena arena;
    struct slice text;
    struct sts_rules rules;
};

struct sts_policy *sts_policy_new(struct slice text, const char **ret_wrong)
{
    struct sts_policy *policy = xcalloc(1, sizeof(*policy));
    const char *wrong;

    atomic_init(&policy->references, 1);
    arena_init(&policy->arena);
    policy->text = arena_dup(&policy->arena, text);
    wrong = sts_policy_parse(policy->text, &policy->arena, &policy->rules);
    if (!wrong)
        return policy;
    *ret_wrong = wrong;
    sts_policy_unref(policy);
    return NULL;
}

struct sts_policy *sts_policy_ref(struct sts_policy *policy)
{
    atomic_fetch_add(&policy->references, 1);
    return policy;
}

void sts_policy_unref(struct sts_policy *policy)
{
    if (!policy || atomic_fetch_sub(&policy->references, 1) != 1)
        return;
    arena_done(&policy->arena);
    free(policy);
}

enum sts_mode sts_policy_mode(const struct sts_policy *policy)
{
    return policy->rules.mode;
}

struct slice sts_policy_text(const struct sts_policy *policy)
{
    return policy->text;
}

uint64_t sts_policy_max_age_s(const struct sts_policy *policy)
{
    return policy->rules.max_age_s;
}

bool sts_policy_allows(const struct sts_policy *policy, struct slice mx)
{
    return sts_rules_allow(&policy->rules, mx);
}

bool sts_domain_is_fine(struct slice domain)
{
    bool dot = true; /* a label must follow */

    if (domain.len == 0 || domain.len > DOMAIN_MAX)
        return false;
    for (size_t i = 0; i < domain.len; i++) {
        char c = domain.ptr[i];
        if (c == '.' && dot)
            return false;
        if (c != '.' && c != '-' && c != '_' && !ascii_is_alnum(c))
            return false;
        dot = c == '.';
    }
    return !dot;
}

/* ---- writing -------------------------------------------------------------------------------- */

static uint32_t checksum(struct slice domain, struct slice content)
{
    return crc32c(crc32c(0, domain.ptr, domain.len), content.ptr, content.len);
}

static void encode(struct buf *out, const struct sts_policy_facts *facts,
                   const struct sts_policy *policy)
{
    struct buf content;

    buf_init(&content, FILE_MAX);
    buf_printf(&content, "id: %.*s\nfetched: %llu\nused: %llu\n\n", SLICE_ARG(facts->id),
               (unsigned long long)facts->fetched_s, (unsigned long long)facts->used_s);
    buf_add_slice(&content, policy->text);
    buf_printf(out, "nuncio-sts 1 %08x\n", checksum(facts->domain, buf_slice(&content)));
    buf_add_slice(out, buf_slice(&content));
    buf_done(&content);
}

int sts_file_write(int folder, const struct sts_policy_facts *facts,
                   const struct sts_policy *policy)
{
    char name[DOMAIN_MAX + 1];
    struct buf content;
    int r;

    snprintf(name, sizeof(name), "%.*s", SLICE_ARG(facts->domain));
    buf_init(&content, FILE_MAX);
    encode(&content, facts, policy);
    r = keep_file_write(folder, name, buf_slice(&content));
    buf_done(&content);
    return r;
}

void sts_file_remove(int folder, struct slice domain)
{
    char name[DOMAIN_MAX + 1];

    snprintf(name, sizeof(name), "%.*s", SLICE_ARG(domain));
    (void)unlinkat(folder, name, 0); /* what stays is expired, and seen so at the next start */
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool take_number(struct slice *rest, struct slice key, uint64_t *ret_number)
{
    struct slice line = slice_cut(rest, '\n');

    return slice_starts_with_nocase(line, key) &&
           slice_parse_u64(slice_skip(line, key.len), UINT32_MAX, ret_number);
}

static bool take_checksum(struct slice *rest, uint32_t *ret_sum)
{
    static const char digits[] = "0123456789abcdef";
    const struct slice magic = SLICE("nuncio-sts 1 ");
    struct slice line = slice_cut(rest, '\n');
    uint32_t sum = 0;

    if (line.len != magic.len + 8 || !slice_starts_with_nocase(line, magic))
        return false;
    for (size_t i = magic.len; i < line.len; i++) {
        const char *digit = memchr(digits, line.ptr[i], sizeof(digits) - 1);
        if (!digit)
            return false;
        sum = sum << 4 | (uint32_t)(digit - digits);
    }
    *ret_sum = sum;
    return true;
}

static struct sts_policy *decode(struct slice content, struct sts_policy_facts *facts)
{
    struct slice rest = content, line;
    const char *wrong;
    uint32_t sum;

    if (!take_checksum(&rest, &sum) || !rest.ptr || checksum(facts->domain, rest) != sum)
        return NULL;
    line = slice_cut(&rest, '\n');
    facts->id = slice_skip(line, 4);
    if (!slice_starts_with_nocase(line, SLICE("id: ")) || facts->id.len > STS_ID_MAX ||
        !take_number(&rest, SLICE("fetched: "), &facts->fetched_s) ||
        !take_number(&rest, SLICE("used: "), &facts->used_s) || slice_cut(&rest, '\n').len ||
        !rest.ptr)
        return NULL;
    return sts_policy_new(rest, &wrong);
}

static bool read_one(int folder, const char *name, sts_file_found *found, void *arg)
{
    struct sts_policy_facts facts = {.domain = slice_from_cstr(name)};
    struct sts_policy *policy = NULL;
    struct buf content;

    buf_init(&content, FILE_MAX);
    if (keep_file_read(folder, name, &content) == 0)
        policy = decode(buf_slice(&content), &facts);
    if (policy)
        found(arg, &facts, policy);
    buf_done(&content);
    return policy != NULL;
}

int sts_file_read_all(int folder, sts_file_found *found, void *arg)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    unsigned count = 0;

    if (!dir)
        return -errno;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        if (count < STS_POLICIES_MAX && sts_domain_is_fine(slice_from_cstr(entry->d_name)) &&
            read_one(folder, entry->d_name, found, arg)) {
            count++;
            continue;
        }
        if (strcmp(entry->d_name, KEEP_FILE_UNFINISHED) != 0)
            log_warn(NULL, "sts-file-bad", LOG_STR("file", entry->d_name));
        (void)unlinkat(folder, entry->d_name, 0);
    }
    closedir(dir);
    return 0;
}
