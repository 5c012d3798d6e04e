/* Names of SASL mechanisms. See mechanism.h. The bits stand in the order of preference. */
#include "config/mechanism.h"

static const char *const names[] = {
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "EXTERNAL",
    "OAUTHBEARER",
    "XOAUTH2",
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

enum mechanism mechanism_parse(struct slice name)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if (slice_eq_nocase(name, slice_from_cstr(names[i])))
            return (enum mechanism)(1u << i);
    }
    return 0;
}

const char *mechanism_name(enum mechanism mechanism)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if ((unsigned)mechanism == 1u << i)
            return names[i];
    }
    return "";
}

enum mechanism mechanism_first(unsigned set)
{
    return (enum mechanism)(set & -set);
}
