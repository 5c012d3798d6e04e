/*
 * nuncio account limit: how much one account may send, instead of what `account_limits` of the
 * configuration says.
 */
#include "control/account_actions.h"

#include "config/value.h"

#include <jansson.h>
#include <string.h>
#include <sysexits.h>

struct limit {
    const char *name, *label;
    enum account_option option;
    int64_t *own;       /* the account's */
    uint64_t otherwise; /* the configuration's */
};
enum { LIMITS = 5 };

static void fill(struct account_session *session, struct store_limits *limits,
                 struct limit ret_list[LIMITS])
{
    const struct config_account_limits *otherwise = &session->config->account_limits;

    ret_list[0] = (struct limit){"message_size", "bytes of a message", OPTION_SIZE,
                                 &limits->message_size, otherwise->message_size};
    ret_list[1] = (struct limit){"messages_per_minute", "messages a minute", OPTION_MINUTE,
                                 &limits->messages_per_minute, otherwise->messages_per_minute};
    ret_list[2] = (struct limit){"messages_per_hour", "messages an hour", OPTION_HOUR,
                                 &limits->messages_per_hour, otherwise->messages_per_hour};
    ret_list[3] = (struct limit){"recipients_per_hour", "recipients an hour", OPTION_RECIPIENTS,
                                 &limits->recipients_per_hour, otherwise->recipients_per_hour};
    ret_list[4] = (struct limit){"bounces_per_hour", "bounces an hour", OPTION_BOUNCES,
                                 &limits->bounces_per_hour, otherwise->bounces_per_hour};
}

static int read_limit(const struct limit *limit, const char *text)
{
    struct slice value = slice_from_cstr(text);
    uint64_t number = 0;
    bool right;

    if (strcmp(text, "default") == 0) {
        *limit->own = STORE_LIMIT_DEFAULT;
        return EX_OK;
    }
    right = limit->option == OPTION_SIZE ? value_parse_size(value, &number) && number <= INT64_MAX
                                         : slice_parse_u64(value, UINT32_MAX, &number);
    if (!right) {
        fprintf(stderr, "nuncio: '%s' is not %s: a number, 0 for no limit, or 'default'\n", text,
                limit->option == OPTION_SIZE ? "a size like 50M" : "a number");
        return EX_USAGE;
    }
    *limit->own = (int64_t)number;
    return EX_OK;
}

static void print_limits(struct account_session *session, struct slice address,
                         const struct limit list[LIMITS])
{
    json_t *object = json_pack("{s:s%}", "address", address.ptr, address.len);

    for (size_t i = 0; i < LIMITS; i++) {
        bool own = *list[i].own != STORE_LIMIT_DEFAULT;
        uint64_t holds = own ? (uint64_t)*list[i].own : list[i].otherwise;
        json_object_set_new(object, list[i].name,
                            json_pack("{s:I, s:b}", "limit", (json_int_t)holds, "own", own));
        if (session->options->json)
            continue;
        if (holds)
            printf("%-20s %ju", list[i].label, (uintmax_t)holds);
        else
            printf("%-20s %s", list[i].label, i == 0 ? "as for all mail" : "no limit");
        printf("%s\n", own ? "" : " (the configuration's)");
    }
    if (session->options->json)
        account_session_print(object);
    else
        json_decref(object);
}

int account_limit(struct account_session *session, char **arguments, int n)
{
    struct limit list[LIMITS];
    struct store_limits limits;
    struct slice address;
    bool changed = false;
    int code = account_session_account(session, arguments[0], &address), r;

    (void)n;
    if (code != EX_OK)
        return code;
    r = store_limits_find(session->store, address, &limits);
    if (r < 0)
        return account_session_failed(session, r);
    fill(session, &limits, list);
    for (size_t i = 0; i < LIMITS; i++) {
        const char *text = session->options->given[list[i].option];
        if (!text)
            continue;
        changed = true;
        code = read_limit(&list[i], text);
        if (code != EX_OK)
            return code;
    }
    if (changed)
        r = store_limits_set(session->store, address, &limits);
    if (r < 0)
        return account_session_failed(session, r);
    print_limits(session, address, list);
    return EX_OK;
}
