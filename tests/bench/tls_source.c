/*
 * A load of TLS: so many connections to an SMTP server, so many at a time, each with a handshake
 * of its own (no resumption), EHLO, perhaps messages, QUIT. Postfix's smtp-source speaks no TLS.
 *
 *   tls-source [-i] [-n] [-s PARALLEL] [-c CONNECTIONS] [-m MESSAGES] [-l BYTES] [-t RECIPIENT]
 * PORT
 *
 *   -i  TLS from the first byte, otherwise STARTTLS     -n  only the handshake, no SMTP after it
 *   -m  messages on each connection
 *
 * Prints nothing; exit code 0 when every connection and message was taken. A thread a connection:
 * it is a measuring device and may be simple, but must not be what is measured.
 */
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    bool implicit, only_handshake;
    unsigned parallel, connections, messages, bytes;
    const char *recipient;
    uint16_t port;
    SSL_CTX *context;
    char *text;
    size_t text_len;
} job = {.parallel = 1, .connections = 1, .bytes = 10240, .recipient = "x@held.test"};

static atomic_uint begun;

struct client {
    int fd;
    SSL *ssl;
    char in[8192];
    size_t len;
};

static void fail(const char *what)
{
    fprintf(stderr, "tls-source: %s\n", what);
    exit(1);
}

static void write_all(struct client *client, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n =
            client->ssl ? SSL_write(client->ssl, bytes, (int)len) : write(client->fd, bytes, len);
        if (n <= 0)
            fail("cannot write");
        bytes += n;
        len -= (size_t)n;
    }
}

static void say(struct client *client, const char *line)
{
    write_all(client, line, strlen(line));
}

static void read_more(struct client *client)
{
    size_t room = sizeof(client->in) - client->len;
    ssize_t n;

    if (room == 0)
        fail("reply too long");
    n = client->ssl ? SSL_read(client->ssl, client->in + client->len, (int)room)
                    : read(client->fd, client->in + client->len, room);
    if (n <= 0)
        fail("connection lost");
    client->len += (size_t)n;
}

/* One whole reply with that first digit. */
static void expect(struct client *client, char digit)
{
    for (;;) {
        char *end = memchr(client->in, '\n', client->len);
        size_t line;
        bool last;
        if (!end) {
            read_more(client);
            continue;
        }
        line = (size_t)(end - client->in) + 1;
        last = line > 4 && client->in[3] == ' ';
        if (client->in[0] != digit) {
            fprintf(stderr, "%.*s", (int)line, client->in);
            fail("not the reply that was awaited");
        }
        client->len -= line;
        memmove(client->in, end + 1, client->len);
        if (last)
            return;
    }
}

static void dial(struct client *client)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(job.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(client->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        fail("cannot connect");
}

static void start_tls(struct client *client)
{
    SSL *ssl = SSL_new(job.context);

    if (!ssl || SSL_set_fd(ssl, client->fd) != 1 || SSL_connect(ssl) != 1)
        fail("handshake failed");
    client->ssl = ssl;
}

static void send_message(struct client *client)
{
    char commands[512];

    snprintf(commands, sizeof(commands),
             "MAIL FROM:<sender@bench.test>\r\nRCPT TO:<%s>\r\nDATA\r\n", job.recipient);
    say(client, commands);
    expect(client, '2');
    expect(client, '2');
    expect(client, '3');
    write_all(client, job.text, job.text_len);
    expect(client, '2');
}

static void converse(struct client *client)
{
    if (!job.implicit) {
        expect(client, '2');
        say(client, "EHLO bench.test\r\n");
        expect(client, '2');
        say(client, "STARTTLS\r\n");
        expect(client, '2');
    }
    start_tls(client);
    if (job.only_handshake)
        return;
    if (job.implicit)
        expect(client, '2');
    say(client, "EHLO bench.test\r\n");
    expect(client, '2');
    for (unsigned i = 0; i < job.messages; i++)
        send_message(client);
    say(client, "QUIT\r\n");
    expect(client, '2');
}

static void *run(void *arg)
{
    (void)arg;
    while (atomic_fetch_add(&begun, 1) < job.connections) {
        struct client client = {.fd = -1};
        dial(&client);
        converse(&client);
        SSL_free(client.ssl);
        close(client.fd);
    }
    return NULL;
}

static void make_text(void)
{
    size_t lines = job.bytes / 72 + 1;

    job.text = malloc(lines * 72 + 64);
    job.text_len = (size_t)sprintf(job.text, "Subject: bench\r\n\r\n");
    for (size_t i = 0; i < lines; i++) {
        memset(job.text + job.text_len, 'x', 70);
        memcpy(job.text + job.text_len + 70, "\r\n", 2);
        job.text_len += 72;
    }
    memcpy(job.text + job.text_len, ".\r\n", 3);
    job.text_len += 3;
}

static unsigned number(const char *text)
{
    return (unsigned)strtoul(text, NULL, 10);
}

static void read_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "ins:c:m:l:t:")) != -1) {
        if (option == 'i')
            job.implicit = true;
        else if (option == 'n')
            job.only_handshake = true;
        else if (option == 's')
            job.parallel = number(optarg);
        else if (option == 'c')
            job.connections = number(optarg);
        else if (option == 'm')
            job.messages = number(optarg);
        else if (option == 'l')
            job.bytes = number(optarg);
        else if (option == 't')
            job.recipient = optarg;
        else
            exit(2);
    }
    if (optind + 1 != argc)
        fail("which port?");
    job.port = (uint16_t)number(argv[optind]);
}

int main(int argc, char **argv)
{
    pthread_t *threads;

    read_options(argc, argv);
    make_text();
    job.context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(job.context, SSL_SESS_CACHE_OFF);
    threads = calloc(job.parallel, sizeof(*threads));
    for (unsigned i = 0; i < job.parallel; i++) {
        if (pthread_create(&threads[i], NULL, run, NULL))
            fail("no thread");
    }
    for (unsigned i = 0; i < job.parallel; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
