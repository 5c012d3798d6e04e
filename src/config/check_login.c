/*
 * What a listener asks for against what it offers. See check_login.h.
 *
 *   - nobody is asked for a password in the clear by accident: AUTH without TLS wants
 *     `insecure_auth yes`, on the loopback address too, since a proxy or a container's bridge makes
 *     strangers look local. A unix socket is no wire: its listener may take passwords as it is;
 *   - a client's certificate is worth nothing without the CAs that vouch for it.
 */
#include "config/check_login.h"

#include "config/section.h"

static struct config_listener default_listener(struct config *config, struct slice name,
                                               enum config_service service, uint16_t port)
{
    struct config_endpoint *address = arena_alloc(&config->arena, sizeof(*address));

    *address = (struct config_endpoint){.kind = ENDPOINT_INET, .host = SLICE("*"), .port = port};
    return (struct config_listener){.name = name,
                                    .service = service,
                                    .addresses = {.list = address, .count = 1},
                                    .unix_mode = 0660};
}

void check_login_add_default_listeners(struct config *config)
{
    struct config_listener *list;

    if (config->n_listeners)
        return;
    list = arena_alloc(&config->arena, 3 * sizeof(*list));
    list[0] = default_listener(config, SLICE("mx"), SERVICE_MX, 25);
    list[0].tls = TLS_OFFERED;
    list[1] = default_listener(config, SLICE("submission"), SERVICE_SUBMISSION, 587);
    list[1].tls = TLS_REQUIRED;
    list[2] = default_listener(config, SLICE("smtps"), SERVICE_SUBMISSION, 465);
    list[2].tls = TLS_IMPLICIT;
    list[1].auth = list[2].auth = AUTH_REQUIRED;
    section_ignore_checks(&list[1]);
    section_ignore_checks(&list[2]);
    config->listeners = list;
    config->n_listeners = 3;
}

static bool only_unix(const struct config_listener *listener)
{
    for (size_t i = 0; i < listener->addresses.count; i++) {
        if (listener->addresses.list[i].kind != ENDPOINT_UNIX)
            return false;
    }
    return listener->addresses.count > 0;
}

static void complain(struct reader *reader, const struct config_listener *listener,
                     const char *text)
{
    problem_add(reader->problems, listener->source.file, listener->source.line, "listen %.*s: %s",
                SLICE_ARG(listener->name), text);
}

static void check_client_certificate(struct reader *reader, const struct config_listener *listener)
{
    bool asks = listener->client_certificate != CERTIFICATE_IGNORED;

    if (asks && listener->tls == TLS_OFF)
        complain(reader, listener,
                 "client certificates come by TLS, which is off here; write 'tls required', or "
                 "remove client_certificate");
    if (asks && listener->client_ca.len == 0)
        complain(reader, listener,
                 "client_certificate needs the CAs that issue them; add one like: client_ca "
                 "/etc/nuncio/tls/clients.pem");
    if (!asks && listener->client_ca.len)
        complain(reader, listener,
                 "client_ca is there, but no client is asked for a certificate; add: "
                 "client_certificate asked");
}

static void check_listener(struct reader *reader, struct config_listener *listener)
{
    if (listener->tls == TLS_OFF && only_unix(listener))
        listener->insecure_auth = true;
    if (listener->auth != AUTH_OFF && listener->tls == TLS_OFF && !listener->insecure_auth)
        complain(reader, listener,
                 "passwords would cross the network in the clear; write 'tls required', or, if "
                 "that is meant, 'insecure_auth yes' (the loopback address included)");
    if (listener->insecure_auth && listener->auth == AUTH_OFF && !only_unix(listener))
        complain(reader, listener,
                 "insecure_auth yes, but nobody can log in here; write 'auth offered' or 'auth "
                 "required', or remove it");
    check_client_certificate(reader, listener);
    if (listener->mechanisms == 0)
        listener->mechanisms = reader->config->auth.mechanisms;
}

void check_login(struct reader *reader)
{
    for (size_t i = 0; i < reader->config->n_listeners; i++)
        check_listener(reader, &reader->config->listeners[i]);
}
