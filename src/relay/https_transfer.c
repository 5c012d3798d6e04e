/*
 * The options of libcurl for one request, and what its end means. See https_transfer.h and https.h.
 *
 * The URL is taken apart by libcurl's own reader, so that the host that we resolve is the host that
 * it will connect to.
 */
#include "relay/https_transfer.h"

#include "config/value.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

/* libcurl keeps the system's CAs for a day if it may: new ones would not count for so long. */
static const long ca_kept_s = 60;

/* Host and port, which libcurl reads from a URL as it will read it again later. */
static bool read_url(struct https_transfer *transfer)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool fine = url &&
                curl_url_set(url, CURLUPART_URL, transfer->url, CURLU_DISALLOW_USER) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &transfer->host, 0) == CURLUE_OK &&
                (strcmp(scheme, "https") == 0 ||
                 (transfer->plain_here && value_is_loopback(slice_from_cstr(transfer->host)))) &&
                curl_url_get(url, CURLUPART_PORT, &transfer->port, CURLU_DEFAULT_PORT) == CURLUE_OK;

    curl_free(scheme);
    curl_url_cleanup(url);
    return fine;
}

bool https_transfer_init(struct https_transfer *transfer, const struct https_request *wanted)
{
    *transfer = (struct https_transfer){.posts = wanted->body.ptr != NULL,
                                        .type = wanted->type,
                                        .secret = wanted->secret,
                                        .plain_here = wanted->plain_here};
    transfer->url = xslicedup(wanted->url);
    buf_init(&transfer->body, wanted->body.len);
    buf_add_slice(&transfer->body, wanted->body);
    buf_init(&transfer->ca, wanted->ca.len);
    buf_add_slice(&transfer->ca, wanted->ca);
    buf_init(&transfer->answer, wanted->answer_max);
    if (wanted->secret) /* a buffer that grows would leave a copy behind */
        buf_reserve(&transfer->answer, wanted->answer_max);
    return read_url(transfer);
}

static void wipe(struct buf *buf)
{
    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->size);
}

void https_transfer_done(struct https_transfer *transfer)
{
    curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->resolve);
    curl_free(transfer->host);
    curl_free(transfer->port);
    if (transfer->secret) {
        wipe(&transfer->body);
        wipe(&transfer->answer);
    }
    buf_done(&transfer->body);
    buf_done(&transfer->ca);
    buf_done(&transfer->answer);
    free(transfer->url);
    free(transfer->error);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct https_transfer *transfer = arg;

    buf_add(&transfer->answer, bytes, size * count);
    return transfer->answer.overflow ? 0 : size * count;
}

/* "+host:port:address,address": known to libcurl for a minute. */
static bool set_addresses(struct https_transfer *transfer)
{
    struct buf line;

    buf_init(&line, 4096);
    buf_printf(&line, "+%s:%s:", transfer->host, transfer->port);
    for (unsigned i = 0; i < transfer->n_addresses; i++) {
        const struct dns_address *address = &transfer->addresses[i];
        char text[INET6_ADDRSTRLEN];
        inet_ntop(address->family, address->bytes, text, sizeof(text));
        buf_printf(&line, address->family == AF_INET6 ? "%s[%s]" : "%s%s", i ? "," : "", text);
    }
    buf_add_char(&line, '\0');
    transfer->resolve = line.overflow ? NULL : curl_slist_append(NULL, line.ptr);
    buf_done(&line);
    return transfer->resolve &&
           curl_easy_setopt(transfer->curl, CURLOPT_RESOLVE, transfer->resolve) == CURLE_OK;
}

static bool set_ca(struct https_transfer *transfer, struct slice ca)
{
    struct curl_blob blob = {
        .data = (void *)(uintptr_t)ca.ptr, .len = ca.len, .flags = CURL_BLOB_COPY};

    /* Without the folder of the system's CAs, which libcurl would look into as well. */
    return ca.len == 0 ||
           (curl_easy_setopt(transfer->curl, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK &&
            curl_easy_setopt(transfer->curl, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

static bool set_body(struct https_transfer *transfer)
{
    struct buf line;

    if (!transfer->posts)
        return true;
    buf_init(&line, 256);
    buf_printf(&line, "Content-Type: %s%c", transfer->type, '\0');
    transfer->headers = curl_slist_append(NULL, line.ptr);
    buf_done(&line);
    return transfer->headers &&
           curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
           curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                            (curl_off_t)transfer->body.len) == CURLE_OK &&
           curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDS,
                            transfer->body.len ? transfer->body.ptr : "") == CURLE_OK;
}

static bool set_options(struct https_transfer *transfer, uint64_t left_ms, void *private)
{
    CURL *curl = transfer->curl;

    return curl_easy_setopt(curl, CURLOPT_URL, transfer->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                            transfer->plain_here ? "http,https" : "https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "nuncio") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CA_CACHE_TIMEOUT, ca_kept_s) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PRIVATE, private) == CURLE_OK;
}

bool https_transfer_begin(struct https_transfer *transfer, struct slice ca, uint64_t left_ms,
                          void *private)
{
    transfer->error = xcalloc(1, CURL_ERROR_SIZE);
    transfer->curl = curl_easy_init();
    return transfer->curl && set_options(transfer, left_ms, private) && set_addresses(transfer) &&
           set_ca(transfer, transfer->ca.len ? buf_slice(&transfer->ca) : ca) && set_body(transfer);
}

static enum https_failure kind_of(const struct https_transfer *transfer, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTPS_DONE;
    case CURLE_WRITE_ERROR:
        return transfer->answer.overflow ? HTTPS_TOO_LARGE : HTTPS_BAD;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return HTTPS_UNTRUSTED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
        return HTTPS_UNREACHABLE;
    default:
        return HTTPS_BAD;
    }
}

void https_transfer_judge(struct https_transfer *transfer, int curl_code,
                          struct https_answer *ret_answer)
{
    CURLcode code = (CURLcode)curl_code;
    char *type = NULL;

    *ret_answer = (struct https_answer){.failure = kind_of(transfer, code),
                                        .body = buf_slice(&transfer->answer)};
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &ret_answer->status);
    curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_TYPE, &type);
    ret_answer->type = slice_from_cstr(type);
    if (ret_answer->failure == HTTPS_TOO_LARGE)
        ret_answer->why = "the answer is too large";
    else if (ret_answer->failure)
        ret_answer->why = *transfer->error ? transfer->error : curl_easy_strerror(code);
}
