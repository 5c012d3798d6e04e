/* A table. See tlsrpt_meaning.h. */
#include "trust/tlsrpt_meaning.h"

static const struct {
    struct slice result;
    struct tlsrpt_meaning meaning;
} meanings[] = {
    {SLICE_INIT("starttls-not-supported"),
     {"the server did not offer STARTTLS",
      "give the server a certificate; if it has one, somebody on the way may take STARTTLS out"}},
    {SLICE_INIT("certificate-host-mismatch"),
     {"the certificate is not for the server's name",
      "get a certificate for the name that the MX record has"}},
    {SLICE_INIT("certificate-expired"),
     {"the certificate had expired", "renew it, and look why it was not renewed in time"}},
    {SLICE_INIT("certificate-not-trusted"),
     {"the certificate is from no CA that the sender knows",
      "use a public CA, and let the chain file hold the intermediate certificates"}},
    {SLICE_INIT("validation-failure"),
     {"the TLS handshake failed for another reason", "the reason in the report may tell more"}},
    {SLICE_INIT("tlsa-invalid"),
     {"the TLSA records do not fit the certificate",
      "publish the new certificate's TLSA record before it is used; nuncio dns shows it"}},
    {SLICE_INIT("dnssec-invalid"),
     {"the DNSSEC signatures of the domain are broken", "sign the zone anew, check the DS record"}},
    {SLICE_INIT("dane-required"),
     {"the sender delivers by DANE alone and found no TLSA records",
      "publish TLSA records in a signed zone"}},
    {SLICE_INIT("sts-policy-fetch-error"),
     {"the MTA-STS policy could not be fetched",
      "see that https://mta-sts.DOMAIN/.well-known/mta-sts.txt answers 200, without a redirect"}},
    {SLICE_INIT("sts-policy-invalid"),
     {"the MTA-STS policy is malformed", "check its text, and that it is sent as text/plain"}},
    {SLICE_INIT("sts-webpki-invalid"),
     {"the certificate of the MTA-STS web server is not good",
      "get one for mta-sts.DOMAIN from a public CA, and renew it in time"}},
};

struct tlsrpt_meaning tlsrpt_meaning(struct slice result)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (slice_eq_nocase(meanings[i].result, result))
            return meanings[i].meaning;
    }
    return (struct tlsrpt_meaning){"a failure that RFC 8460 has no name for",
                                   "the reason in the report may tell more"};
}
