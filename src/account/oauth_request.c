/*
 * RFC 7662 section 2.1: a POST with the token, with our own credentials as RFC 6749 section 2.3.1
 * puts them into Basic authentication (each encoded as in a form). No proxy of the environment, no
 * redirect, no cookie; the server's certificate is verified. See oauth_request.h.
 *
 * An answer other than 200 is the server's trouble or ours (401: it does not know our credentials),
 * and says nothing of the token.
 */
#include "account/oauth_request.h"

#include "base/buf.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <string.h>

struct oauth_terms {
    atomic_uint references;
    char *url, *client_id, *client_secret;
    struct slice field, scope, ca;
    struct arena arena;
};

struct oauth_request {
    const struct oauth_terms *terms;
    CURL *curl;
    struct curl_slist *headers;
    char *form;
    struct buf body;
};

struct oauth_terms *oauth_terms_new(const struct oauth_rules *rules)
{
    struct oauth_terms *terms = xcalloc(1, sizeof(*terms));

    atomic_init(&terms->references, 1);
    arena_init(&terms->arena);
    terms->url = xslicedup(rules->url);
    terms->client_id = xslicedup(rules->client_id);
    terms->client_secret = xslicedup(rules->client_secret);
    terms->field = arena_dup(&terms->arena, rules->field);
    terms->scope = arena_dup(&terms->arena, rules->scope);
    terms->ca = arena_dup(&terms->arena, rules->ca);
    return terms;
}

struct oauth_terms *oauth_terms_ref(struct oauth_terms *terms)
{
    if (terms)
        atomic_fetch_add(&terms->references, 1);
    return terms;
}

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
}

void oauth_terms_unref(struct oauth_terms *terms)
{
    if (!terms || atomic_fetch_sub(&terms->references, 1) != 1)
        return;
    wipe(terms->client_secret);
    free(terms->client_secret);
    free(terms->client_id);
    free(terms->url);
    arena_done(&terms->arena);
    free(terms);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct oauth_request *request = arg;

    buf_add(&request->body, bytes, size * count);
    return request->body.overflow ? 0 : size * count;
}

/* As a form has it. To be wiped and given to curl_free(). */
static char *encode(CURL *curl, struct slice text)
{
    return curl_easy_escape(curl, text.ptr ? text.ptr : "", (int)text.len);
}

static bool set_credentials(struct oauth_request *request)
{
    const struct oauth_terms *terms = request->terms;
    char *id = encode(request->curl, slice_from_cstr(terms->client_id));
    char *secret = encode(request->curl, slice_from_cstr(terms->client_secret));
    bool fine = id && secret;

    if (fine && *id) {
        fine = curl_easy_setopt(request->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
               curl_easy_setopt(request->curl, CURLOPT_USERNAME, id) == CURLE_OK &&
               curl_easy_setopt(request->curl, CURLOPT_PASSWORD, secret) == CURLE_OK;
    }
    wipe(secret);
    curl_free(secret);
    curl_free(id);
    return fine;
}

static bool set_form(struct oauth_request *request, struct slice token)
{
    static const char begin[] = "token_type_hint=access_token&token=";
    char *encoded = encode(request->curl, token);
    size_t size;

    if (!encoded)
        return false;
    size = sizeof(begin) + strlen(encoded);
    request->form = xmalloc(size);
    snprintf(request->form, size, "%s%s", begin, encoded);
    wipe(encoded);
    curl_free(encoded);
    request->headers = curl_slist_append(NULL, "Accept: application/json");
    return request->headers &&
           curl_easy_setopt(request->curl, CURLOPT_POSTFIELDS, request->form) == CURLE_OK &&
           curl_easy_setopt(request->curl, CURLOPT_HTTPHEADER, request->headers) == CURLE_OK;
}

static bool set_ca(struct oauth_request *request)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)request->terms->ca.ptr,
                             .len = request->terms->ca.len,
                             .flags = CURL_BLOB_NOCOPY};

    return blob.len == 0 || curl_easy_setopt(request->curl, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

static bool set_options(struct oauth_request *request, uint64_t patience_ms, void *private)
{
    CURL *curl = request->curl;

    return curl_easy_setopt(curl, CURLOPT_URL, request->terms->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)patience_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, request) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PRIVATE, private) == CURLE_OK;
}

struct oauth_request *oauth_request_new(const struct oauth_terms *terms, struct slice token,
                                        uint64_t patience_ms, void *private)
{
    struct oauth_request *request = xcalloc(1, sizeof(*request));

    request->terms = terms;
    request->curl = curl_easy_init();
    buf_init(&request->body, OAUTH_BODY_MAX);
    if (request->curl && set_options(request, patience_ms, private) && set_ca(request) &&
        set_credentials(request) && set_form(request, token))
        return request;
    oauth_request_free(request);
    return NULL;
}

void oauth_request_free(struct oauth_request *request)
{
    if (!request)
        return;
    curl_easy_cleanup(request->curl);
    curl_slist_free_all(request->headers);
    wipe(request->form);
    free(request->form);
    buf_done(&request->body);
    free(request);
}

void *oauth_request_handle(struct oauth_request *request)
{
    return request->curl;
}

static const char *explain(const struct oauth_request *request, CURLcode code)
{
    if (code == CURLE_WRITE_ERROR && request->body.overflow)
        return "the server's answer is too large";
    return curl_easy_strerror(code);
}

void oauth_request_judge(struct oauth_request *request, int curl_code, uint64_t now_s,
                         struct arena *arena, struct oauth_answer *ret_answer)
{
    long status = 0;

    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
    *ret_answer = (struct oauth_answer){.verdict = OAUTH_LATER};
    if (curl_code != CURLE_OK)
        ret_answer->why = explain(request, (CURLcode)curl_code);
    else if (status == 401 || status == 403)
        ret_answer->why = "the server does not take our client_id and secret";
    else if (status != 200)
        ret_answer->why = "the server's answer is not 200";
    else
        oauth_answer_parse(buf_slice(&request->body), request->terms->field, request->terms->scope,
                           now_s, arena, ret_answer);
}
