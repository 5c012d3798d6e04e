/* See server.h. */
#include "receive/server.h"

#include "base/clock.h"
#include "receive/deferrals.h"

void server_init(struct server *server, struct config *config)
{
    *server = (struct server){.config = config_ref(config),
                              .wake = task_wake,
                              .clients = clients_new(),
                              .deferrals = deferrals_new(),
                              /* so that numbers of two lives of the role do not meet in the log */
                              .last_session = clock_wall_ms() / 1000 << 24};
    pthread_mutex_init(&server->config_lock, NULL);
}

void server_done(struct server *server)
{
    clients_free(server->clients);
    deferrals_free(server->deferrals);
    config_unref(server->config);
    tls_server_unref(server->tls);
    pthread_mutex_destroy(&server->config_lock);
}

void server_set_config(struct server *server, struct config *config)
{
    struct config *old;

    pthread_mutex_lock(&server->config_lock);
    old = server->config;
    __atomic_store_n(&server->config, config_ref(config), __ATOMIC_RELEASE);
    pthread_mutex_unlock(&server->config_lock);
    config_unref(old);
}

struct config *server_take_config(struct server *server)
{
    struct config *config;

    pthread_mutex_lock(&server->config_lock);
    config = config_ref(server->config);
    pthread_mutex_unlock(&server->config_lock);
    return config;
}

void server_refresh_config(struct server *server, struct config **config)
{
    if (__atomic_load_n(&server->config, __ATOMIC_ACQUIRE) == *config)
        return;
    config_unref(*config);
    *config = server_take_config(server);
}

void server_set_tls(struct server *server, struct tls_server *tls)
{
    struct tls_server *old;

    pthread_mutex_lock(&server->config_lock);
    old = server->tls;
    __atomic_store_n(&server->tls, tls, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&server->config_lock);
    tls_server_unref(old);
}

struct tls_server *server_take_tls(struct server *server)
{
    struct tls_server *tls;

    pthread_mutex_lock(&server->config_lock);
    tls = server->tls ? tls_server_ref(server->tls) : NULL;
    pthread_mutex_unlock(&server->config_lock);
    return tls;
}

bool server_has_tls(struct server *server)
{
    return __atomic_load_n(&server->tls, __ATOMIC_ACQUIRE) != NULL;
}

unsigned server_session_limit(struct server *server)
{
    unsigned limit;

    pthread_mutex_lock(&server->config_lock);
    limit = server->config->limits.sessions;
    pthread_mutex_unlock(&server->config_lock);
    return limit;
}

bool server_is_under_pressure(struct server *server, const struct config *config)
{
    return atomic_load(&server->sessions) >= config->limits.sessions - config->limits.sessions / 10;
}
