/*
 * Telling systemd how the service is (Type=notify), by its protocol of one datagram: sd_notify(3)
 * without the library.
 */
#ifndef NUNCIO_DAEMON_NOTIFY_H
#define NUNCIO_DAEMON_NOTIFY_H

/* Lines such as "READY=1". Nothing happens where no one asked for it. */
void notify_send(const char *lines);

#endif
