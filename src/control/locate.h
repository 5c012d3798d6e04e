/*
 * Which configuration file a command means.
 */
#ifndef NUNCIO_CONTROL_LOCATE_H
#define NUNCIO_CONTROL_LOCATE_H

/* Where `nuncio serve --try` (make run) keeps its configuration, in the current folder. */
#define TRIAL_FOLDER "var"
#define TRIAL_FILE   "var/nuncio.conf"

/*
 * The path after -c if there was one. Otherwise the system's file (NUNCIO_CONFIG_FILE, normally
 * /etc/nuncio/nuncio.conf) where it exists; else var/nuncio.conf of the current folder, as left by
 * `nuncio serve --try`, if it is ours and nobody else may write it; else the system's file again,
 * so that reading it says by name what is missing. The string is static or `given`.
 */
const char *config_locate(const char *given);

#endif
