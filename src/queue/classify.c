/*
 * The table becomes an array of rules whose strings point into one copy of it, in lower case. An
 * answer's words become one line in lower case: blanks and line ends are one blank each, and codes
 * that stand there again (RFC 5321 lets each line of a reply have them) are left out.
 *
 * See classify.h. What is done about a class is not decided here.
 */
#include "queue/classify.h"

#include "base/buf.h"
#include "mail/status.h"

#include <string.h>

enum { PARTS_MAX = 8, RULES_MAX = 2000 };

struct rule {
    enum answer_class class;
    bool certain;
    struct slice codes, statuses, hosts; /* lists with commas; "*" is any */
    struct slice parts[PARTS_MAX];       /* of the text, in this order */
    unsigned n_parts;
};

struct classify {
    char *text;
    struct rule *rules;
    size_t n_rules;
};

static const char *const names[ANSWER_CLASSES] = {
    [ANSWER_OTHER] = "other",
    [ANSWER_GREYLISTED] = "greylisted",
    [ANSWER_RATE_LIMITED] = "rate_limited",
    [ANSWER_BUSY] = "busy",
    [ANSWER_REPUTATION] = "reputation",
    [ANSWER_BLOCKLISTED] = "blocklisted",
    [ANSWER_AUTHENTICATION] = "authentication",
    [ANSWER_REVERSE_DNS] = "reverse_dns",
    [ANSWER_HELO] = "helo",
    [ANSWER_SENDER] = "sender",
    [ANSWER_TLS_REQUIRED] = "tls_required",
    [ANSWER_MAILBOX_FULL] = "mailbox_full",
    [ANSWER_MAILBOX_DISABLED] = "mailbox_disabled",
    [ANSWER_UNKNOWN_USER] = "unknown_user",
    [ANSWER_RECEIVING_LIMIT] = "receiving_limit",
    [ANSWER_TOO_LARGE] = "too_large",
    [ANSWER_CONTENT] = "content",
    [ANSWER_POLICY] = "policy",
};

const char *answer_class_name(enum answer_class class)
{
    return names[class];
}

/* ---- the table ----------------------------------------------------------------------------- */

/* The next word of a line, empty at its end. */
static struct slice cut_word(struct slice *line)
{
    struct slice word;

    *line = slice_trim(*line);
    word = *line;
    for (size_t i = 0; i < line->len; i++) {
        if (ascii_is_blank(line->ptr[i])) {
            word = slice_sub(*line, 0, i);
            break;
        }
    }
    *line = slice_trim(slice_skip(*line, word.len));
    return word;
}

static bool find_class(struct slice name, enum answer_class *ret_class)
{
    for (unsigned i = 0; i < ANSWER_CLASSES; i++) {
        if (slice_eq(name, slice_from_cstr(names[i]))) {
            *ret_class = (enum answer_class)i;
            return true;
        }
    }
    return false;
}

static bool read_text(struct rule *rule, struct slice text)
{
    while (text.len) {
        struct slice part = slice_trim(slice_cut(&text, '*'));
        if (!part.len)
            continue;
        if (rule->n_parts == PARTS_MAX)
            return false;
        rule->parts[rule->n_parts++] = part;
    }
    return true;
}

static bool read_rule(struct slice line, struct rule *ret_rule)
{
    struct slice name = cut_word(&line);
    struct rule rule = {0};

    if (name.len && name.ptr[name.len - 1] == '!') {
        rule.certain = true;
        name.len--;
    }
    rule.codes = cut_word(&line);
    rule.statuses = cut_word(&line);
    rule.hosts = cut_word(&line);
    if (!line.len || !find_class(name, &rule.class) || !read_text(&rule, line))
        return false;
    *ret_rule = rule;
    return true;
}

struct classify *classify_new(struct slice table, unsigned *ret_line)
{
    struct classify *classify = xcalloc(1, sizeof(*classify));
    struct slice rest;
    unsigned number = 0;

