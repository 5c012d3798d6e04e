/* See publish_keys.h. */
#include "control/publish_keys.h"

#include "base/clock.h"
#include "control/dkim_record.h"
#include "control/dkim_session.h"
#include "control/dkim_state.h"
#include "control/owned_folder.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static bool is_ours_to_read(const char *state, const char *path, const struct stat *folder)
{
    if (geteuid() != 0)
        return folder->st_uid == geteuid();
    return owned_folder_enter(state, path, NULL) == EX_OK;
}

static struct slice note_of(const struct key_entry *entry, enum dkim_state state,
                            struct arena *arena)
{
    return arena_printf(arena, "fits the %s key%s", dkim_record_algorithm(entry),
                        state == DKIM_STATE_RETIRED ? ", which is retired: keep it until nuncio "
                                                      "dkim list says that it can go"
                                                    : "");
}

static void add_keys(const struct config *config, const struct key_list *list, struct arena *arena,
                     struct publish_site *site)
{
    uint64_t now_s = clock_wall_ms() / 1000, overlap_s = dkim_overlap_s(config);

    site->keys = arena_alloc(arena, (list->count + 1) * sizeof(*site->keys));
    for (unsigned i = 0; i < list->count; i++) {
        const struct key_entry *entry = &list->entries[i];
        enum dkim_state state = dkim_state_of(list, entry, now_s, overlap_s);
        if (state == DKIM_STATE_REFUSED) {
            fprintf(stderr, "nuncio: %.*s\n", SLICE_ARG(entry->problem));
            continue;
        }
        if (state == DKIM_STATE_REMOVABLE)
            continue;
        site->keys[site->n_keys++] =
            (struct publish_key){.domain = arena_dup(arena, entry->domain),
                                 .selector = arena_dup(arena, entry->selector),
                                 .record = arena_dup(arena, entry->record),
                                 .note = note_of(entry, state, arena)};
    }
}

void publish_keys_find(const struct config *config, struct arena *arena, struct publish_site *site)
{
    const char *state = arena_cstr(arena, config->state);
    const char *path = arena_printf(arena, "%s/" KEY_STORE_FOLDER, state).ptr;
    struct key_list list;
    struct stat folder_stat;
    int folder;

    if (stat(path, &folder_stat) < 0)
        return; /* no server has run here: there are no keys */
    folder = is_ours_to_read(state, path, &folder_stat) ? key_store_open(path) : -1;
    site->keys_shut = folder < 0;
    if (folder < 0)
        return;
    if (key_store_read(folder, &list) == 0)
        add_keys(config, &list, arena, site);
    key_list_done(&list);
    close(folder);
}
