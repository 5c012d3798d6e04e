/* See receive_metrics.h. Names after Prometheus's conventions; docs/metrics.md has them all. */
#include "receive/receive_metrics.h"

#include "dns/dns_metrics.h"
#include "spool/spool.h"

static void add_sessions(struct server *server, struct exposition *exposition)
{
    struct server_counts *counts = &server->counts;

    exposition_gauge(exposition, "nuncio_sessions", "Sessions of clients now.", NULL,
                     atomic_load(&server->sessions));
    exposition_counter(exposition, "nuncio_connections_total", "Connections of clients.",
                       "result=\"served\"", atomic_load(&counts->connections));
    exposition_counter(exposition, "nuncio_connections_total", "Connections of clients.",
                       "result=\"refused\"", atomic_load(&counts->refused_connections));
    exposition_counter(exposition, "nuncio_tls_handshakes_total", "TLS handshakes of clients.",
                       "result=\"ok\"", atomic_load(&counts->tls_sessions));
    exposition_counter(exposition, "nuncio_tls_handshakes_total", "TLS handshakes of clients.",
                       "result=\"failed\"", atomic_load(&counts->tls_failures));
    exposition_counter(exposition, "nuncio_logins_total", "Logins of clients.", "result=\"ok\"",
                       atomic_load(&counts->logins));
    exposition_counter(exposition, "nuncio_logins_total", "Logins of clients.",
                       "result=\"refused\"", atomic_load(&counts->refused_logins));
}

static void add_messages(struct server *server, struct exposition *exposition)
{
    struct server_counts *counts = &server->counts;

    exposition_counter(exposition, "nuncio_messages_accepted_total",
                       "Messages that are on disk, by the way they came.", "from=\"smtp\"",
                       atomic_load(&counts->messages));
    exposition_counter(exposition, "nuncio_messages_accepted_total",
                       "Messages that are on disk, by the way they came.", "from=\"maildrop\"",
                       atomic_load(&counts->dropped));
    exposition_counter(exposition, "nuncio_messages_refused_total",
                       "Messages refused after their text had come.", NULL,
                       atomic_load(&counts->refused_messages));
    exposition_counter(exposition, "nuncio_recipients_accepted_total",
                       "Recipients of messages that are on disk.", NULL,
                       atomic_load(&counts->recipients));
    exposition_counter(exposition, "nuncio_recipients_refused_total", "Recipients refused at RCPT.",
                       NULL, atomic_load(&counts->refused_recipients));
}

static void add_checks(struct server *server, struct exposition *exposition)
{
    static const char name[] = "nuncio_checked_messages_total";
    static const char help[] = "Messages whose sender was checked, by what became of them.";
    struct server_counts *counts = &server->counts;
    uint64_t junk = atomic_load(&counts->junk), refused = atomic_load(&counts->unauthenticated),
             put_off = atomic_load(&counts->put_off), all = atomic_load(&counts->checked);

    exposition_counter(exposition, name, help, "result=\"accepted\"",
                       all > junk + refused + put_off ? all - junk - refused - put_off : 0);
    exposition_counter(exposition, name, help, "result=\"junk\"", junk);
    exposition_counter(exposition, name, help, "result=\"refused\"", refused);
    exposition_counter(exposition, name, help, "result=\"put_off\"", put_off);
    exposition_counter(exposition, "nuncio_arc_saved_messages_total",
                       "Messages for which a trusted sealer's word counted for more.", NULL,
                       atomic_load(&counts->saved));
}

void receive_metrics(struct server *server, struct exposition *exposition)
{
    add_sessions(server, exposition);
    add_messages(server, exposition);
    add_checks(server, exposition);
    exposition_gauge(exposition, "nuncio_queue_unread_bytes",
                     "Accepted mail that queue has not read yet.", NULL,
                     atomic_load(&server->unread));
    if (server->dns)
        dns_metrics(server->dns, "role=\"receive\"", exposition);
    if (server->spool)
        exposition_histogram(exposition, "nuncio_commit_seconds",
                             "From a record's coming to its being on disk.", "role=\"receive\"",
                             spool_writer_commits(server->spool));
}
