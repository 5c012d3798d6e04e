/*
 * A spool in memory, in the place of src/spool's writer: linked before it, it takes its names. What
 * is committed is kept for the test to look at; commits can be held back, or fail.
 */
#ifndef NUNCIO_TALK_FAKE_SPOOL_H
#define NUNCIO_TALK_FAKE_SPOOL_H

#include "spool/spool.h"

void fake_spool_reset(void);
void fake_spool_set_ready(int result);  /* of spool_writer_ready() */
void fake_spool_set_commit(int result); /* of the commits that follow */
/* Calls `done` of what was submitted; true when there was something. */
bool fake_spool_commit(void);
unsigned fake_spool_count(void);  /* messages committed */
unsigned fake_spool_bodies(void); /* bodies that nobody has freed or submitted */
/* The last one committed, envelope and text, as a readable whole. */
struct slice fake_spool_last(void);

#endif
