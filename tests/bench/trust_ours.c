/*
 * How fast our own evaluators are, in one thread, for trust.py:
 *
 *   trust_ours verify MESSAGE RECORD SECONDS     a message with a signature, the key's record
 *   trust_ours sign MESSAGE KEY SECONDS          KEY is PEM, RSA or Ed25519
 *   trust_ours spf ZONE SECONDS                  192.0.2.9 for joe@example.org
 *
 * Prints how many were done and the seconds that they took. Each message goes through as receive
 * and relay do it: fresh objects, the text in pieces of 64 KiB.
 */
#include "base/problem.h"
#include "trust/dkim.h"
#include "trust/dkim_sign.h"
#include "trust/spf.h"
#include "trust/zone.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PIECE = 65536 };

struct work {
    struct slice message;
    struct slice record; /* verify */
    EVP_PKEY *key;       /* sign */
    struct trust_names zone;
    bool (*step)(struct work *work);
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct slice read_file(const char *path)
{
    struct buf text;
    FILE *file = fopen(path, "r");
    char *to;
    size_t n;

    if (!file) {
        perror(path);
        exit(2);
    }
    buf_init(&text, 1 << 28);
    do {
        to = buf_reserve(&text, PIECE);
        n = fread(to, 1, PIECE, file);
        buf_added(&text, n);
    } while (n == PIECE);
    fclose(file);
    return buf_slice(&text);
}

static int answer(void *arg, struct slice name, enum trust_type type,
                  const struct trust_answer **ret_answer)
{
    (void)name;
    (void)type;
    *ret_answer = arg;
    return 0;
}

static bool verify(struct work *work)
{
    const struct trust_record record = {.bytes = work->record};
    struct trust_answer found = {.result = TRUST_FOUND, .records = &record, .n_records = 1};
    const struct trust_names names = {.ask = answer, .arg = &found};
    struct dkim_verifier *verifier = dkim_verifier_new();
    struct dkim_verdict verdict;
    struct arena arena;
    bool passed;

    arena_init(&arena);
    for (size_t at = 0; at < work->message.len; at += PIECE)
        dkim_verifier_feed(verifier, slice_sub(work->message, at, PIECE));
    dkim_verifier_end(verifier);
    passed = dkim_verifier_judge(verifier, &names, 4000000000, &arena, &verdict) == 0 &&
             verdict.result == DKIM_PASS;
    dkim_verifier_free(verifier);
    arena_done(&arena);
    return passed;
}

static bool sign_digest(EVP_PKEY *key, const uint8_t digest[DKIM_DIGEST], unsigned char *to,
                        size_t *len)
{
    EVP_PKEY_CTX *context;
    EVP_MD_CTX *hash;
    bool good;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
        hash = EVP_MD_CTX_new();
        good = EVP_DigestSignInit(hash, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestSign(hash, to, len, digest, DKIM_DIGEST) == 1;
        EVP_MD_CTX_free(hash);
        return good;
    }
    context = EVP_PKEY_CTX_new(key, NULL);
    good = EVP_PKEY_sign_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
           EVP_PKEY_sign(context, to, len, digest, DKIM_DIGEST) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

static bool sign(struct work *work)
{
    const struct dkim_signing signing = {.kind = EVP_PKEY_get_base_id(work->key) == EVP_PKEY_ED25519
                                                     ? DKIM_KEY_ED25519
                                                     : DKIM_KEY_RSA,
                                         .domain = SLICE("example.org"),
                                         .selector = SLICE("sel"),
                                         .seconds = 1700000000};
    struct dkim_signer *signer = dkim_signer_new();
    unsigned char signature[1024];
    uint8_t digest[DKIM_DIGEST];
    size_t len = sizeof(signature);
    struct buf field;
    bool good;

    buf_init(&field, 1 << 20);
    for (size_t at = 0; at < work->message.len; at += PIECE)
        dkim_signer_feed(signer, slice_sub(work->message, at, PIECE));
    good = dkim_signer_end(signer);
    if (good) {
        dkim_signer_field(signer, &signing, &field, digest);
        good = sign_digest(work->key, digest, signature, &len);
        dkim_signer_finish(&field, slice_from(signature, len));
    }
    buf_done(&field);
    dkim_signer_free(signer);
    return good;
}

static bool check_spf(struct work *work)
{
    const struct spf_question question = {.identity = SPF_MAILFROM,
                                          .client = {.bytes = {192, 0, 2, 9}},
                                          .helo = SLICE("mail.example.org"),
                                          .sender = SLICE("joe@example.org"),
                                          .receiver = SLICE("mx.example.com"),
                                          .seconds = 1700000000};
    struct spf_verdict verdict;
    struct arena arena;
    bool good;

    arena_init(&arena);
    good = spf_check(&question, &work->zone, &arena, &verdict) == 0 && verdict.result == SPF_PASS;
    arena_done(&arena);
    return good;
}

static void set_up(struct work *work, char **argv)
{
    if (strcmp(argv[1], "spf") == 0) {
        struct problem_list problems;
        struct zone *zone;
        problem_list_init(&problems);
        zone = zone_read(SLICE("zone"), read_file(argv[2]), &problems);
        if (!zone)
            exit(2);
        work->zone = zone_names(zone);
        work->step = check_spf;
        return;
    }
    work->message = read_file(argv[2]);
    work->step = strcmp(argv[1], "sign") == 0 ? sign : verify;
    if (work->step == verify) {
        work->record = read_file(argv[3]);
    } else {
        FILE *file = fopen(argv[3], "r");
        work->key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
        if (!work->key)
            exit(2);
        fclose(file);
    }
}

int main(int argc, char **argv)
{
    struct work work = {.step = NULL};
    double start, end;
    unsigned long n = 0;

    if (argc < 4)
        return 2;
    set_up(&work, argv);
    start = now();
    end = start + strtod(argv[argc - 1], NULL);
    do {
        if (!work.step(&work)) {
            fprintf(stderr, "trust_ours: %s does not work\n", argv[1]);
            return 1;
        }
        n++;
    } while (now() < end);
    printf("%lu %.6f\n", n, now() - start);
    return 0;
}
