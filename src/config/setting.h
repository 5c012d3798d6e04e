/*
 * Settings: which words may stand in a section, what values they take, and where these go.
 *
 * A section is a struct and a table of its settings; setting_read_block() walks the statements of a
 * block and lets each setting's `take` put its value into the struct. All mistakes are told, with
 * what would be right.
 */
#ifndef NUNCIO_CONFIG_SETTING_H
#define NUNCIO_CONFIG_SETTING_H

#include "config/statement.h"

/* A name that must be there when all is read. */
enum reference_kind { REFERENCE_ROUTE, REFERENCE_PROGRAM, REFERENCE_DOMAIN, REFERENCE_ACCOUNTS };
struct reference {
    enum reference_kind kind;
    struct slice name;
    struct config_source source;
    struct reference *next;
};

struct setting;

/* A `destination`, which is read when all routes are known. */
struct pending_destination {
    const struct setting *setting;
    const struct statement *statement;
    struct pending_destination *next;
};

struct reader {
    struct config *config;
    struct arena *scratch;
    struct problem_list *problems;
    struct reference *references;             /* newest first */
    struct pending_destination *destinations; /* in the order of the file */
    struct pending_destination **destinations_end;
};

typedef void setting_take(struct reader *reader, const struct setting *setting,
                          const struct statement *statement, void *section);

enum setting_block { BLOCK_NONE, BLOCK_OPTIONAL, BLOCK_NEEDED };

struct setting {
    const char *word;
    const char *example; /* a whole statement, for messages and for the manual */
    setting_take *take;
    size_t offset;            /* of the field in the section's struct */
    uint64_t min, max;        /* of numbers, sizes and durations; 0, 0: any */
    const char *const *words; /* of a choice, in the order of its enum; ends with NULL */
    bool repeatable;
    enum setting_block block;
    const struct setting *settings; /* of the block */
    size_t n_settings;
};

#define SETTING_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* `where` names the section in messages: "listen mx"; empty at the top level. */
void setting_read_block(struct reader *reader, const struct statement *first,
                        const struct setting *settings, size_t n_settings, struct slice where,
                        void *section);

/* A problem of this statement; the text goes on with its setting's example. */
void setting_complain(struct reader *reader, const struct statement *statement, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));

/* The statement's one value; false and a complaint when it has none or more. */
bool setting_one_value(struct reader *reader, const struct setting *setting,
                       const struct statement *statement, struct slice *ret_value);
/* A copy that lives as long as the configuration. */
struct slice setting_keep(struct reader *reader, struct slice value);
/* Remembers that the name must exist. */
void setting_refer(struct reader *reader, enum reference_kind kind, struct slice name,
                   struct config_source source);

/* What a setting takes, and the type of the field that it goes to. */
setting_take setting_take_yes;       /* bool */
setting_take setting_take_flag;      /* bool; the word alone */
setting_take setting_take_count;     /* unsigned */
setting_take setting_take_port;      /* uint16_t */
setting_take setting_take_size;      /* uint64_t, bytes */
setting_take setting_take_size32;    /* unsigned, bytes */
setting_take setting_take_duration;  /* uint64_t, milliseconds */
setting_take setting_take_choice;    /* an enum or int: the index in `words` */
setting_take setting_take_mode;      /* unsigned */
setting_take setting_take_name;      /* struct slice */
setting_take setting_take_word;      /* struct slice, any text */
setting_take setting_take_path;      /* struct slice, an absolute path */
setting_take setting_take_hostname;  /* struct slice, A-labels in lower case */
setting_take setting_take_address;   /* struct slice, a mailbox */
setting_take setting_take_networks;  /* struct config_networks, from a block */
setting_take setting_take_endpoints; /* struct config_endpoints; added; the default port is `min` */
setting_take setting_take_section;   /* the fields of its own settings lie in the same struct */

/* The whole language, for the parser and for the test of the manual. */
extern const struct setting setting_top[];
extern const size_t setting_n_top;

#endif
