/*
 * From a bundle of texts to a configuration: defaults, statements, settings, rules between them.
 * See config.h. Pure: nothing is read but the bundle, nothing depends on the machine.
 */
#include "config/config.h"

#include "base/log.h"
#include "config/check.h"
#include "config/section.h"

#include <errno.h>
#include <stdlib.h>

static void config_set_defaults(struct config *config)
{
    config->state = SLICE("/var/lib/nuncio");
    config->limits = (struct config_limits){
        .message_size = 50 * 1024 * 1024,
        .recipients = 1000,
        .command_line = 2048,
        .text_line = 1024 * 1024,
        .header_size = 1024 * 1024,
        .header_count = 1000,
        .received = 100,
        .sessions = 2000,
        .sessions_per_client = 50,
        .idle_commands = 100,
        .errors = 20,
        .transactions = 1000,
        .minimum_rate = 64,
    };
    config->timeouts = (struct config_timeouts){
        .command_ms = 5 * 60 * 1000, .data_ms = 3 * 60 * 1000, .pressure_ms = 10 * 1000};
    config->queue = (struct config_queue){
        .warn_after_ms = 4 * 3600 * 1000,
        .expire_after_ms = 5 * 24 * 3600 * 1000,
        .retry_first_ms = 5 * 60 * 1000,
        .retry_max_ms = 4 * 3600 * 1000,
        .gather_ms = 10 * 60 * 1000,
        .active = 10000,
        .concurrency = 100,
        .bounces_per_sender = 100,
    };
    config->auth = (struct config_auth){
        .mechanisms = MECHANISM_DEFAULT,
        .failures = 5,
        .block_first_ms = 60 * 1000,
        .block_max_ms = 24 * 3600 * 1000,
        .delay_ms = 1000,
        .oauth = {.account_field = SLICE_INIT("username")},
    };
    config->account_limits = (struct config_account_limits){
        .messages_per_minute = 100,
        .messages_per_hour = 500,
        .recipients_per_hour = 2000,
        .bounces_per_hour = 100,
        .priority = 3,
    };
    config->dns = (struct config_dns){.validate = true};
    config->tls_report = (struct config_tls_report){.send = true};
    config->checks = (struct config_checks){
        .list =
            {
                [CHECKED_SPF] = {.action = CHECK_TAG},
                [CHECKED_SOFTFAIL] = {.action = CHECK_TAG},
                [CHECKED_DKIM] = {.action = CHECK_TAG},
                [CHECKED_DMARC] = {.action = CHECK_REJECT},
                [CHECKED_ARC] = {.action = CHECK_TAG},
                [CHECKED_IPREV] = {.action = CHECK_TAG},
                [CHECKED_HELO] = {.action = CHECK_TAG},
            },
        .has_defer = true,
        .defer_ms = 3600 * 1000,
    };
    config->srs = (struct config_srs){.on = true, .max_age_ms = UINT64_C(21) * 24 * 3600 * 1000};
    config->dmarc_report = (struct config_dmarc_report){.send = true};
    config->history = (struct config_history){
        .keep = true, .keep_ms = UINT64_C(30) * 24 * 3600 * 1000, .size = UINT64_C(4) << 30};
    config->workers_mx = 32;
    config->workers_submission = 16;
    config->log_level = LOG_INFO;
    config->log_format = LOG_LOGFMT;
}

/* The same files under names that live as long as the configuration, which keeps them as sources.
 * The texts stay the caller's: what is kept of them is copied. */
static struct config_bundle name_files(const struct config_bundle *bundle, struct config *config,
                                       struct arena *scratch)
{
    struct config_bundle named = *bundle;

    named.files = arena_alloc(scratch, bundle->count * sizeof(*named.files));
    for (size_t i = 0; i < bundle->count; i++) {
        named.files[i].name = arena_dup(&config->arena, bundle->files[i].name);
        named.files[i].text = bundle->files[i].text;
    }
    return named;
}

int config_parse(const struct config_bundle *bundle, struct config **ret_config,
                 struct problem_list *problems)
{
    struct config *config = xcalloc(1, sizeof(*config));
    struct reader reader = {
        .config = config, .problems = problems, .destinations_end = &reader.destinations};
    struct config_bundle named;
    struct statement *first;
    struct arena scratch;
    unsigned before = problems->count;

    arena_init(&scratch);
    arena_init(&config->arena);
    atomic_init(&config->references, 1);
    config_set_defaults(config);
    reader.scratch = &scratch;
    named = name_files(bundle, config, &scratch);
    first = statement_parse_bundle(&named, &scratch, problems);
    section_reserve(config, first);
    setting_read_block(&reader, first, setting_top, setting_n_top, SLICE_NULL, config);
    section_finish_routes(&reader);
    check_config(&reader, bundle->count ? named.files[0].name : SLICE_NULL);
    arena_done(&scratch);
    if (problems->count != before || bundle->incomplete) {
        config_unref(config);
        return -EINVAL;
    }
    *ret_config = config;
    return 0;
}

int config_load(const char *path, struct config_bundle *ret_bundle, struct config **ret_config,
                struct problem_list *problems)
{
    int r = config_bundle_read(path, ret_bundle, problems);

    if (ret_bundle->count == 0)
        return r;
    return config_parse(ret_bundle, ret_config, problems);
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config *config)
{
    if (!config || atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_done(&config->arena);
    free(config);
}
