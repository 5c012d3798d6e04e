/* The DNS for commands that look for faults. See command_dns.h. */
#include "control/command_dns.h"

#include "control/command_config.h"
#include "control/locate.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int command_dns_open(const char *given, struct dns **ret_dns)
{
    const char *path = config_locate(given);
    struct problem_list problems;
    struct config_bundle bundle;
    struct config *config = NULL;
    int r = -EINVAL;

    if (!given && access(path, R_OK) < 0)
        return dns_new(NULL, ret_dns);
    problem_list_init(&problems);
    if (config_load(path, &bundle, &config, &problems) == 0)
        r = dns_new(&config->dns, ret_dns);
    else if (given)
        command_problems_print("", &problems);
    else
        r = dns_new(NULL, ret_dns);
    config_unref(config);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return r;
}
