/* What a smarthost says while we log in: no challenge makes a login true, or does harm. The first
 * byte chooses the mechanism, a zero byte ends a challenge. */
#include "relay/auth_method.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum mechanism all[] = {MECHANISM_SCRAM_SHA_256, MECHANISM_SCRAM_SHA_256_PLUS,
                                         MECHANISM_CRAM_MD5,      MECHANISM_PLAIN,
                                         MECHANISM_LOGIN,         MECHANISM_XOAUTH2,
                                         MECHANISM_OAUTHBEARER};
    static const struct auth_secrets secrets = {.user = SLICE_INIT("joe"),
                                                .password = SLICE_INIT("secret"),
                                                .token = SLICE_INIT("token"),
                                                .binding = SLICE_INIT("0123456789"),
                                                .host = SLICE_INIT("mx.example.net"),
                                                .port = 587};
    struct slice rest = slice_from(data, size), response;
    struct auth_session *session;
    bool goes_on = true;
    unsigned kind;

    if (size == 0)
        return 0;
    kind = data[0] % (sizeof(all) / sizeof(all[0]));
    rest = slice_skip(rest, 1);
    session = auth_session_new(all[kind], &secrets);
    if (session->method->speaks_first)
        goes_on = auth_session_step(session, false, SLICE_NULL, &response);
    while (goes_on && rest.ptr && session->step < 8)
        goes_on = auth_session_step(session, true, slice_cut(&rest, '\0'), &response);
    if (!goes_on && !session->why)
        abort();
    if (session->method == &auth_scram && session->proved)
        abort(); /* nobody forges the signature over our nonce */
    auth_session_free(session);
    return 0;
}
