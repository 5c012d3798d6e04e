/* The common part of `nuncio dkim`. See dkim_session.h. */
#include "control/dkim_session.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/command_config.h"
#include "control/locate.h"
#include "control/owned_folder.h"
#include "mail/address.h"

#include <errno.h>
#include <getopt.h>
#include <sysexits.h>
#include <unistd.h>

/* Owner of the folder when the server runs each role as a user of its own. */
#define KEYS_USER "nuncio-keys"

enum { LOCK_PATIENCE_MS = 10 * 1000 };
/* Others keep mail for as long as we do by default, and a look-up may be a few hours old. */
enum { OVERLAP_MARGIN_S = 7 * 86400 };
/* Above what a character can be. */
enum { FIRST = 256, STATE = FIRST + DKIM_OPTIONS, JSON };

static const struct option known[] = {
    {"config", required_argument, NULL, 'c'},
    {"state", required_argument, NULL, STATE},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, 'h'},
    {"selector", required_argument, NULL, FIRST + DKIM_OPTION_SELECTOR},
    {"sender", required_argument, NULL, FIRST + DKIM_OPTION_SENDER},
    {"algorithm", required_argument, NULL, FIRST + DKIM_OPTION_ALGORITHM},
    {"bits", required_argument, NULL, FIRST + DKIM_OPTION_BITS},
    {"force", no_argument, NULL, FIRST + DKIM_OPTION_FORCE},
    {NULL, 0, NULL, 0},
};

bool dkim_options_read(int argc, char **argv, struct dkim_options *ret_options)
{
    struct dkim_options options = {0};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        if (c == 'c')
            options.config = optarg;
        else if (c == STATE)
            options.state = optarg;
        else if (c == JSON)
            options.json = true;
        else if (c == 'h')
            options.help = true;
        else if (c < FIRST)
            return false;
        else
            options.given[c - FIRST] = optarg ? optarg : "";
    }
    options.arguments = argv + optind;
    options.n_arguments = argc - optind;
    *ret_options = options;
    return true;
}

int dkim_session_failed(int error)
{
    if (error == -EBUSY) {
        fputs("nuncio: another nuncio dkim is writing keys: try again when it is done\n", stderr);
        return EX_TEMPFAIL;
    }
    fprintf(stderr, "nuncio: the folder of keys: %s\n", log_strerror(error));
    return error == -ENOSPC || error == -EDQUOT ? EX_TEMPFAIL : EX_CANTCREAT;
}

static int open_folder(struct dkim_session *session, bool writes)
{
    const char *state = session->options->state
                            ? session->options->state
                            : arena_cstr(&session->arena, session->config->state);
    const char *path = arena_printf(&session->arena, "%s/" KEY_STORE_FOLDER, state).ptr;
    int code = owned_folder_enter(state, path, KEYS_USER), r;

    if (code != EX_OK)
        return code;
    session->folder = key_store_open(path);
    if (session->folder < 0)
        return dkim_session_failed(session->folder);
    if (writes)
        session->lock = key_store_lock(session->folder, LOCK_PATIENCE_MS);
    if (writes && session->lock < 0)
        return dkim_session_failed(session->lock);
    r = key_store_read(session->folder, &session->list);
    return r < 0 ? dkim_session_failed(r) : EX_OK;
}

int dkim_session_open(struct dkim_session *session, const struct dkim_options *options, bool writes)
{
    *session = (struct dkim_session){
        .options = options, .folder = -1, .lock = -1, .now_s = clock_wall_ms() / 1000};
    arena_init(&session->arena);
    arena_init(&session->list.arena);
    session->config_path = config_locate(options->config);
    session->config = command_config_load(session->config_path, "");
    return session->config ? open_folder(session, writes) : EX_CONFIG;
}

void dkim_session_close(struct dkim_session *session)
{
    key_list_done(&session->list);
    if (session->lock >= 0)
        close(session->lock);
    if (session->folder >= 0)
        close(session->folder);
    config_unref(session->config);
    arena_done(&session->arena);
}

int dkim_session_domain(struct dkim_session *session, const char *text, struct slice *ret_domain)
{
    struct slice given = slice_from_cstr(text);

    if (given.len && given.ptr[0] != '[' && given.ptr[0] != '.' &&
        address_domain_to_ascii(&session->arena, given, ret_domain) == 0 &&
        slice_find(*ret_domain, '.') >= 0)
        return EX_OK;
    fprintf(stderr, "nuncio: '%s' is no domain like example.org\n", text);
    return EX_DATAERR;
}

uint64_t dkim_overlap_s(const struct config *config)
{
    uint64_t longest_ms = config->queue.expire_after_ms;

    for (size_t i = 0; i < config->n_domains; i++) {
        if (config->domains[i].expire_after_ms > longest_ms)
            longest_ms = config->domains[i].expire_after_ms;
    }
    return longest_ms / 1000 + OVERLAP_MARGIN_S;
}
