#include "io/tls_server.h"

#include "../cmocka_all.h"
#include "../tls_support.h"

#include "base/clock.h"
#include "io/tls_tickets.h"

#include <errno.h>
#include <string.h>

/* One set of identities for all tests: keys take their time. */
static struct {
    struct arena arena;
    struct test_identity ca, other_ca, rsa, ec, branch, wild, client, stranger;
    struct tls_server *server;
    SSL_CTX *context; /* of the client */
} world;

static void make(struct test_identity *identity, enum test_key key, const char *name,
                 const char *names, const struct test_identity *issuer)
{
    struct test_certificate wish = {
        .key = key, .common_name = name, .names = names, .issuer = issuer, .ca = !names};

    test_identity_make(identity, &wish);
}

static int set_up(void **state)
{
    struct tls_pair pairs[4];
    struct tls_client_ca cas = {.listener = SLICE("certified")};

    (void)state;
    arena_init(&world.arena);
    make(&world.ca, KEY_EC, "CA", NULL, NULL);
    make(&world.other_ca, KEY_EC, "Other CA", NULL, NULL);
    make(&world.rsa, KEY_RSA, "mx-rsa", "DNS:mx.example.org", &world.ca);
    make(&world.ec, KEY_EC, "mx-ec", "DNS:mx.example.org", &world.ca);
    make(&world.branch, KEY_EC, "branch", "DNS:mail.branch.example.com", &world.ca);
    make(&world.wild, KEY_EC, "wild", "DNS:*.example.net", &world.ca);
    make(&world.client, KEY_EC, "Ada", "email:ada@example.org,email:a@example.net", &world.ca);
    make(&world.stranger, KEY_EC, "Eve", "email:ada@example.org", &world.other_ca);
    pairs[0] = test_pair(&world.arena, "rsa", &world.rsa, "mx.example.org");
    pairs[1] = test_pair(&world.arena, "ec", &world.ec, "mx.example.org");
    pairs[2] = test_pair(&world.arena, "branch", &world.branch, "mail.branch.example.com");
    pairs[3] = test_pair(&world.arena, "wild", &world.wild, "*.example.net");
    cas.cas = world.ca.chain_pem;
    world.server = test_server_new(pairs, 4, &cas, 1);
    world.context = SSL_CTX_new(TLS_client_method());
    return 0;
}

static int tear_down(void **state)
{
    struct test_identity *all[] = {&world.ca,   &world.other_ca, &world.rsa,    &world.ec,
                                   &world.wild, &world.branch,   &world.client, &world.stranger};

    (void)state;
    tls_server_unref(world.server);
    SSL_CTX_free(world.context);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        test_identity_done(all[i]);
    arena_done(&world.arena);
    return 0;
}

static struct transport_tls plainly(void)
{
    return (struct transport_tls){.tls = world.server, .listener = SLICE("mx")};
}

static void assert_peer_is(const struct test_line *line, const char *name)
{
    X509 *certificate = SSL_get0_peer_certificate(line->client);
    char common[64] = "";

    assert_non_null(certificate);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common,
                              sizeof(common));
    assert_string_equal(common, name);
}

static void test_the_name_chooses_the_pair_and_the_client_the_key_type(void **state)
{
    static const struct {
        const char *name, *algorithms, *expect;
    } cases[] = {
        {"mx.example.org", "ECDSA+SHA256", "mx-ec"},
        {"mx.example.org", "rsa_pss_rsae_sha256:RSA+SHA256", "mx-rsa"},
        {"MX.Example.ORG", "ECDSA+SHA256", "mx-ec"},
        {"mail.branch.example.com", "ECDSA+SHA256", "branch"},
        {"a.example.net", "ECDSA+SHA256", "wild"},
        {"a.b.example.net", "ECDSA+SHA256", "mx-ec"}, /* a wildcard is one label */
        {"example.net", "ECDSA+SHA256", "mx-ec"},
        {"unknown.example", "ECDSA+SHA256", "mx-ec"},
        {"unknown.example", "rsa_pss_rsae_sha256:RSA+SHA256", "mx-rsa"},
        {"*.example.net", "ECDSA+SHA256", "wild"},
        {NULL, "ECDSA+SHA256", "mx-ec"},
        {NULL, "rsa_pss_rsae_sha256:RSA+SHA256", "mx-rsa"},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        const char *name = cases[i / 2].name;
        struct transport_tls how = plainly();
        struct test_line line;
        test_line_open(&line, &how, world.context);
        if (i & 1)
            SSL_set_max_proto_version(line.client, TLS1_2_VERSION);
        assert_int_equal(SSL_set1_sigalgs_list(line.client, cases[i / 2].algorithms), 1);
        if (name)
            SSL_set_tlsext_host_name(line.client, name);
        if (test_line_shake(&line) != 0)
            fail_msg("%s: %s", name ? name : "no name", line.why);
        assert_peer_is(&line, cases[i / 2].expect);
        test_line_close(&line);
    }
}

