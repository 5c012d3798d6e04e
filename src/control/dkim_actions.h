/*
 * The actions of `nuncio dkim`: each returns an exit code. `arguments` are those behind its name.
 */
#ifndef NUNCIO_CONTROL_DKIM_ACTIONS_H
#define NUNCIO_CONTROL_DKIM_ACTIONS_H

#include "control/dkim_session.h"

int dkim_keygen(struct dkim_session *session, char **arguments, int n);
int dkim_rotate(struct dkim_session *session, char **arguments, int n);
int dkim_record(struct dkim_session *session, char **arguments, int n);
int dkim_list(struct dkim_session *session, char **arguments, int n);
int dkim_retire(struct dkim_session *session, char **arguments, int n);
int dkim_remove(struct dkim_session *session, char **arguments, int n);

#endif
