/* Interned texts with reference counts, found by content through uthash. See texts.h. */
#include "queue/texts.h"

#include "base/buf.h"

#include <uthash.h>

enum { CODE_LEN = 9 /* "550 5.1.1" */ };

struct text {
    uint16_t number;
    uint32_t references;
    size_t len;
    UT_hash_handle hh;
    char bytes[];
};

struct texts {
    struct text *by_content;
    struct text *by_number[TEXTS_MAX]; /* 0 stays empty */
    uint16_t next;                     /* where the search for a free number begins */
    uint16_t used;
};

struct texts *texts_new(void)
{
    struct texts *texts = xcalloc(1, sizeof(*texts));

    texts->next = 1;
    return texts;
}

void texts_free(struct texts *texts)
{
    struct text *text, *tmp;

    if (!texts)
        return;
    HASH_ITER(hh, texts->by_content, text, tmp)
    {
        HASH_DEL(texts->by_content, text);
        free(text);
    }
    free(texts);
}

static struct text *find(struct texts *texts, struct slice content)
{
    struct text *text = NULL;

    HASH_FIND(hh, texts->by_content, content.ptr, content.len, text);
    return text;
}

static struct text *add(struct texts *texts, struct slice content)
{
    struct text *text = xcalloc(1, sizeof(*text) + content.len);

    while (texts->by_number[texts->next] || texts->next == 0)
        texts->next = (uint16_t)((texts->next + 1) % TEXTS_MAX);
    text->number = texts->next;
    text->len = content.len;
    memcpy(text->bytes, content.ptr, content.len);
    texts->by_number[text->number] = text;
    texts->used++;
    HASH_ADD_KEYPTR(hh, texts->by_content, text->bytes, text->len, text);
    return text;
}

uint16_t texts_take(struct texts *texts, struct slice content)
{
    struct text *text;

    content = slice_sub(content, 0, TEXT_MAX);
    if (!content.len)
        return 0;
    text = find(texts, content);
    if (!text && texts->used == TEXTS_MAX - 1) {
        content = slice_sub(content, 0, CODE_LEN);
        text = find(texts, content);
    }
    if (!text && texts->used == TEXTS_MAX - 1)
        return 0;
    if (!text)
        text = add(texts, content);
    text->references++;
    return text->number;
}

void texts_drop(struct texts *texts, uint16_t number)
{
    struct text *text = number ? texts->by_number[number] : NULL;

    if (!text || --text->references > 0)
        return;
    HASH_DEL(texts->by_content, text);
    texts->by_number[number] = NULL;
    texts->used--;
    free(text);
}

struct slice texts_get(const struct texts *texts, uint16_t number)
{
    const struct text *text = texts->by_number[number];

    return text ? slice_from(text->bytes, text->len) : SLICE_NULL;
}
