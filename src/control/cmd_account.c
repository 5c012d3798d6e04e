/*
 * nuncio account: the table of its actions, and what --help says about them. account_actions.h has
 * where each of them is.
 */
#include "control/commands.h"

#include "control/account_actions.h"

static const char help[] =
    "usage: nuncio account ACTION ...\n\n"
    "The mailboxes of this server, and how their owners log in. A running server sees a change\n"
    "within seconds. Each action explains itself: nuncio account ACTION --help\n\n"
    "  add ADDRESS            a new account, with or without a password\n"
    "  list [DOMAIN]          all accounts\n"
    "  remove ADDRESS         forget it; its mail stays\n"
    "  quota ADDRESS          how much it may keep\n"
    "  disable, enable ADDRESS\n"
    "  passwd ADDRESS         a new password\n"
    "  app-password ADDRESS   passwords for one program each\n"
    "  totp ADDRESS           codes of an authenticator app\n"
    "  second-factor ADDRESS  whether the password alone is enough\n"
    "  certificate ADDRESS    client certificates\n"
    "  cram ADDRESS           CRAM-MD5, for programs that know nothing better\n"
    "  grant ADDRESS          other addresses that it may send as\n"
    "  limit ADDRESS          how much it may send\n"
    "  freeze, thaw ADDRESS   hold its mail, or let it send again\n"
    "  blocked                who guessed, and may not try for now\n"
    "  import FILE, export    tables of users and password hashes\n\n"
    "  -c, --config FILE      the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --state DIR        the state folder, otherwise that of the configuration\n"
    "      --json             one JSON object a line\n\n"
    "Example: nuncio account add joe@example.org --quota 2G --generate\n";

#define HOW                                                                                        \
    "      --stdin            read it from the first line of standard input\n"                     \
    "      --generate         make one and show it this once\n"                                    \
    "      --hash FORM        take over another server's hash, like $6$... or {SSHA}...\n"         \
    "      --none             no password\n"                                                       \
    "      --force            take one that would soon be guessed\n"

static const char help_add[] =
    "usage: nuncio account add ADDRESS [--quota SIZE] [--messages NUMBER]\n"
    "                      [--password-stdin|--generate|--hash FORM|--none] [--force]\n\n"
    "Makes an account. On a terminal it asks for a password (an empty line: none).\n\n"
    "      --quota SIZE       how much the mailbox may hold, like 500M or 2G\n"
    "      --messages NUMBER  how many messages it may hold\n" HOW
    "\nExample: nuncio account add joe@example.org --quota 2G --generate\n";
static const char help_list[] = "usage: nuncio account list [DOMAIN]\n\n"
                                "All accounts, with their quotas and how their owners log in.\n\n"
                                "Example: nuncio account list example.org\n";
static const char help_remove[] =
    "usage: nuncio account remove ADDRESS\n\n"
    "Forgets the account with all its passwords, limits and grants. Its mail stays where it is.\n\n"
    "Example: nuncio account remove joe@example.org\n";
static const char help_quota[] =
    "usage: nuncio account quota ADDRESS [SIZE|default] [--messages NUMBER]\n\n"
    "Without SIZE it shows what holds. SIZE is like 500M or 2G, 0 for no limit, 'default' for "
    "that\n"
    "of the domain; NUMBER 0 is no limit.\n\n"
    "Example: nuncio account quota joe@example.org 2G\n";
static const char help_enable[] =
    "usage: nuncio account disable|enable ADDRESS\n\n"
    "A disabled account takes no mail and lets nobody log in; all that belongs to it stays.\n\n"
    "Example: nuncio account disable joe@example.org\n";
static const char help_passwd[] =
    "usage: nuncio account passwd ADDRESS [--stdin|--generate|--hash FORM|--none] [--force]\n\n"
    "Changes the password. On a terminal it asks for it twice.\n\n" HOW
    "\nExample: nuncio account passwd joe@example.org --generate\n";
static const char help_app_password[] =
    "usage: nuncio account app-password ADDRESS add NAME [--network CIDR]...\n"
    "       nuncio account app-password ADDRESS list\n"
    "       nuncio account app-password ADDRESS remove NAME\n\n"
    "Passwords for one program each. They count where a second factor is required, and are shown\n"
    "once. The list tells when and from where each was last used.\n\n"
    "      --network CIDR     good only from there; may be given several times\n\n"
    "Example: nuncio account app-password joe@example.org add phone\n";
static const char help_totp[] =
    "usage: nuncio account totp ADDRESS on|off|show\n\n"
    "A key for an authenticator app (RFC 6238). Where a second factor is required, the owner "
    "types\n"
    "the password and, right behind it, the six digits that the app shows.\n\n"
    "Example: nuncio account totp joe@example.org on\n";
static const char help_second_factor[] =
    "usage: nuncio account second-factor ADDRESS required|optional\n\n"
    "Required: the password alone is refused. It needs a code behind it or a client certificate\n"
    "with it; app passwords count without.\n\n"
    "Example: nuncio account second-factor joe@example.org required\n";
static const char help_certificate[] =
    "usage: nuncio account certificate ADDRESS add FILE|FINGERPRINT\n"
    "       nuncio account certificate ADDRESS list\n"
    "       nuncio account certificate ADDRESS remove FINGERPRINT\n\n"
    "Client certificates that stand for the account, by their SHA-256 fingerprint. FILE is PEM.\n\n"
    "Example: nuncio account certificate joe@example.org add joe.pem\n";
