/* Walks over the files of a corpus in memory. See corpora.h. */
#include "corpora.h"

#include <ftw.h>

enum { FILE_MAX = 16 << 20, DEPTH_DESCRIPTORS = 16 };

/* nftw() has no place for a context. */
static struct {
    void (*visit)(const char *path, struct slice content);
    size_t n;
} walk;

static int visit_file(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    FILE *file;
    char *content;
    size_t len;

    (void)ftw;
    if (type != FTW_F || status->st_size > FILE_MAX)
        return 0;
    file = fopen(path, "rb");
    if (!file)
        return -1;
    content = xmalloc((size_t)status->st_size + 1);
    len = fread(content, 1, (size_t)status->st_size, file);
    fclose(file);
    walk.visit(path, slice_from(content, len));
    walk.n++;
    free(content);
    return 0;
}

size_t corpora_visit(const char *folder, void (*visit)(const char *path, struct slice content))
{
    const char *root = getenv("NUNCIO_CORPORA");
    char path[4096];

    walk.visit = visit;
    walk.n = 0;
    if (!root)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", root, folder);
    nftw(path, visit_file, DEPTH_DESCRIPTORS, FTW_PHYS);
    return walk.n;
}

void corpora_add_crlf(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' && (i == 0 || text.ptr[i - 1] != '\r'))
            buf_add_char(out, '\r');
        buf_add_char(out, text.ptr[i]);
    }
}
