/*
 * The sections with a name: listen, domain and program (section.c), route and `relay`,
 * which makes one (section_route.c), destination (section_destination.c), certificate and accounts
 * (section_login.c). Each adds one element to its list in the configuration, for which
 * section_reserve() has made room before. dns, tls_report, history and web stand in
 * section_world.c; checks, author, srs and dmarc_report in section_checks.c.
 */
#ifndef NUNCIO_CONFIG_SECTION_H
#define NUNCIO_CONFIG_SECTION_H

#include "config/setting.h"

void section_reserve(struct config *config, const struct statement *first);
/* When all statements are read: destinations, which need the routes, and the routes that are there
 * without being written. */
void section_finish_routes(struct reader *reader);

/* For those who read a section. The statement of its block with this word, or NULL. */
const struct statement *section_find(const struct statement *section, const char *word);
/* Complains when the section has this setting, which makes no sense there. */
void section_refuse(struct reader *reader, const struct statement *section, const char *word,
                    const char *why);
/* The section's name: the statement's one value. False and a complaint when it is none. */
bool section_name(struct reader *reader, const struct setting *setting,
                  const struct statement *statement, struct slice *ret_name);
/* Its settings, into the struct. */
void section_read_block(struct reader *reader, const struct setting *setting,
                        const struct statement *statement, struct slice name, void *section);

/* "example.com", or "*.example.com" for all below it; A-labels. False and a complaint when it is
 * neither; `for_all` says what to write for "*". */
bool section_pattern(struct reader *reader, const struct setting *setting,
                     const struct statement *statement, struct slice text, const char *for_all,
                     struct slice *ret_pattern);

setting_take section_take_listen;
setting_take section_take_domain;
setting_take section_take_route;
setting_take section_take_program;
setting_take section_take_relay;
setting_take section_take_certificate;
setting_take section_take_accounts;
setting_take section_take_auth;
setting_take section_take_oauth;
setting_take section_take_dns;
setting_take section_take_tls_report;
setting_take section_take_history;
setting_take section_take_web;
setting_take section_take_destination;
setting_take section_take_login;
setting_take section_take_checks; /* struct config_checks */
setting_take section_take_author;
setting_take section_take_srs;
setting_take section_take_dmarc_report;
setting_take section_take_token;

/* Settings whose values are particular to one section. */
setting_take section_take_deliver;
setting_take section_take_inward_route;
setting_take section_take_alias_of;
setting_take section_take_default_route;
setting_take section_take_lmtp;
setting_take section_take_source;
setting_take section_take_rate;
setting_take section_take_fallback;
setting_take section_take_destination_route;
setting_take section_take_backup;
setting_take section_take_trust_anchor;
setting_take section_take_command;
setting_take section_take_user;
setting_take section_take_mechanisms; /* unsigned, a set */
setting_take section_take_domain_accounts;
setting_take section_take_socket_path;
setting_take section_take_url;
setting_take section_take_check; /* struct config_check; the words from CHECK_IGNORE on */
setting_take section_take_defer;
setting_take section_take_unchecked;
setting_take section_take_trusted_sealer;
setting_take section_take_junk_folder; /* struct slice */

/* On other listeners than mx nothing is checked that the section does not name. */
void section_ignore_checks(struct config_listener *listener);
/* What a listener's TLS and AUTH are when the section does not say it. */
void section_set_listener_defaults(struct config_listener *listener,
                                   const struct statement *statement);

#endif