    classify->text = xslicedup(table);
    classify->rules = xcalloc(RULES_MAX, sizeof(*classify->rules));
    for (size_t i = 0; i < table.len; i++)
        classify->text[i] = ascii_lower(classify->text[i]);
    rest = slice_from(classify->text, table.len);
    while (rest.len) {
        struct slice line = slice_trim(slice_cut(&rest, '\n'));
        number++;
        if (!line.len || line.ptr[0] == '#')
            continue;
        if (classify->n_rules == RULES_MAX ||
            !read_rule(line, &classify->rules[classify->n_rules])) {
            *ret_line = number;
            classify_free(classify);
            return NULL;
        }
        classify->n_rules++;
    }
    return classify;
}

extern const char answers_table[];
extern const size_t answers_table_size;

struct classify *classify_built_in(void)
{
    unsigned line;

    return classify_new(slice_from(answers_table, answers_table_size), &line);
}

void classify_free(struct classify *classify)
{
    if (!classify)
        return;
    free(classify->rules);
    free(classify->text);
    free(classify);
}

/* ---- an answer ----------------------------------------------------------------------------- */

struct words {
    char text[CLASSIFY_TEXT_MAX];
    size_t len;
};

/* "550", "550-5.7.1", "5.7.1": what stands in front of each line. */
static bool is_code(struct slice word, struct slice code)
{
    struct status status;

    if (slice_starts_with_nocase(word, code)) {
        if (word.len == code.len)
            return true;
        if (word.ptr[code.len] == '-')
            word = slice_skip(word, code.len + 1);
    }
    return !word.len || status_parse(word, &status, NULL);
}

static void add_word(struct words *words, struct slice word)
{
    if (words->len && words->len < sizeof(words->text))
        words->text[words->len++] = ' ';
    for (size_t i = 0; i < word.len && words->len < sizeof(words->text); i++)
        words->text[words->len++] = ascii_lower(word.ptr[i]);
}

static void make_words(struct slice reply, struct slice code, struct words *ret_words)
{
    size_t start = 0;

    ret_words->len = 0;
    for (size_t i = 0; i <= reply.len && ret_words->len < CLASSIFY_TEXT_MAX; i++) {
        struct slice word;
        if (i < reply.len && (unsigned char)reply.ptr[i] > ' ')
            continue;
        word = slice_sub(reply, start, i - start);
        start = i + 1;
        if (word.len && !is_code(word, code))
            add_word(ret_words, word);
    }
}

/* `wild` in the pattern stands for any one byte. */
static bool fits(struct slice pattern, struct slice value, char wild)
{
    bool prefix = pattern.len && pattern.ptr[pattern.len - 1] == '*';

    if (prefix)
        pattern.len--;
    if (value.len < pattern.len || (!prefix && value.len != pattern.len))
        return false;
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] != wild && pattern.ptr[i] != value.ptr[i])
            return false;
    }
    return true;
}

static bool fits_one(struct slice list, struct slice value)
{
    while (list.len) {
        if (fits(slice_cut(&list, ','), value, 'x'))
            return true;
    }
    return false;
}

/* "example.org" is itself and everything below it. */
static bool is_below(struct slice name, struct slice domain)
{
    return slice_ends_with_nocase(name, domain) &&
           (name.len == domain.len || name.ptr[name.len - domain.len - 1] == '.');
}

static bool fits_host(struct slice list, struct slice host)
{
    if (slice_eq(list, SLICE("*")))
        return true;
    while (list.len) {
        if (is_below(host, slice_cut(&list, ',')))
            return true;
    }
    return false;
}

static bool fits_text(const struct rule *rule, struct slice text)
{
    for (unsigned i = 0; i < rule->n_parts; i++) {
        const char *at =
            text.len ? memmem(text.ptr, text.len, rule->parts[i].ptr, rule->parts[i].len) : NULL;
        if (!at)
            return false;
        text = slice_skip(text, (size_t)(at - text.ptr) + rule->parts[i].len);
    }
    return true;
}

/* The name in "mx.example.org[192.0.2.1]:25" and "mx.example.org+3f2a91". */
static struct slice name_of(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == '[' || host.ptr[i] == '+')
            return slice_sub(host, 0, i);
    }
    return host;
}

