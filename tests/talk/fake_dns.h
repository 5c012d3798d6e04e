/*
 * A resolver for sessions by hand: it knows no name at all, or does not answer. On the one thread
 * of the test, and without deadlines: who asks must have patience of its own, or lose it.
 */
#ifndef NUNCIO_TALK_FAKE_DNS_H
#define NUNCIO_TALK_FAKE_DNS_H

#include "dns/dns.h"

/* Whether the next session has one. */
void fake_dns_use(bool use);
struct dns *fake_dns_open(void); /* or NULL; for dns_free() */
void fake_dns_hold(bool hold);   /* answers are kept back */
/* Answers what was asked; true when there was something. */
bool fake_dns_answer(void);

#endif
