/* The web role. See web.h. It locks itself in and waits to be stopped. */
#include "web/web.h"

int web_main(struct role_context *role)
{
    static const struct role_handlers handlers = {0};
    int r = role->lock_in(role);

    return r < 0 ? r : role_run(role, &handlers);
}