static void test_alpn_is_smtp_or_nothing(void **state)
{
    static const struct {
        const char *offer;
        bool good;
    } cases[] = {{"\x04smtp", true}, {"\x02h2\x04smtp", true}, {"\x08http/1.1", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct transport_tls how = plainly();
        struct test_line line;
        const unsigned char *chosen;
        unsigned len = 0;
        test_line_open(&line, &how, world.context);
        SSL_set_alpn_protos(line.client, (const unsigned char *)cases[i].offer,
                            (unsigned)strlen(cases[i].offer));
        assert_int_equal(test_line_shake(&line), cases[i].good ? 0 : -EPROTO);
        SSL_get0_alpn_selected(line.client, &chosen, &len);
        assert_int_equal(len, cases[i].good ? 4 : 0);
        if (!cases[i].good)
            assert_string_equal(line.why, "no application protocol");
        test_line_close(&line);
    }
}

static void test_what_is_old_or_weak_is_refused(void **state)
{
    static const struct {
        int version;
        const char *ciphers, *groups;
        const char *why; /* NULL: good */
    } cases[] = {
        {TLS1_1_VERSION, "ALL:@SECLEVEL=0", "P-256", "unsupported protocol"},
        {TLS1_2_VERSION, "AES256-GCM-SHA384", "P-256", "no shared cipher"},
        {TLS1_2_VERSION, "DHE-RSA-AES256-GCM-SHA384", "P-256", "no shared cipher"},
        {TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", "P-256", "no shared cipher"},
        {TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "P-256", NULL},
        {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", "X25519:P-256", NULL},
        {TLS1_3_VERSION, "ALL", "P-384", NULL},
        {TLS1_3_VERSION, "ALL", "P-521", "no suitable key share"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct transport_tls how = plainly();
        struct test_line line;
        int r;
        test_line_open(&line, &how, world.context);
        SSL_set_cipher_list(line.client, cases[i].ciphers);
        SSL_set_min_proto_version(line.client, cases[i].version);
        SSL_set_max_proto_version(line.client, cases[i].version);
        assert_int_equal(SSL_set1_groups_list(line.client, cases[i].groups), 1);
        r = test_line_shake(&line);
        if (strcmp(line.why, cases[i].why ? cases[i].why : "") != 0)
            fail_msg("%zu: %s", i, line.why);
        assert_int_equal(r, cases[i].why ? -EPROTO : 0);
        test_line_close(&line);
    }
}

static void test_only_1_3_is_only_1_3(void **state)
{
    struct tls_pair pair = test_pair(&world.arena, "ec", &world.ec, "mx.example.org");
    struct tls_material material = {.pairs = &pair, .n_pairs = 1};
    struct tls_rules rules = {.only_1_3 = true};
    struct transport_tls how = plainly();
    struct test_line line;
    char why[128];

    (void)state;
    assert_int_equal(tls_server_new(&material, &rules, &how.tls, why, sizeof(why)), 0);
    for (int i = 0; i < 2; i++) {
        test_line_open(&line, &how, world.context);
        if (i)
            SSL_set_max_proto_version(line.client, TLS1_2_VERSION);
        assert_int_equal(test_line_shake(&line), i ? -EPROTO : 0);
        test_line_close(&line);
    }
    tls_server_unref(how.tls);
}

static void test_bad_material_is_refused_with_words(void **state)
{
    struct tls_pair good = test_pair(&world.arena, "good", &world.ec, "");
    struct tls_pair mixed = good, empty = good, garbage = good;
    struct tls_client_ca cas = {.listener = SLICE("mx"), .cas = SLICE("nothing")};
    struct {
        struct tls_pair *pair;
        struct tls_client_ca *cas;
        const char *why;
    } cases[] = {
        {NULL, NULL, "there is no certificate"},
        {&mixed, NULL, "certificate good: key values mismatch"},
        {&empty, NULL, "certificate good: no start line"},
        {&garbage, NULL, "certificate good: "},
        {&good, &cas, "client CAs of listener mx: no start line"},
    };

    (void)state;
    mixed.key = world.branch.key_pem;
    empty.chain = SLICE("");
    garbage.key = SLICE("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_material material = {.pairs = cases[i].pair,
                                        .n_pairs = cases[i].pair != NULL,
                                        .client_cas = cases[i].cas,
                                        .n_client_cas = cases[i].cas != NULL};
        struct tls_rules rules = {.only_1_3 = false};
        struct tls_server *server = NULL;
        char why[128] = "";
        assert_int_equal(tls_server_new(&material, &rules, &server, why, sizeof(why)), -EINVAL);
        assert_null(server);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("%zu: %s", i, why);
    }
}

/* ---- client certificates -------------------------------------------------------------------- */

static void use_identity(struct test_line *line, const struct test_identity *identity)
{
    assert_int_equal(
        SSL_use_cert_and_key(line->client, identity->certificate, identity->key, NULL, 1), 1);
}

static void test_client_certificates(void **state)
{
    const struct {
        const struct test_identity *identity;
        bool ask, require;
        int result;
        const char *peer, *refused;
    } cases[] = {
        {&world.client, true, false, 0, "Ada", NULL},
        {&world.client, true, true, 0, "Ada", NULL},
        {&world.client, false, false, 0, "", NULL}, /* nobody asked */
        {&world.stranger, true, false, 0, "", "unable to get local issuer certificate"},
        {&world.stranger, true, true, -EPROTO, "", NULL},
        {NULL, true, false, 0, "", NULL},
        {NULL, true, true, -EPROTO, "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        size_t at = i / 2;
        struct transport_tls how = {.tls = world.server,
                                    .listener = SLICE("certified"),
                                    .ask_certificate = cases[at].ask,
                                    .require_certificate = cases[at].require};
        struct test_line line;
        struct tls_facts facts = {.peer = SLICE_NULL};
        test_line_open(&line, &how, world.context);
        if (i & 1)
            SSL_set_max_proto_version(line.client, TLS1_2_VERSION);
        if (cases[at].identity)
            use_identity(&line, cases[at].identity);
        assert_int_equal(test_line_shake(&line), cases[at].result);
        if (cases[at].result == 0)
            transport_tls_facts(&line.server, &world.arena, &facts);
        assert_true(slice_eq(facts.peer, slice_from_cstr(cases[at].peer)));
        assert_int_equal(facts.peer_fingerprint.len, facts.peer.len ? 64 : 0);
        assert_int_equal(facts.n_peer_emails, facts.peer.len ? 2 : 0);
        if (cases[at].refused)
            assert_string_equal(facts.peer_refused, cases[at].refused);
        else
            assert_null(facts.peer_refused);
        test_line_close(&line);
    }
}

/* ---- tickets -------------------------------------------------------------------------------- */

static SSL_SESSION *kept; /* the newest ticket that the client got */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = session;
    return 1;
}

struct visit {
    const char *listener;
    int version;
    const struct test_identity *identity;
    struct tls_server *server;
};

/* One connection with the kept ticket, if there is one: was it resumed? */
static bool visit(const struct visit *visit, struct tls_facts *ret_facts)
{
    struct transport_tls how = {.tls = visit->server ? visit->server : world.server,
                                .listener = slice_from_cstr(visit->listener),
                                .ask_certificate = visit->identity != NULL,
                                .require_certificate = visit->identity != NULL};
    struct test_line line;

    test_line_open(&line, &how, world.context);
    SSL_set_max_proto_version(line.client, visit->version);
    if (visit->identity)
        use_identity(&line, visit->identity);
    if (kept)
        assert_int_equal(SSL_set_session(line.client, kept), 1);
    if (test_line_shake(&line) != 0)
        fail_msg("%s", line.why);
    transport_tls_facts(&line.server, &world.arena, ret_facts);
    assert_int_equal(SSL_session_reused(line.client), ret_facts->resumed);
    SSL_shutdown(line.client);
    if (visit->version == TLS1_2_VERSION) /* whose callback is for full handshakes alone */
        keep_session(line.client, SSL_get1_session(line.client));
    test_line_close(&line);
    return ret_facts->resumed;
}

static void forget_ticket(void)
{
    SSL_SESSION_free(kept);
    kept = NULL;
}

static struct slice ticket_of(const SSL_SESSION *session)
{
    const unsigned char *ticket;
    size_t len;

    SSL_SESSION_get0_ticket(session, &ticket, &len);
    return slice_from(ticket, len);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* A copy, because OpenSSL's client does not offer a session again after a newer ticket came. */
static SSL_SESSION *copy_of(SSL_SESSION *session)
{
    SSL_SESSION *copy = SSL_SESSION_dup(session);

    assert_non_null(copy);
    return copy;
}

static void test_tickets_resume_until_their_key_is_gone(void **state)
{
    struct tls_facts facts;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct visit mx = {.listener = "mx", .version = versions[i]};
        SSL_SESSION *first;
        clock_fake(1, 1000000);
        assert_false(visit(&mx, &facts));
        assert_true(visit(&mx, &facts));
        assert_true(visit(&mx, &facts)); /* with TLS 1.3 it was given another ticket */
        first = copy_of(kept);
        clock_fake(1, 1000000 + TLS_TICKET_SEAL_MS + 1);
        assert_true(visit(&mx, &facts));
        /* a ticket under an old key is renewed */
        assert_false(slice_eq(ticket_of(kept), ticket_of(first)));
        forget_ticket();
        kept = copy_of(first);
        clock_fake(1, 1000000 + TLS_TICKET_OPEN_MS - 1);
        assert_true(visit(&mx, &facts));
        forget_ticket();
        kept = first;
        clock_fake(1, 1000000 + TLS_TICKET_OPEN_MS + 1);
        assert_false(visit(&mx, &facts));
        clock_unfake();
        forget_ticket();
    }
}

static void test_tickets_outlive_a_renewed_certificate(void **state)
{
    struct tls_pair pair = test_pair(&world.arena, "new", &world.branch, "mx.example.org");
    struct tls_server *renewed = test_server_new(&pair, 1, NULL, 0);
    struct tls_facts facts;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct visit old = {.listener = "mx", .version = versions[i]};
        struct visit new = {.listener = "mx", .version = versions[i], .server = renewed};
        assert_false(visit(&old, &facts));
        assert_true(visit(&new, &facts));
        forget_ticket();
    }
    tls_server_unref(renewed);
}

static void test_tickets_are_good_at_their_listener_only(void **state)
{
    struct tls_facts facts;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct visit mx = {.listener = "mx", .version = versions[i]};
        struct visit other = {.listener = "submission", .version = versions[i]};
        assert_false(visit(&mx, &facts));
        assert_false(visit(&other, &facts));
        forget_ticket();
    }
}

static void test_tickets_carry_the_client_certificate(void **state)
{
    struct tls_pair pair = test_pair(&world.arena, "ec", &world.ec, "mx.example.org");
    struct tls_client_ca both = {.listener = SLICE("certified")};
    struct buf cas;
    struct tls_server *changed;
    struct tls_facts facts;

    (void)state;
    buf_init(&cas, SIZE_MAX);
    buf_add_slice(&cas, world.ca.chain_pem);
    buf_add_slice(&cas, world.other_ca.chain_pem);
    both.cas = buf_slice(&cas);
    changed = test_server_new(&pair, 1, &both, 1);
    for (size_t i = 0; i < 2; i++) {
        struct visit ada = {
            .listener = "certified", .version = versions[i], .identity = &world.client};
        struct slice fingerprint;
        assert_false(visit(&ada, &facts));
        fingerprint = facts.peer_fingerprint;
        assert_true(visit(&ada, &facts));
        assert_true(slice_eq(facts.peer, SLICE("Ada")));
        assert_true(slice_eq(facts.peer_fingerprint, fingerprint));
        assert_int_equal(facts.n_peer_emails, 2);
        assert_true(slice_eq(facts.peer_emails[1], SLICE("a@example.net")));
        ada.server = changed; /* other CAs: verified anew */
        assert_false(visit(&ada, &facts));
        forget_ticket();
    }
    tls_server_unref(changed);
    buf_done(&cas);
}

static void test_a_refused_certificate_stays_refused_when_resumed(void **state)
{
    struct transport_tls how = {
        .tls = world.server, .listener = SLICE("certified"), .ask_certificate = true};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct test_line line;
        struct tls_facts facts;
        test_line_open(&line, &how, world.context);
        SSL_set_max_proto_version(line.client, versions[i / 2]);
        use_identity(&line, &world.stranger);
        if (kept)
            SSL_set_session(line.client, kept);
        assert_int_equal(test_line_shake(&line), 0);
        transport_tls_facts(&line.server, &world.arena, &facts);
        assert_int_equal(facts.resumed, i & 1);
        assert_int_equal(facts.peer_fingerprint.len, 0);
        assert_non_null(facts.peer_refused);
        SSL_shutdown(line.client);
        test_line_close(&line);
        if (i & 1)
            forget_ticket();
    }
}

static int set_up_tickets(void **state)
{
    (void)state;
    SSL_CTX_set_session_cache_mode(world.context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(world.context, keep_session);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_name_chooses_the_pair_and_the_client_the_key_type),
        cmocka_unit_test(test_alpn_is_smtp_or_nothing),
        cmocka_unit_test(test_what_is_old_or_weak_is_refused),
        cmocka_unit_test(test_only_1_3_is_only_1_3),
        cmocka_unit_test(test_bad_material_is_refused_with_words),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test_setup(test_tickets_resume_until_their_key_is_gone, set_up_tickets),
        cmocka_unit_test_setup(test_tickets_outlive_a_renewed_certificate, set_up_tickets),
        cmocka_unit_test_setup(test_tickets_are_good_at_their_listener_only, set_up_tickets),
        cmocka_unit_test_setup(test_tickets_carry_the_client_certificate, set_up_tickets),
        cmocka_unit_test_setup(test_a_refused_certificate_stays_refused_when_resumed,
                               set_up_tickets),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
