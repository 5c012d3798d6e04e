/*
 * The same with libopendkim, for trust.py: trust_opendkim verify MESSAGE RECORD SECONDS, or
 * sign MESSAGE KEY SECONDS. Its milter makes a handle for each message too.
 */
#include <opendkim/dkim.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PIECE = 65536 };

static unsigned char *message, *other;
static size_t message_len, other_len;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned char *read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "r");
    unsigned char *text = malloc(1 << 24);

    if (!file || !text) {
        perror(path);
        exit(2);
    }
    *ret_len = fread(text, 1, (1 << 24) - 1, file);
    text[*ret_len] = 0;
    fclose(file);
    return text;
}

static DKIM_CBSTAT look_up(DKIM *dkim, DKIM_SIGINFO *signature, unsigned char *to, size_t size)
{
    (void)dkim;
    (void)signature;
    snprintf((char *)to, size, "%s", (const char *)other);
    return DKIM_CBSTAT_CONTINUE;
}

static int feed(DKIM *dkim)
{
    for (size_t at = 0; at < message_len; at += PIECE) {
        size_t len = message_len - at < PIECE ? message_len - at : PIECE;
        if (dkim_chunk(dkim, message + at, len) != DKIM_STAT_OK)
            return 0;
    }
    return dkim_chunk(dkim, NULL, 0) == DKIM_STAT_OK && dkim_eom(dkim, NULL) == DKIM_STAT_OK;
}

static int verify(DKIM_LIB *lib)
{
    DKIM_STAT status;
    DKIM *dkim = dkim_verify(lib, (const unsigned char *)"id", NULL, &status);
    int good = dkim && feed(dkim);

    dkim_free(dkim);
    return good;
}

static int sign(DKIM_LIB *lib)
{
    DKIM_STAT status;
    unsigned char *field;
    size_t len;
    DKIM *dkim =
        dkim_sign(lib, (const unsigned char *)"id", NULL, other, (const unsigned char *)"sel",
                  (const unsigned char *)"example.org", DKIM_CANON_RELAXED, DKIM_CANON_RELAXED,
                  DKIM_SIGN_RSASHA256, -1, &status);
    int good = dkim && feed(dkim) && dkim_getsighdr_d(dkim, 16, &field, &len) == DKIM_STAT_OK;

    dkim_free(dkim);
    return good;
}

int main(int argc, char **argv)
{
    DKIM_LIB *lib = dkim_init(NULL, NULL);
    int (*step)(DKIM_LIB * lib);
    unsigned long n = 0;
    double start, end;

    if (argc != 5 || !lib)
        return 2;
    message = read_file(argv[2], &message_len);
    other = read_file(argv[3], &other_len);
    dkim_set_key_lookup(lib, look_up);
    step = strcmp(argv[1], "sign") == 0 ? sign : verify;
    start = now();
    end = start + strtod(argv[4], NULL);
    do {
        if (!step(lib)) {
            fprintf(stderr, "trust_opendkim: %s does not work\n", argv[1]);
            return 1;
        }
        n++;
    } while (now() < end);
    printf("%lu %.6f\n", n, now() - start);
    return 0;
}