static const char help_cram[] =
    "usage: nuncio account cram ADDRESS on|off [--stdin]\n\n"
    "CRAM-MD5 needs the password itself in the account store: whoever reads it there can log in.\n"
    "'on' asks for the password, on a terminal or from --stdin.\n\n"
    "Example: nuncio account cram printer@example.org on\n";
static const char help_grant[] =
    "usage: nuncio account grant ADDRESS add SENDER|@DOMAIN\n"
    "       nuncio account grant ADDRESS list\n"
    "       nuncio account grant ADDRESS remove SENDER|@DOMAIN\n\n"
    "Addresses that the account may send as, beside its own and its aliases.\n\n"
    "Example: nuncio account grant joe@example.org add sales@example.org\n";
static const char help_limit[] =
    "usage: nuncio account limit ADDRESS [--size SIZE] [--minute N] [--hour N] [--recipients N]\n"
    "                      [--bounces N]\n\n"
    "How much the account may send; without options it shows what holds. Each is a number, 0 for\n"
    "no limit, or 'default' for account_limits of the configuration.\n\n"
    "      --size SIZE        of a message\n"
    "      --minute N         messages a minute; more are put off\n"
    "      --hour N           messages an hour; more freeze the account\n"
    "      --recipients N     recipients an hour; likewise\n"
    "      --bounces N        bounces of its mail an hour; likewise\n\n"
    "Example: nuncio account limit news@example.org --hour 5000 --recipients 50000\n";
static const char help_freeze[] =
    "usage: nuncio account freeze ADDRESS [REASON]\n"
    "       nuncio account thaw ADDRESS\n\n"
    "What a frozen account sends is held in the queue, neither sent nor lost. After thaw, nuncio\n"
    "queue release or remove with --sender decides about it.\n\n"
    "Example: nuncio account freeze joe@example.org \"password was stolen\"\n";
static const char help_blocked[] =
    "usage: nuncio account blocked [--lift ADDRESS|ACCOUNT | --lift-all]\n\n"
    "Addresses and accounts at which somebody guessed passwords, and how long they are blocked.\n\n"
    "Example: nuncio account blocked --lift 192.0.2.1\n";
static const char help_import[] =
    "usage: nuncio account import FILE [--domain DOMAIN]\n\n"
    "Makes the accounts of a table of lines user:password:..., as Dovecot's passwd-file or a "
    "shadow\n"
    "file has them. Either all lines are right, or each wrong one is told and nothing is made.\n\n"
    "      --domain DOMAIN    of users that are no addresses\n\n"
    "Example: nuncio account import users --domain example.org\n";
static const char help_export[] =
    "usage: nuncio account export [DOMAIN]\n\n"
    "Lines user:{SCHEME}hash, as Dovecot's passwd-file takes them. Accounts whose password alone\n"
    "is not enough, or that are disabled, are left out and told.\n\n"
    "Example: nuncio account export >/etc/dovecot/users\n";

#define TAKES_PASSWORD                                                                             \
    (TAKES(OPTION_STDIN) | TAKES(OPTION_GENERATE) | TAKES(OPTION_HASH) | TAKES(OPTION_NONE) |      \
     TAKES(OPTION_FORCE))

static const struct account_action actions[] = {
    {"add", account_add, 1, 1, TAKES(OPTION_QUOTA) | TAKES(OPTION_MESSAGES) | TAKES_PASSWORD, 0,
     help_add},
    {"list", account_list, 0, 1, 0, 0, help_list},
    {"remove", account_remove, 1, 1, 0, 0, help_remove},
    {"quota", account_quota, 1, 2, TAKES(OPTION_MESSAGES), 0, help_quota},
    {"enable", account_enable, 1, 1, 0, 0, help_enable},
    {"disable", account_disable, 1, 1, 0, 0, help_enable},
    {"passwd", account_passwd, 1, 1, TAKES_PASSWORD, 0, help_passwd},
    {"app-password", account_app_password, 2, 3, TAKES(OPTION_NETWORK), 0, help_app_password},
    {"totp", account_totp, 2, 2, 0, 0, help_totp},
    {"second-factor", account_second_factor, 2, 2, 0, 0, help_second_factor},
    {"certificate", account_certificate, 2, 3, 0, 3, help_certificate},
    {"cram", account_cram, 2, 2, TAKES(OPTION_STDIN), 0, help_cram},
    {"grant", account_grant, 2, 3, 0, 0, help_grant},
    {"limit", account_limit, 1, 1,
     TAKES(OPTION_SIZE) | TAKES(OPTION_MINUTE) | TAKES(OPTION_HOUR) | TAKES(OPTION_RECIPIENTS) |
         TAKES(OPTION_BOUNCES),
     0, help_limit},
    {"freeze", account_freeze, 1, 2, 0, 0, help_freeze},
    {"thaw", account_thaw, 1, 1, 0, 0, help_freeze},
    {"blocked", account_blocked, 0, 0, TAKES(OPTION_LIFT) | TAKES(OPTION_LIFT_ALL), 0,
     help_blocked},
    {"import", account_import, 1, 1, TAKES(OPTION_DOMAIN), 1, help_import},
    {"export", account_export, 0, 1, 0, 0, help_export},
};

int cmd_account(int argc, char **argv)
{
    return account_session_run(argc, argv, help, actions, sizeof(actions) / sizeof(actions[0]));
}
