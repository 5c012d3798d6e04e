/*
 * `nuncio why --rebuild`: log files into the history.
 */
#ifndef NUNCIO_CONTROL_WHY_REBUILD_H
#define NUNCIO_CONTROL_WHY_REBUILD_H

/* An exit code. Doing it again changes nothing. */
int why_rebuild(const char *config, const char *state, char **files, int n_files);

#endif
