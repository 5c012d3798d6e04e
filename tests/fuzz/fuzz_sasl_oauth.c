/* Bearer tokens' responses: what is taken has a token of the right alphabet and no NUL in a name.
 */
#include "account/sasl_method.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int google = 0; google < 2; google++) {
        struct sasl_claim claim;
        struct buf name;
        buf_init(&name, size);
        if (sasl_oauth_parse(slice_from(data, size), google, &name, &claim)) {
            if (claim.secret.len == 0 || claim.secret.len > SASL_TOKEN_MAX ||
                claim.authzid.len > SASL_NAME_MAX || slice_find(claim.authzid, '\0') >= 0 ||
                slice_find(claim.secret, ' ') >= 0 || slice_find(claim.secret, '\1') >= 0)
                abort();
        }
        buf_done(&name);
    }
    return 0;
}
