/* Any bytes as a configuration: a snapshot, or problems; never both, never neither. */
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_bundle bundle, back;
    struct problem_list problems;
    struct config *config = NULL;
    struct buf encoded;
    int r;

    config_bundle_from_text(SLICE("fuzz.conf"), slice_from(data, size), &bundle);
    problem_list_init(&problems);
    r = config_parse(&bundle, &config, &problems);
    if ((r == 0) != (config != NULL) || (r == 0) != (problems.count == 0))
        abort();
    if (config) {
        config_warn(config, &problems);
        config_compare(config, config, &problems);
        for (size_t i = 0; i < config->n_domains; i++) {
            if (config_find_domain(config, config->domains[i].name) != &config->domains[i])
                abort();
        }
    }
    config_unref(config);
    problem_list_done(&problems);
    buf_init(&encoded, SIZE_MAX);
    config_bundle_encode(&encoded, &bundle);
    if (config_bundle_decode(buf_slice(&encoded), &back) < 0)
        abort();
    config_bundle_done(&back);
    if (config_bundle_decode(slice_from(data, size), &back) == 0)
        config_bundle_done(&back);
    buf_done(&encoded);
    config_bundle_done(&bundle);
    return 0;
}
