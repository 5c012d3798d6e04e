/* nuncio stop: ends the server in order, and waits until it is gone. */
#include "control/admin_options.h"
#include "control/commands.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

enum { WAIT_MS = 20 * 1000 }; /* the server kills what has not ended after 10 s */

static const char help[] =
    "usage: nuncio stop [-c FILE] [--state DIR] [--json]\n\n"
    "Stops the server: sessions end, deliveries under way are finished or tried again after the\n"
    "next start. Returns when it is gone; exit code 75 if it is not after 20 seconds.\n\n"
    "Example: nuncio stop\n";

static int wait_for_end(long long pid)
{
    struct pollfd process = {.events = POLLIN};
    int ready;

    process.fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (process.fd < 0)
        return EX_OK; /* gone already */
    ready = poll(&process, 1, WAIT_MS);
    close(process.fd);
    return ready == 1 ? EX_OK : EX_TEMPFAIL;
}

int cmd_stop(int argc, char **argv)
{
    struct admin_options options;
    json_t *answer = NULL;
    int code;

    if (!admin_options_read(argc, argv, help, &options, &code))
        return code;
    code = admin_options_ask(&options, "stop", &answer);
    if (code != EX_OK)
        return code;
    if (options.json)
        admin_options_print(answer);
    code = wait_for_end(json_integer_value(json_object_get(answer, "pid")));
    json_decref(answer);
    if (code != EX_OK)
        fputs("nuncio: the server is still there after 20 seconds\n", stderr);
    else if (!options.json)
        puts("stopped");
    return code;
}
