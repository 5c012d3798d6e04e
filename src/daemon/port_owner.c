/*
 * /proc/net/tcp and tcp6 tell the inode of the socket that listens on a port; the process is the
 * one with a descriptor that links to it. Used once, when binding has failed: speed is no matter.
 * The kernel's own text is read with strtoul and fixed columns; what does not fit is passed over.
 */
#include "daemon/port_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0a, FIELD_LOCAL = 1, FIELD_STATE = 3, FIELD_INODE = 9, LINE_BYTES = 512 };

/* The start of the n-th word of a line, from 0. */
static const char *word(const char *line, int n)
{
    line += strspn(line, " ");
    while (n-- > 0) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return line;
}

static bool find_inode(const char *table, uint16_t port, unsigned long *ret_inode)
{
    FILE *file = fopen(table, "re");
    char line[LINE_BYTES];
    bool found = false;

    while (file && !found && fgets(line, sizeof(line), file)) {
        const char *local = word(line, FIELD_LOCAL);
        const char *colon = local + strcspn(local, ": ");
        if (*colon != ':' || strtoul(colon + 1, NULL, 16) != port ||
            strtoul(word(line, FIELD_STATE), NULL, 16) != STATE_LISTEN)
            continue;
        *ret_inode = strtoul(word(line, FIELD_INODE), NULL, 10);
        found = *ret_inode != 0;
    }
    if (file)
        fclose(file);
    return found;
}

static bool holds_socket(const char *pid, const char *wanted)
{
    char path[PATH_MAX], link[64];
    struct dirent *entry;
    bool holds = false;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    dir = opendir(path);
    while (dir && !holds && (entry = readdir(dir))) {
        ssize_t n;
        snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, entry->d_name);
        n = readlink(path, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        holds = strcmp(link, wanted) == 0;
    }
    if (dir)
        closedir(dir);
    return holds;
}

static void describe(const char *pid, char *out, size_t size)
{
    char path[PATH_MAX], name[32] = "a program";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    file = fopen(path, "re");
    if (file && fgets(name, sizeof(name), file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
    snprintf(out, size, "%s, process %.16s", name, pid);
}

void port_owner_find(uint16_t port, char *out, size_t size)
{
    unsigned long inode;
    struct dirent *entry;
    char wanted[64];
    bool found = false;
    DIR *proc;

    if (!find_inode("/proc/net/tcp", port, &inode) && !find_inode("/proc/net/tcp6", port, &inode))
        return;
    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    proc = opendir("/proc");
    while (proc && !found && (entry = readdir(proc))) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !holds_socket(entry->d_name, wanted))
            continue;
        describe(entry->d_name, out, size);
        found = true;
    }
    if (proc)
        closedir(proc);
}
