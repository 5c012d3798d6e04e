/* Opening the history for a command. See why_place.h. */
#include "control/why_place.h"

#include "base/log.h"
#include "control/command_config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { PATIENCE_MS = 30 * 1000 };

/* Root becomes the owner of the folder, for good: what it would make there must be the owner's. */
static int become_owner(const char *state)
{
    char folder[PATH_MAX];
    struct stat owner;

    snprintf(folder, sizeof(folder), "%s/" ARCHIVE_FOLDER, state);
    if (stat(folder, &owner) < 0) {
        fprintf(stderr, "nuncio: %s: %s\n", folder,
                errno == ENOENT ? "no server has kept a history there yet" : log_strerror(errno));
        return EX_NOINPUT;
    }
    if (geteuid() != 0 || owner.st_uid == 0)
        return EX_OK;
    if (setgroups(0, NULL) < 0 || setgid(owner.st_gid) < 0 || setuid(owner.st_uid) < 0) {
        fprintf(stderr, "nuncio: %s: %s\n", folder, log_strerror(errno));
        return EX_OSERR;
    }
    return EX_OK;
}

int why_place_failed(const struct why_place *place, int error)
{
    if (error == -EPROTO)
        fprintf(stderr, "nuncio: %s was written by a later version of nuncio\n", place->path);
    else if (error == -EUCLEAN)
        fprintf(stderr,
                "nuncio: %s is damaged; the server sets it aside when it starts, and nuncio why "
                "--rebuild LOGFILE... fills it again\n",
                place->path);
    else if (error == -ENOENT)
        fprintf(stderr, "nuncio: %s: no server has kept a history there yet\n", place->path);
    else
        fprintf(stderr, "nuncio: %s: %s%s\n", place->path, log_strerror(error),
                error == -EACCES ? "; ask as root, or be in the configuration's read_group" : "");
    return error == -EACCES ? EX_NOPERM : error == -EBUSY ? EX_TEMPFAIL : EX_NOINPUT;
}

int why_place_open(const char *config, const char *state, bool write, struct why_place *ret_place)
{
    struct why_place place = {0};
    char *folder = command_config_state(config, state, "");
    int code, r;

    if (!folder)
        return EX_CONFIG;
    snprintf(place.path, sizeof(place.path), "%s/" ARCHIVE_FILE, folder);
    if (!write)
        client_try(folder, &place.client);
    code = become_owner(folder);
    free(folder);
    if (code == EX_OK) {
        r = write ? archive_open(place.path, PATIENCE_MS, &place.archive)
                  : archive_open_read(place.path, &place.archive);
        if (r < 0)
            code = why_place_failed(&place, r);
    }
    if (code != EX_OK) {
        client_close(place.client);
        return code;
    }
    *ret_place = place;
    return EX_OK;
}

void why_place_close(struct why_place *place)
{
    archive_close(place->archive);
    client_close(place->client);
}
