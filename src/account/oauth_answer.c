/*
 * RFC 7662 section 2.2: `active` must be there and true, `exp` and `nbf` are seconds, `scope` is a
 * list separated by blanks. Everything else but the account's member is passed over.
 */
#include "account/oauth_answer.h"

#include "base/buf.h"

#include <jansson.h>
#include <string.h>

enum { ACCOUNT_MAX = 512, FIELD_MAX = 256 };

static void say(struct oauth_answer *answer, enum oauth_verdict verdict, const char *why)
{
    answer->verdict = verdict;
    answer->why = why;
}

static bool has_scope(const json_t *root, struct slice scope)
{
    struct slice rest = slice_from_cstr(json_string_value(json_object_get(root, "scope")));

    while (rest.ptr) {
        if (slice_eq(slice_cut(&rest, ' '), scope))
            return true;
    }
    return false;
}

/* Seconds; `otherwise` when it is not there. False: it is no time. */
static bool get_time(const json_t *root, const char *name, uint64_t otherwise, uint64_t *ret_s)
{
    const json_t *value = json_object_get(root, name);
    double seconds;

    *ret_s = otherwise;
    if (!value)
        return true;
    seconds = json_is_number(value) ? json_number_value(value) : -1;
    if (!(seconds >= 0 && seconds < 1e15))
        return false;
    *ret_s = (uint64_t)seconds;
    return true;
}

static void judge_times(const json_t *root, uint64_t now_s, struct oauth_answer *answer)
{
    uint64_t not_before;

    if (!get_time(root, "exp", UINT64_MAX, &answer->expires_s) ||
        !get_time(root, "nbf", 0, &not_before))
        say(answer, OAUTH_LATER, "the server's answer has a time that is none");
    else if (answer->expires_s <= now_s)
        say(answer, OAUTH_REFUSED, "the token has expired");
    else if (not_before > now_s)
        say(answer, OAUTH_REFUSED, "the token is not valid yet");
}

static void judge(const json_t *root, struct slice field, struct slice scope, uint64_t now_s,
                  struct arena *arena, struct oauth_answer *answer)
{
    const json_t *active = json_object_get(root, "active");
    const json_t *account;

    if (!json_is_boolean(active)) {
        say(answer, OAUTH_LATER, "the server's answer does not say whether the token is active");
        return;
    }
    if (!json_is_true(active)) {
        say(answer, OAUTH_REFUSED, "the token is not active");
        return;
    }
    say(answer, OAUTH_GOOD, "token");
    judge_times(root, now_s, answer);
    if (answer->verdict != OAUTH_GOOD)
        return;
    if (scope.len && !has_scope(root, scope)) {
        say(answer, OAUTH_REFUSED, "the token has not the scope");
        return;
    }
    account = json_object_get(root, arena_cstr(arena, field));
    if (!json_is_string(account) || json_string_length(account) == 0 ||
        json_string_length(account) > ACCOUNT_MAX) {
        say(answer, OAUTH_REFUSED, "the server's answer names no account (see account_field)");
        return;
    }
    answer->account =
        arena_dup(arena, slice_from(json_string_value(account), json_string_length(account)));
}

void oauth_answer_parse(struct slice body, struct slice field, struct slice scope, uint64_t now_s,
                        struct arena *arena, struct oauth_answer *ret_answer)
{
    json_t *root = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, NULL);

    *ret_answer = (struct oauth_answer){.expires_s = UINT64_MAX};
    if (json_is_object(root))
        judge(root, field, scope, now_s, arena, ret_answer);
    else
        say(ret_answer, OAUTH_LATER, "the server's answer is no JSON object");
    json_decref(root);
}
