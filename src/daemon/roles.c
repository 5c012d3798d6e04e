/* The roles of a Nuncio server. See io/message.h for what they say to each other. */
#include "daemon/roles.h"

#include "account/auth.h"
#include "config/config.h"
#include "history/history.h"
#include "keys/keys.h"
#include "local/local.h"
#include "local/program.h"
#include "queue/queue.h"
#include "receive/receive.h"
#include "relay/relay.h"
#include "web/web.h"

static bool has_programs(const struct config *config)
{
    return config->n_programs > 0;
}

static bool serves_web(const struct config *config)
{
    return config->web.count > 0;
}

static bool keeps_history(const struct config *config)
{
    return config->history.keep;
}

/* clang-format off */
static const struct role_entry entries[] = {
    {ROLE_AUTH,    3, auth_main,    NULL},
    {ROLE_QUEUE,   2, queue_main,   NULL},
    {ROLE_RELAY,   1, relay_main,   NULL},
    {ROLE_LOCAL,   1, local_main,   NULL},
    {ROLE_PROGRAM, 2, program_main, has_programs},
    {ROLE_KEYS,    2, keys_main,    NULL},
    {ROLE_RECEIVE, 0, receive_main, NULL},
    {ROLE_WEB,     0, web_main,     serves_web},
    {ROLE_HISTORY, 4, history_main, keeps_history},
};
/* clang-format on */

static const struct role_link links[] = {
    {ROLE_RECEIVE, ROLE_QUEUE},   {ROLE_RECEIVE, ROLE_AUTH},    {ROLE_QUEUE, ROLE_AUTH},
    {ROLE_LOCAL, ROLE_AUTH},      {ROLE_QUEUE, ROLE_RELAY},     {ROLE_QUEUE, ROLE_LOCAL},
    {ROLE_LOCAL, ROLE_PROGRAM},   {ROLE_RECEIVE, ROLE_HISTORY}, {ROLE_AUTH, ROLE_HISTORY},
    {ROLE_QUEUE, ROLE_HISTORY},   {ROLE_RELAY, ROLE_HISTORY},   {ROLE_LOCAL, ROLE_HISTORY},
    {ROLE_PROGRAM, ROLE_HISTORY}, {ROLE_WEB, ROLE_HISTORY},     {ROLE_RELAY, ROLE_KEYS},
    {ROLE_KEYS, ROLE_HISTORY},
};

const struct role_table role_table = {
    .entries = entries,
    .n_entries = sizeof(entries) / sizeof(entries[0]),
    .links = links,
    .n_links = sizeof(links) / sizeof(links[0]),
};
