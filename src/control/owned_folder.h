/*
 * Folders of the state that a command writes to itself, as the user of the role that owns them.
 */
#ifndef NUNCIO_CONTROL_OWNED_FOLDER_H
#define NUNCIO_CONTROL_OWNED_FOLDER_H

/*
 * Makes the folder `path` in `state` where it is missing (for `user`, when we are root and there is
 * such a user), and becomes its owner for good before anything in it is touched, so that nothing in
 * it is ever root's. EX_OK, or another exit code after telling why not.
 */
int owned_folder_enter(const char *state, const char *path, const char *user);

#endif
