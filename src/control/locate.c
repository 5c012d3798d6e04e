/*
 * The choice of a configuration file, the same for all commands. See locate.h.
 *
 * A file in the current folder is taken only when the caller owns it and no other user may write
 * to it: root standing in somebody's folder must not run that person's configuration.
 */
#include "control/locate.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_safe_trial(void)
{
    struct stat st;

    return stat(TRIAL_FILE, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

const char *config_locate(const char *given)
{
    const char *named = given ? given : getenv("NUNCIO_CONFIG");

    if (named && *named)
        return named;
    if (access(NUNCIO_CONFIG_FILE, F_OK) < 0 && is_safe_trial())
        return TRIAL_FILE;
    return NUNCIO_CONFIG_FILE;
}
