/*
 * The command line of sendmail(1). See sendmail_options.h.
 *
 * Options end at the first recipient, as with the original, so that an address which a program
 * passes on cannot become an option behind another address; a careful program writes "--" before
 * them.
 */
#include "control/sendmail_options.h"

#include <getopt.h>
#include <sysexits.h>

static const char help[] =
    "usage: sendmail [OPTION...] [--] [RECIPIENT...]\n\n"
    "Reads a message from standard input and leaves it to the server, which need not be "
    "running.\n\n"
    "  -t            recipients are those of To, Cc and Bcc, too\n"
    "  -i, -oi       a line with a dot alone does not end the message\n"
    "  -f ADDRESS    the envelope's sender (also -r); '<>' for none\n"
    "  -F NAME       full name for a From field that is missing\n"
    "  -N WHEN       never, or of success,failure,delay: notify the sender\n"
    "  -R full|hdrs  what a notification shows of the message\n"
    "  -V ID         envelope identifier for notifications\n"
    "  -bm -bs -bv -bp\n"
    "                send (default), speak SMTP, verify addresses, list the queue\n"
    "  -C FILE       configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "Other options of the original sendmail are accepted and mean nothing here.\n\n"
    "Example: printf 'Subject: hello\\n\\nHow are you?\\n' | sendmail -i joe@example.org\n";

static int take_mode(struct sendmail_options *options, const char *mode)
{
    static const struct {
        const char *letter;
        enum sendmail_mode mode;
    } modes[] = {{"m", SENDMAIL_DELIVER},
                 {"s", SENDMAIL_SMTP},
                 {"v", SENDMAIL_VERIFY},
                 {"p", SENDMAIL_LIST},
                 {"i", SENDMAIL_NOTHING}};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(mode, modes[i].letter) == 0) {
            options->mode = modes[i].mode;
            return 0;
        }
    }
    fprintf(stderr, "sendmail: there is no mode -b%s here; the server is started by nuncio serve\n",
            mode);
    return EX_USAGE;
}

static bool take_notify(struct sendmail_options *options, const char *text)
{
    struct slice rest = slice_from_cstr(text);
    uint8_t notify = 0;

    while (rest.ptr) {
        struct slice word = slice_trim(slice_cut(&rest, ','));
        if (slice_eq_nocase(word, SLICE("never")))
            notify |= NOTIFY_NEVER;
        else if (slice_eq_nocase(word, SLICE("success")))
            notify |= NOTIFY_SUCCESS;
        else if (slice_eq_nocase(word, SLICE("failure")))
            notify |= NOTIFY_FAILURE;
        else if (slice_eq_nocase(word, SLICE("delay")))
            notify |= NOTIFY_DELAY;
        else
            return false;
    }
    if (notify & NOTIFY_NEVER && notify != NOTIFY_NEVER)
        return false;
    options->notify = notify;
    return true;
}

static bool take_ret(struct sendmail_options *options, const char *text)
{
    struct slice word = slice_from_cstr(text);

    if (slice_eq_nocase(word, SLICE("full")))
        options->ret = RET_FULL;
    else if (slice_eq_nocase(word, SLICE("hdrs")))
        options->ret = RET_HDRS;
    else
        return false;
    return true;
}

static int refuse(int option, const char *value)
{
    fprintf(stderr, "sendmail: -%c %s: not a value for it\n", option, value);
    return EX_USAGE;
}

/* One option with its argument. 0 or EX_USAGE. */
static int take_option(struct sendmail_options *options, int option, const char *value)
{
    switch (option) {
    case 'b':
        return take_mode(options, value);
    case 'C':
        options->config = value;
        return 0;
    case 'f':
    case 'r':
        options->sender = value;
        return 0;
    case 'F':
        options->full_name = value;
        return 0;
    case 'i':
        options->dots = false;
        return 0;
    case 'N':
        return take_notify(options, value) ? 0 : refuse(option, value);
    case 'o':
        options->dots = options->dots && strcmp(value, "i") != 0;
        return 0;
    case 'q':
        options->mode = SENDMAIL_NOTHING;
        return 0;
    case 'R':
        return take_ret(options, value) ? 0 : refuse(option, value);
    case 't':
        options->from_header = true;
        return 0;
    case 'V':
        options->envid = value;
        return 0;
    case 'H':
        fputs(help, stdout);
        options->mode = SENDMAIL_NOTHING;
        return 0;
    case '?':
        return EX_USAGE;
    default: /* means nothing here */
        return 0;
    }
}

int sendmail_options_parse(int argc, char **argv, struct sendmail_options *ret_options)
{
    static const struct option long_options[] = {{"help", no_argument, NULL, 'H'},
                                                 {NULL, 0, NULL, 0}};
    struct sendmail_options options = {.dots = true};
    int option;

    optind = 0; /* starts anew, whatever was parsed before */
    while ((option = getopt_long(argc, argv, "+A:B:b:C:d::e:F:f:GgIih:L:mN:nO:o:p:q::R:r:stUV:vX:",
                                 long_options, NULL)) != -1) {
        int code = take_option(&options, option, optarg);
        if (code != 0)
            return code;
    }
    *ret_options = options;
    return 0;
}