struct answer_verdict classify_answer(const struct classify *classify, const struct answer *answer)
{
    struct slice code = slice_sub(answer->reply, 0, 3);
    struct slice host = name_of(answer->host), site = name_of(answer->site), text;
    struct answer_verdict verdict = {.class = ANSWER_OTHER};
    struct words words;

    if (code.len < 3 || (code.ptr[0] != '4' && code.ptr[0] != '5') ||
        !ascii_is_digit(code.ptr[1]) || !ascii_is_digit(code.ptr[2]))
        return verdict;
    make_words(answer->reply, code, &words);
    text = slice_from(words.text, words.len);
    for (size_t i = 0; i < classify->n_rules; i++) {
        const struct rule *rule = &classify->rules[i];
        if (!fits_one(rule->codes, code) || !fits_one(rule->statuses, answer->status) ||
            !(fits_host(rule->hosts, host) || fits_host(rule->hosts, site)) ||
            !fits_text(rule, text))
            continue;
        verdict.class = rule->class;
        verdict.certain = rule->certain;
        break;
    }
    verdict.retry_ms = classify_delay_ms(slice_skip(answer->reply, 3));
    return verdict;
}

/* ---- times --------------------------------------------------------------------------------- */

static size_t count_digits(struct slice text)
{
    size_t n = 0;

    while (n < text.len && n < 6 && ascii_is_digit(text.ptr[n]))
        n++;
    return n;
}

/* "00:05:00" and "05:00" behind the first number; in seconds, 0: it is no such thing. */
static uint64_t read_clock(struct slice text, uint64_t first)
{
    uint64_t numbers[2], n = 0;

    while (n < 2 && text.len > 2 && text.ptr[0] == ':' &&
           slice_parse_u64(slice_sub(text, 1, 2), 59, &numbers[n])) {
        text = slice_skip(text, 3);
        n++;
    }
    return n == 2   ? first * 3600 + numbers[0] * 60 + numbers[1]
           : n == 1 ? first * 60 + numbers[0]
                    : 0;
}

static uint64_t unit_ms(struct slice text)
{
    static const struct {
        const char *name;
        unsigned seconds;
    } units[] = {{"s", 1},        {"sec", 1},      {"secs", 1},    {"second", 1},  {"seconds", 1},
                 {"m", 60},       {"min", 60},     {"mins", 60},   {"minute", 60}, {"minutes", 60},
                 {"minuten", 60}, {"h", 3600},     {"hr", 3600},   {"hrs", 3600},  {"hour", 3600},
                 {"hours", 3600}, {"sekunden", 1}, {"secondes", 1}};
    size_t len = 0;

    while (text.len && (ascii_is_blank(text.ptr[0]) || text.ptr[0] == '-'))
        text = slice_skip(text, 1);
    while (len < text.len && ascii_is_alnum(text.ptr[len]))
        len++;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (slice_eq_nocase(slice_sub(text, 0, len), slice_from_cstr(units[i].name)))
            return (uint64_t)units[i].seconds * 1000;
    }
    return 0;
}

uint64_t classify_delay_ms(struct slice text)
{
    text = slice_sub(text, 0, CLASSIFY_TEXT_MAX);
    for (size_t i = 0; i < text.len; i++) {
        struct slice rest = slice_skip(text, i);
        size_t n = count_digits(rest);
        bool begins = i == 0 || ascii_is_blank(text.ptr[i - 1]) || text.ptr[i - 1] == '(' ||
                      text.ptr[i - 1] == '=';
        uint64_t number, ms;
        if (!n)
            continue;
        if (begins && slice_parse_u64(slice_sub(rest, 0, n), 999999, &number)) {
            rest = slice_skip(rest, n);
            ms = rest.len && rest.ptr[0] == ':' ? read_clock(rest, number) * 1000
                                                : number * unit_ms(rest);
            if (ms)
                return ms;
        }
        i += n - 1;
    }
    return 0;
}
