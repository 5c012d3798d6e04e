/*
 * The sections with a name: listen, domain, route and program; and `relay`, which makes a route.
 * Each adds one element to its list in the configuration, for which section_reserve() has made
 * room before.
 */
#ifndef NUNCIO_CONFIG_SECTION_H
#define NUNCIO_CONFIG_SECTION_H

#include "config/setting.h"

void section_reserve(struct config *config, const struct statement *first);

setting_take section_take_listen;
setting_take section_take_domain;
setting_take section_take_route;
setting_take section_take_program;
setting_take section_take_relay;

/* Settings whose values are particular to one section. */
setting_take section_take_deliver;
setting_take section_take_inward_route;
setting_take section_take_alias_of;
setting_take section_take_default_route;
setting_take section_take_lmtp;
setting_take section_take_source;
setting_take section_take_command;
setting_take section_take_user;

#endif
