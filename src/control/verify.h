/*
 * What the files of `nuncio verify` share: what was asked, the world that answers, and what is
 * told.
 *
 * Each judge fills a JSON object: "check" and "result", then what led to it. --json prints it as it
 * is, otherwise it is printed as lines, so that both always say the same.
 */
#ifndef NUNCIO_CONTROL_VERIFY_H
#define NUNCIO_CONTROL_VERIFY_H

#include "trust/dkim.h"
#include "trust/ip.h"
#include "trust/spf.h"

#include <jansson.h>
#include <sysexits.h>

/* Besides EX_OK, EX_TEMPFAIL and what sysexits.h has for what went wrong before there was a
 * verdict. */
enum { VERIFY_NOT_PASSED = 1 };

struct verify_options {
    const char *config, *zone, *file; /* file: NULL is standard input */
    bool json, has_client;
    struct trust_ip client;
    struct slice helo, sender;
    int64_t seconds; /* wall time of the verdict */
};

/* ---- options (verify_options.c) ---- */

enum verify_kind { VERIFY_SPF, VERIFY_DKIM, VERIFY_DMARC, VERIFY_ARC };
/* False when the command is over, with its *ret_code. */
bool verify_options_read(int argc, char **argv, enum verify_kind *ret_kind,
                         struct verify_options *ret_options, int *ret_code);

/* ---- the world (verify_world.c) ---- */

struct verify_world;
/* NULL after a word on standard error, with *ret_code. */
struct verify_world *verify_world_open(const struct verify_options *options, int *ret_code);
void verify_world_close(struct verify_world *world); /* NULL is fine */
const struct trust_names *verify_world_names(const struct verify_world *world);

/* The message, up to its end. EX_OK, or a code after a word on standard error. */
int verify_message_read(const char *path, struct dkim_verifier *verifier);

/* ---- the judges: the exit code and *ret_told, the caller's to release ---- */

struct verify {
    const struct verify_options *options;
    const struct trust_names *names;
    struct arena *arena;
};
int verify_spf(const struct verify *verify, json_t **ret_told);
int verify_dkim(const struct verify *verify, json_t **ret_told);
int verify_dmarc(const struct verify *verify, json_t **ret_told);
int verify_arc(const struct verify *verify, json_t **ret_told);

/* What SPF says of the options' client. 0, or -EAGAIN. */
int verify_ask_spf(const struct verify *verify, struct spf_verdict *ret_verdict);
/* Of verdicts that others include. */
json_t *verify_tell_spf(const struct spf_verdict *verdict, struct arena *arena);
json_t *verify_tell_dkim(const struct dkim_verdict *verdict, struct arena *arena);

/* ---- telling (verify_tell.c) ---- */

/* An object with "check" and "result". */
json_t *verify_tell_new(const char *check, const char *result);
/* Nothing when the text is empty; printable ASCII in any case. */
void verify_tell_text(json_t *object, const char *key, struct slice text, struct arena *arena);
void verify_tell_number(json_t *object, const char *key, int64_t number);
void verify_tell_flag(json_t *object, const char *key, bool flag);
/* As lines for people. */
void verify_tell_print(const json_t *object);

#endif
