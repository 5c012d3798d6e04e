/*
 * The world's mail servers for the benchmark: takes mail on many addresses, each with a manner of
 * its own, and counts.
 *
 *   world_sink [-c chain.pem -k key.pem] COUNTERS ADDRESS=MANNER...
 *
 * MANNER is `fast`, `slow:MS` (each reply so late) or `deaf` (listens and never accepts, so that a
 * connect runs into its timeout once the short backlog is full). COUNTERS is a file of four 64-bit
 * numbers for each address: connections, messages, TLS handshakes, and those of them resumed. With
 * a certificate STARTTLS is offered. A thread for each connection. The port is 2600: at 25 an
 * address of this machine is the mail server itself.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 2600, BUFFER = 64 * 1024, STACK = 128 * 1024 };

struct counters {
    _Atomic uint64_t connections, messages, handshakes, resumed;
};

struct server {
    int fd;
    unsigned late_ms;
    struct counters *counters;
};

struct connection {
    const struct server *server;
    int fd;
    SSL *ssl;
    bool in_text, ended;
    char in[BUFFER + 1];
    size_t used;
    char out[BUFFER];
    size_t owed;
};

static SSL_CTX *tls;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void say(struct connection *c, const char *reply)
{
    size_t len = strlen(reply);

    if (c->owed + len <= sizeof(c->out)) {
        memcpy(c->out + c->owed, reply, len);
        c->owed += len;
    }
}

static bool flush(struct connection *c)
{
    size_t sent = 0;

    if (c->owed && c->server->late_ms)
        usleep(c->server->late_ms * 1000);
    while (sent < c->owed) {
        int n = c->ssl ? SSL_write(c->ssl, c->out + sent, (int)(c->owed - sent))
                       : (int)send(c->fd, c->out + sent, c->owed - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    c->owed = 0;
    return true;
}

static bool start_tls(struct connection *c)
{
    say(c, "220 go ahead\r\n");
    if (!flush(c))
        return false;
    c->used = 0;
    c->ssl = SSL_new(tls);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_accept(c->ssl) != 1)
        return false;
    atomic_fetch_add(&c->server->counters->handshakes, 1);
    if (SSL_session_reused(c->ssl))
        atomic_fetch_add(&c->server->counters->resumed, 1);
    return true;
}

static bool is(const char *line, const char *verb)
{
    return strncasecmp(line, verb, strlen(verb)) == 0;
}

/* One command, ended by NUL. False: the connection is over. */
static bool command(struct connection *c, const char *line)
{
    if (is(line, "EHLO")) {
        say(c, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 100000000\r\n");
        say(c, tls && !c->ssl ? "250-STARTTLS\r\n250 ENHANCEDSTATUSCODES\r\n"
                              : "250 ENHANCEDSTATUSCODES\r\n");
    } else if (is(line, "STARTTLS") && tls) {
        return start_tls(c);
    } else if (is(line, "DATA")) {
        say(c, "354 go ahead\r\n");
        c->in_text = true;
    } else if (is(line, "QUIT")) {
        say(c, "221 2.0.0 bye\r\n");
        c->ended = true;
    } else {
        say(c, "250 2.0.0 ok\r\n");
    }
    return true;
}

/* How much of the buffer the text takes; what may be the beginning of its end stays. */
static size_t take_text(struct connection *c)
{
    char *end = c->used >= 3 && memcmp(c->in, ".\r\n", 3) == 0
                    ? c->in - 2
                    : memmem(c->in, c->used, "\r\n.\r\n", 5);

    if (!end)
        return c->used > 4 ? c->used - 4 : 0;
    c->in_text = false;
    atomic_fetch_add(&c->server->counters->messages, 1);
    say(c, "250 2.0.0 taken\r\n");
    return (size_t)(end + 5 - c->in);
}

static void drop(struct connection *c, size_t n)
{
    memmove(c->in, c->in + n, c->used - n);
    c->used -= n;
}

/* All that is complete in the buffer. */
static bool take_input(struct connection *c)
{
    while (c->used && !c->ended) {
        char *end;
        size_t n;
        if (c->in_text) {
            n = take_text(c);
            drop(c, n);
            if (c->in_text)
                return true;
            continue;
        }
        end = memchr(c->in, '\n', c->used);
        if (!end)
            return true;
        *end = 0;
        n = (size_t)(end + 1 - c->in);
        if (is(c->in, "STARTTLS")) {
            if (!command(c, c->in))
                return false;
            continue;
        }
        if (!command(c, c->in))
            return false;
        drop(c, n);
    }
    return true;
}

static void *serve(void *arg)
{
    struct connection *c = arg;

    say(c, "220 sink.test ESMTP\r\n");
    while (flush(c) && !c->ended) {
        size_t room = BUFFER - c->used;
        int n = c->ssl ? SSL_read(c->ssl, c->in + c->used, (int)room)
                       : (int)recv(c->fd, c->in + c->used, room, 0);
        if (n <= 0)
            break;
        c->used += (size_t)n;
        if (!take_input(c))
            break;
    }
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    const struct server *server = arg;
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (;;) {
        struct connection *c = calloc(1, sizeof(*c));
        int on = 1;
        pthread_t thread;
        c->server = server;
        c->fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        if (c->fd < 0)
            die("accept");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        atomic_fetch_add(&server->counters->connections, 1);
        if (pthread_create(&thread, &attributes, serve, c) != 0)
            die("thread");
    }
    return NULL;
}

static void open_server(struct server *server, const char *what, struct counters *counters)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    const char *manner = strchr(what, '=');
    bool deaf = manner && strcmp(manner, "=deaf") == 0;
    char host[64] = "";
    int on = 1;
    pthread_t thread;

    if (!manner || (size_t)(manner - what) >= sizeof(host))
        exit(2);
    memcpy(host, what, (size_t)(manner - what));
    server->counters = counters;
    if (strncmp(manner, "=slow:", 6) == 0)
        server->late_ms = (unsigned)strtoul(manner + 6, NULL, 10);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        bind(server->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(server->fd, deaf ? 0 : 1000) < 0)
        die(host);
    if (!deaf && pthread_create(&thread, NULL, accept_all, server) != 0)
        die("thread");
}

static struct counters *map_counters(const char *path, size_t n)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct counters *counters;

    if (fd < 0 || ftruncate(fd, (off_t)(n * sizeof(*counters))) < 0)
        die(path);
    counters = mmap(NULL, n * sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counters == MAP_FAILED)
        die("mmap");
    close(fd);
    return counters;
}

static void read_certificate(const char *chain, const char *key)
{
    tls = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(tls, chain) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        die(chain);
}

int main(int argc, char **argv)
{
    const char *chain = NULL, *key = NULL;
    struct counters *counters;
    struct server *servers;
    int option;

    while ((option = getopt(argc, argv, "c:k:")) >= 0) {
        if (option == 'c')
            chain = optarg;
        else if (option == 'k')
            key = optarg;
        else
            return 2;
    }
    if (argc - optind < 2)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    if (chain && key)
        read_certificate(chain, key);
    counters = map_counters(argv[optind], (size_t)(argc - optind - 1));
    servers = calloc((size_t)(argc - optind), sizeof(*servers));
    for (int i = optind + 1; i < argc; i++)
        open_server(&servers[i - optind - 1], argv[i], &counters[i - optind - 1]);
    pause();
    return 0;
}
