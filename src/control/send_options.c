/* Reading the command line of `nuncio send`, and its help. */
#include "control/send_options.h"

#include <getopt.h>
#include <sysexits.h>

static const char help[] =
    "usage: nuncio send [OPTION...] --to ADDRESS SERVER\n"
    "\n"
    "Hands one message to a mail server, and shows what both sides say.\n"
    "SERVER is HOST, HOST:PORT, [IPv6]:PORT or unix:/PATH; the port is 25, 24 with --lmtp, or 465\n"
    "with --tls implicit. Its name is looked up as section dns of the configuration says, if "
    "there\n"
    "is one.\n"
    "\n"
    "  --from ADDRESS    reverse-path; \"\" is <>, and so is none\n"
    "  --to ADDRESS      recipient; may be given again\n"
    "  --helo NAME       what to call ourselves; the host's name by default\n"
    "  --data FILE       the message with its header, - for standard input; by default a short "
    "test\n"
    "                    message. Lines may end in LF.\n"
    "  --lmtp            LMTP: a reply for each recipient\n"
    "  --bdat            BDAT instead of DATA, if the server offers CHUNKING\n"
    "  --no-pipelining   one command at a time\n"
    "  --tls starttls    encrypts the session, and tells how; 'implicit': from the first byte\n"
    "  --verify          with --tls: only if the certificate is good for the server's name, by "
    "the\n"
    "                    system's CAs\n"
    "  --config FILE     the configuration (also -c), otherwise $NUNCIO_CONFIG or the system's\n"
    "  --quiet           the results alone\n"
    "\n"
    "Exit code: 0 all recipients were accepted, 69 some were refused for good, 75 some may be "
    "tried\n"
    "again, or no server answered; 64 and 66 for mistakes in the command and its file.\n"
    "\n"
    "  nuncio send --from ann@example.org --to joe@example.net --data letter.eml 127.0.0.1:2525\n";

static int usage(const char *format, const char *what)
{
    fputs("nuncio send: ", stderr);
    fprintf(stderr, format, what);
    fputs("; see nuncio send --help\n", stderr);
    return EX_USAGE;
}

/* "host", "host:port", "[::1]:port", "unix:/path"; a bare IPv6 address has no port. */
static bool parse_server(struct slice text, uint16_t port, struct config_endpoint *server)
{
    ptrdiff_t colon = slice_find_last(text, ':');
    struct slice host = text, digits = SLICE_NULL;
    uint64_t number = port;

    if (slice_starts_with_nocase(text, SLICE("unix:"))) {
        *server = (struct config_endpoint){.kind = ENDPOINT_UNIX, .host = slice_skip(text, 5)};
        return server->host.len > 0;
    }
    if (text.len && text.ptr[0] == '[') {
        ptrdiff_t end = slice_find(text, ']');
        if (end < 0 || ((size_t)end + 1 < text.len && text.ptr[end + 1] != ':'))
            return false;
        host = slice_sub(text, 1, (size_t)end - 1);
        digits = slice_skip(text, (size_t)end + 2);
    } else if (colon >= 0 && slice_find(text, ':') == colon) {
        host = slice_sub(text, 0, (size_t)colon);
        digits = slice_skip(text, (size_t)colon + 1);
        if (digits.len == 0)
            return false;
    }
    if (digits.len && (!slice_parse_u64(digits, UINT16_MAX, &number) || number == 0))
        return false;
    *server =
        (struct config_endpoint){.kind = ENDPOINT_INET, .host = host, .port = (uint16_t)number};
    return host.len > 0;
}

enum {
    OPT_FROM = 1,
    OPT_TO,
    OPT_HELO,
    OPT_DATA,
    OPT_LMTP,
    OPT_BDAT,
    OPT_NO_PIPELINING,
    OPT_QUIET,
    OPT_TLS,
    OPT_VERIFY,
    OPT_HELP
};

static const struct option long_options[] = {
    {"from", required_argument, NULL, OPT_FROM},
    {"to", required_argument, NULL, OPT_TO},
    {"helo", required_argument, NULL, OPT_HELO},
    {"data", required_argument, NULL, OPT_DATA},
    {"lmtp", no_argument, NULL, OPT_LMTP},
    {"bdat", no_argument, NULL, OPT_BDAT},
    {"no-pipelining", no_argument, NULL, OPT_NO_PIPELINING},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"tls", required_argument, NULL, OPT_TLS},
    {"verify", no_argument, NULL, OPT_VERIFY},
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static struct slice without_brackets(const char *address)
{
    struct slice s = slice_from_cstr(address);

    if (s.len >= 2 && s.ptr[0] == '<' && s.ptr[s.len - 1] == '>')
        return slice_sub(s, 1, s.len - 2);
    return s;
}

static int take_tls(const char *text, enum send_tls *ret_tls)
{
    if (strcmp(text, "starttls") == 0)
        *ret_tls = SEND_STARTTLS;
    else if (strcmp(text, "implicit") == 0)
        *ret_tls = SEND_IMPLICIT;
    else
        return usage("--tls is starttls or implicit, not '%s'", text);
    return 0;
}

static int take_option(int option, struct send_options *options)
{
    switch (option) {
    case OPT_FROM:
        options->from = without_brackets(optarg);
        return 0;
    case OPT_TO:
        if (options->n_to == SEND_RECIPIENTS_MAX)
            return usage("more than %s recipients", "1000");
        options->to[options->n_to++] = without_brackets(optarg);
        return 0;
    case OPT_HELO:
        options->helo = optarg;
        return 0;
    case OPT_DATA:
        options->data = optarg;
        return 0;
    case OPT_LMTP:
        options->lmtp = true;
        return 0;
    case OPT_BDAT:
        options->bdat = true;
        return 0;
    case OPT_NO_PIPELINING:
        options->no_pipelining = true;
        return 0;
    case OPT_QUIET:
        options->quiet = true;
        return 0;
    case OPT_TLS:
        return take_tls(optarg, &options->tls);
    case OPT_VERIFY:
        options->verify = true;
        return 0;
    case 'c':
        options->config = optarg;
        return 0;
    default:
        return EX_USAGE; /* getopt has said why */
    }
}

static uint16_t default_port(const struct send_options *options)
{
    if (options->tls == SEND_IMPLICIT)
        return 465;
    return options->lmtp ? 24 : 25;
}

int send_options_parse(int argc, char **argv, struct send_options *ret_options, bool *ret_done)
{
    int option, r;

    *ret_options = (struct send_options){0};
    *ret_done = false;
    optind = 1;
    while ((option = getopt_long(argc, argv, "c:", long_options, NULL)) != -1) {
        if (option == OPT_HELP) {
            fputs(help, stdout);
            *ret_done = true;
            return EX_OK;
        }
        r = take_option(option, ret_options);
        if (r != 0)
            return r;
    }
    if (optind + 1 != argc)
        return usage("%s", optind == argc ? "the server is missing" : "more than one server");
    if (ret_options->n_to == 0)
        return usage("%s", "the recipient is missing: --to ADDRESS");
    if (ret_options->verify && ret_options->tls == SEND_CLEAR)
        return usage("%s", "--verify needs --tls starttls or --tls implicit");
    if (!parse_server(slice_from_cstr(argv[optind]), default_port(ret_options),
                      &ret_options->server))
        return usage("'%s' is not HOST, HOST:PORT, [IPv6]:PORT or unix:/PATH", argv[optind]);
    return 0;
}
