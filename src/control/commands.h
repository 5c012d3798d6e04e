/*
 * The subcommands of the `nuncio` program. Each gets its own argc and argv (argv[0] is the
 * subcommand's name) and returns an exit code of sysexits.h.
 */
#ifndef NUNCIO_CONTROL_COMMANDS_H
#define NUNCIO_CONTROL_COMMANDS_H

int cmd_serve(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_dkim(int argc, char **argv);
int cmd_dns(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_queue(int argc, char **argv);
int cmd_account(int argc, char **argv);
int cmd_alias(int argc, char **argv);
int cmd_spool(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_sendmail(int argc, char **argv);
int cmd_mailq(int argc, char **argv);

#endif
