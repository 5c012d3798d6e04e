/* The roles of a Nuncio server. See io/message.h for what they say to each other. */
#include "daemon/roles.h"

#include "account/auth.h"
#include "local/local.h"
#include "local/program.h"
#include "queue/queue.h"
#include "receive/receive.h"
#include "relay/relay.h"

/* clang-format off */
static const struct role_entry entries[] = {
    {ROLE_AUTH,    auth_main,    3, false},
    {ROLE_QUEUE,   queue_main,   2, false},
    {ROLE_RELAY,   relay_main,   1, false},
    {ROLE_LOCAL,   local_main,   1, false},
    {ROLE_PROGRAM, program_main, 2, true},
    {ROLE_RECEIVE, receive_main, 0, false},
};
/* clang-format on */

static const struct role_link links[] = {
    {ROLE_RECEIVE, ROLE_QUEUE}, {ROLE_RECEIVE, ROLE_AUTH}, {ROLE_QUEUE, ROLE_AUTH},
    {ROLE_LOCAL, ROLE_AUTH},    {ROLE_QUEUE, ROLE_RELAY},  {ROLE_QUEUE, ROLE_LOCAL},
    {ROLE_LOCAL, ROLE_PROGRAM},
};

const struct role_table role_table = {
    .entries = entries,
    .n_entries = sizeof(entries) / sizeof(entries[0]),
    .links = links,
    .n_links = sizeof(links) / sizeof(links[0]),
};
