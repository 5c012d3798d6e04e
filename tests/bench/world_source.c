/*
 * One sender for the whole world: messages to a fresh domain each, over some connections at a time.
 *
 *   world_source [-s SESSIONS] [-m MESSAGES] [-d DOMAINS] [-l BYTES] PORT
 *
 * Message i goes to user@d<i modulo DOMAINS>.test on 127.0.0.1:PORT, each as a transaction of its
 * own: MAIL and RCPT and DATA in one go, then the text. Ends when each has its 250; anything else
 * is an error.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE = 72, REPLY = 4096, SESSIONS_MAX = 500 };

static unsigned n_sessions = 20, n_messages = 1000, n_domains = 100, n_bytes = 4096, port;
static _Atomic unsigned next_message;
static char *text;
static size_t text_len;

static void die(const char *what, const char *reply)
{
    fprintf(stderr, "world_source: %s: %s\n", what, reply);
    exit(1);
}

/* Until the last line of so many replies, all of which begin with this digit. */
static void expect(FILE *in, unsigned n, char digit)
{
    char line[REPLY];

    while (n) {
        if (!fgets(line, sizeof(line), in))
            die("closed", "no reply");
        if (line[0] != digit)
            die("refused", line);
        n -= line[3] != '-';
    }
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            die("send", "failed");
        bytes += n;
        len -= (size_t)n;
    }
}

static int open_connection(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect", "failed");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void *run_session(void *arg)
{
    int fd = open_connection();
    FILE *in = fdopen(fd, "r");
    unsigned i;

    expect(in, 1, '2');
    send_all(fd, "EHLO bench.test\r\n", 17);
    expect(in, 1, '2');
    while ((i = atomic_fetch_add(&next_message, 1)) < n_messages) {
        char commands[256];
        int len = snprintf(commands, sizeof(commands),
                           "MAIL FROM:<sender@bench.test>\r\nRCPT TO:<user@d%u.test>\r\nDATA\r\n",
                           i % n_domains);
        send_all(fd, commands, (size_t)len);
        expect(in, 2, '2');
        expect(in, 1, '3');
        send_all(fd, text, text_len);
        expect(in, 1, '2');
    }
    send_all(fd, "QUIT\r\n", 6);
    fclose(in);
    return arg;
}

static void make_text(void)
{
    static const char header[] = "From: <sender@bench.test>\r\nSubject: to the world\r\n\r\n";

    text = malloc(n_bytes + sizeof(header) + LINE + 8);
    text_len = sizeof(header) - 1;
    memcpy(text, header, text_len);
    while (text_len < n_bytes) {
        memset(text + text_len, 'x', LINE - 2);
        memcpy(text + text_len + LINE - 2, "\r\n", 2);
        text_len += LINE;
    }
    memcpy(text + text_len, ".\r\n", 3);
    text_len += 3;
}

int main(int argc, char **argv)
{
    pthread_t threads[SESSIONS_MAX];
    int option;

    while ((option = getopt(argc, argv, "s:m:d:l:")) >= 0) {
        unsigned value = (unsigned)strtoul(optarg ? optarg : "0", NULL, 10);
        if (option == 's' && value <= SESSIONS_MAX)
            n_sessions = value;
        else if (option == 'm')
            n_messages = value;
        else if (option == 'd' && value)
            n_domains = value;
        else if (option == 'l')
            n_bytes = value;
        else
            return 2;
    }
    if (optind + 1 != argc)
        return 2;
    port = (unsigned)strtoul(argv[optind], NULL, 10);
    make_text();
    for (unsigned i = 0; i < n_sessions; i++)
        pthread_create(&threads[i], NULL, run_session, NULL);
    for (unsigned i = 0; i < n_sessions; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
