/* Options of `nuncio verify`. See verify.h. */
#include "control/verify.h"

#include "base/clock.h"
#include "control/why_time.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: nuncio verify spf IP [HELO [SENDER]]\n"
    "       nuncio verify dkim [FILE]\n"
    "       nuncio verify arc [FILE]\n"
    "       nuncio verify dmarc --ip IP [--helo NAME] [--sender ADDRESS] [FILE]\n\n"
    "Judges as the server does, and says why: whether a client may send in the name of a sender\n"
    "(spf), whether the signatures of a message are right (dkim, arc), and whether its author's\n"
    "domain is backed by either (dmarc). FILE is a message as it came; '-' or none is standard\n"
    "input.\n\n"
    "      --ip IP           the address of the client; dmarc without it goes by DKIM alone\n"
    "      --helo NAME       what the client said in HELO or EHLO\n"
    "      --sender ADDRESS  the reverse-path; without it, or with '<>', HELO is judged\n"
    "      --zone FILE       records in place of the DNS, as in a zone file or 'NAME TYPE DATA' a\n"
    "                        line; '!servfail' or '!timeout' as data makes look-ups fail\n"
    "      --time TIME       the time of the verdict, for signatures that expire: "
    "2026-11-22T10:02Z\n"
    "      --json            a JSON object\n"
    "  -c, --config FILE     the configuration whose section 'dns' is used; otherwise the usual "
    "one\n"
    "                        if there is one, or the system's name servers\n\n"
    "Exit code: 0 for pass; 1 for any other verdict (fail, softfail, neutral, none, policy,\n"
    "permerror); 75 when the DNS gave no answer (temperror); 64 for a wrong command; 65 and 66 "
    "for\n"
    "files that cannot be understood or read.\n\n"
    "Example: nuncio verify spf 192.0.2.1 mail.example.org joe@example.org\n";

static bool refuse(const char *what, const char *value, const char *instead)
{
    fprintf(stderr, "nuncio: %s%s%s\n", what, value, instead);
    return false;
}

static bool take_client(struct verify_options *options, const char *text)
{
    options->has_client = trust_ip_parse(slice_from_cstr(text), &options->client);
    return options->has_client ||
           refuse("'", text, "' is no IP address; write one like 192.0.2.1 or 2001:db8::1");
}

/* Angle brackets are how the protocol writes it. */
static void take_sender(struct verify_options *options, const char *text)
{
    struct slice sender = slice_from_cstr(text);

    if (sender.len >= 2 && sender.ptr[0] == '<' && sender.ptr[sender.len - 1] == '>')
        sender = slice_sub(sender, 1, sender.len - 2);
    options->sender = sender;
}

static bool take_time(struct verify_options *options, const char *text)
{
    uint64_t ms;

    if (!why_time_parse(slice_from_cstr(text), clock_wall_ms(), &ms))
        return refuse("'", text, "' is no time; write one like 2026-11-22T10:02Z or 10m");
    options->seconds = (int64_t)(ms / 1000);
    return true;
}

static bool take_option(struct verify_options *options, int c)
{
    switch (c) {
    case 'c':
        options->config = optarg;
        return true;
    case 'z':
        options->zone = optarg;
        return true;
    case 'j':
        options->json = true;
        return true;
    case 'i':
        return take_client(options, optarg);
    case 'e':
        options->helo = slice_from_cstr(optarg);
        return true;
    case 's':
        take_sender(options, optarg);
        return true;
    case 't':
        return take_time(options, optarg);
    default:
        return false;
    }
}

/* What stands without a dash: for spf the three that it is about, for the others the message. */
static bool take_rest(enum verify_kind kind, char **rest, int count, struct verify_options *options)
{
    if (count > (kind == VERIFY_SPF ? 3 : 1))
        return refuse("'", rest[count - 1],
                      "' is too much; nuncio verify --help says what is wanted");
    if (kind != VERIFY_SPF) {
        options->file = count > 0 && strcmp(rest[0], "-") != 0 ? rest[0] : NULL;
        return true;
    }
    if (count > 0 && !take_client(options, rest[0]))
        return false;
    if (count > 1)
        options->helo = slice_from_cstr(rest[1]);
    if (count > 2)
        take_sender(options, rest[2]);
    return true;
}

static bool is_complete(enum verify_kind kind, const struct verify_options *options)
{
    bool spf = kind == VERIFY_SPF;
    bool about_client = options->has_client || options->helo.len || options->sender.len;

    if (spf && !options->has_client)
        return refuse("", "",
                      "spf is about a client; give its address: nuncio verify spf 192.0.2.1 "
                      "mail.example.org joe@example.org");
    if (!spf && kind != VERIFY_DMARC && about_client)
        return refuse("", "",
                      "--ip, --helo and --sender are for spf and dmarc; a signature is not "
                      "about the client");
    if (kind == VERIFY_DMARC && about_client && !options->has_client)
        return refuse("", "", "--helo and --sender say nothing without --ip, the client's address");
    if (options->has_client && options->helo.len == 0 && options->sender.len == 0)
        return refuse("", "", "there is no name to judge; give --helo, --sender or both");
    return true;
}

static bool find_kind(const char *word, enum verify_kind *ret_kind)
{
    static const char *const kinds[] = {"spf", "dkim", "dmarc", "arc"};

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word, kinds[i]) != 0)
            continue;
        *ret_kind = (enum verify_kind)i;
        return true;
    }
    return refuse("'", word, "' cannot be verified; spf, dkim, dmarc and arc can");
}

static bool read_options(int argc, char **argv, struct verify_options *options, bool *ret_help)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"zone", required_argument, NULL, 'z'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"ip", required_argument, NULL, 'i'},
                                          {"helo", required_argument, NULL, 'e'},
                                          {"sender", required_argument, NULL, 's'},
                                          {"time", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        *ret_help |= c == 'h';
        if (c != 'h' && !take_option(options, c))
            return false;
    }
    return true;
}

bool verify_options_read(int argc, char **argv, enum verify_kind *ret_kind,
                         struct verify_options *ret_options, int *ret_code)
{
    bool wants_help = false;

    *ret_code = EX_USAGE;
    *ret_options = (struct verify_options){.seconds = (int64_t)(clock_wall_ms() / 1000)};
    if (!read_options(argc, argv, ret_options, &wants_help))
        return false;
    if (wants_help) {
        fputs(help, stdout);
        *ret_code = EX_OK;
        return false;
    }
    if (argc == optind)
        return refuse("", "",
                      "verify what? nuncio verify spf, dkim, dmarc or arc; --help says more");
    return find_kind(argv[optind], ret_kind) &&
           take_rest(*ret_kind, argv + optind + 1, argc - optind - 1, ret_options) &&
           is_complete(*ret_kind, ret_options);
}
