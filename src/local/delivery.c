/* Units on their way through this role. See delivery.h. */
#include "local/delivery.h"

#include "base/clock.h"

#include <unistd.h>

struct delivery *delivery_new(struct channel_message *message)
{
    struct delivery *delivery = xcalloc(1, sizeof(*delivery));
    struct slice payload;

    arena_init(&delivery->arena);
    payload = arena_dup(&delivery->arena, message->payload);
    if (message->n_fds != 1 || msg_unit_decode(payload, &delivery->arena, &delivery->unit) < 0 ||
        delivery->unit.n_recipients == 0) {
        arena_done(&delivery->arena);
        free(delivery);
        return NULL;
    }
    delivery->verdicts =
        arena_alloc(&delivery->arena, delivery->unit.n_recipients * sizeof(struct verdict));
    delivery->n_open = delivery->unit.n_recipients;
    delivery->since_ms = clock_mono_ms();
    delivery->fd = message->fds[0];
    message->n_fds = 0;
    return delivery;
}

void delivery_free(struct delivery *delivery)
{
    close(delivery->fd);
    arena_done(&delivery->arena);
    free(delivery);
}

void delivery_list_init(struct delivery_list *list)
{
    *list = (struct delivery_list){.first = NULL};
    list->end = &list->first;
}

void delivery_list_add(struct delivery_list *list, struct delivery *delivery)
{
    delivery->next = NULL;
    *list->end = delivery;
    list->end = &delivery->next;
    list->count++;
}

struct delivery *delivery_list_take(struct delivery_list *list)
{
    struct delivery *delivery = list->first;

    if (!delivery)
        return NULL;
    list->first = delivery->next;
    if (!list->first)
        list->end = &list->first;
    list->count--;
    return delivery;
}

void delivery_list_move(struct delivery_list *to, struct delivery_list *from)
{
    if (!from->first)
        return;
    *to->end = from->first;
    to->end = from->end;
    to->count += from->count;
    delivery_list_init(from);
}

void delivery_list_free_all(struct delivery_list *list)
{
    for (struct delivery *delivery; (delivery = delivery_list_take(list));)
        delivery_free(delivery);
}
