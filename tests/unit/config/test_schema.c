/* The tables of settings against the manual, the man page, the example file and the defaults. */
#include "../cmocka_all.h"
#include "parsing.h"

#include "config/setting.h"

#include <stdio.h>
#include <string.h>

static char *read_file(const char *path)
{
    static const size_t size = 1 << 20;
    FILE *file = fopen(path, "r");
    char *text = calloc(1, size);

    if (!file)
        fail_msg("%s cannot be opened", path);
    assert_true(fread(text, 1, size - 1, file) > 0);
    fclose(file);
    return text;
}

/* From the heading that begins with these words to the next of its level, as a copy. */
static char *part(const char *text, const char *heading)
{
    const char *start = strstr(text, heading), *end;

    while (start && start[strlen(heading)] != ' ' && start[strlen(heading)] != '\n')
        start = strstr(start + 1, heading);
    if (!start)
        fail_msg("there is no part '%s'", heading);
    end = strstr(start + 1, strncmp(heading, "\n## ", 4) == 0 ? "\n## " : "\n# ");
    return xslicedup(slice_from(start, end ? (size_t)(end - start) : strlen(start)));
}

static void each_setting_has(const char *text, const char *heading, const struct setting *settings,
                             size_t n, const char *format, bool example)
{
    char *section = part(text, heading), line[256];

    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "%s%s%s", format,
                 example ? settings[i].example : settings[i].word, example ? "` |" : "*");
        if (!strstr(section, line))
            fail_msg("'%s' is missing under '%s'", line, heading);
    }
    free(section);
}

/* Of a section, without those that it shares with another one: a table that several have is the
 * first one's. */
static size_t own_settings(const struct setting *section)
{
    size_t n = section->n_settings;

    for (size_t i = 0; i < setting_n_top; i++) {
        const struct setting *other = setting_top[i].settings;
        if (other == section->settings && setting_top + i < section)
            return 0;
        if (other > section->settings && other < section->settings + n)
            n = (size_t)(other - section->settings);
    }
    return n;
}

static void manual_has_rows(const char *manual, const struct setting *section)
{
    char heading[64];

    if (!section->settings)
        return;
    snprintf(heading, sizeof(heading), "\n## %s", section->word);
    each_setting_has(manual, heading, section->settings, own_settings(section), "\n| `", true);
    for (size_t i = 0; i < section->n_settings; i++)
        manual_has_rows(manual, &section->settings[i]);
}

static void test_the_manual_has_a_row_for_every_setting(void **state)
{
    char *manual = read_file(DOCS "/configuration.md");

    (void)state;
    each_setting_has(manual, "\n## The top level", setting_top, setting_n_top, "\n| `", true);
    for (size_t i = 0; i < setting_n_top; i++)
        manual_has_rows(manual, &setting_top[i]);
    free(manual);
}

static void test_the_man_page_has_every_setting(void **state)
{
    char *page = read_file(DOCS "/man/nuncio.conf.5.scd"), heading[64];

    (void)state;
    each_setting_has(page, "\n# THE TOP LEVEL", setting_top, setting_n_top, "*", false);
    for (size_t i = 0; i < setting_n_top; i++) {
        if (!setting_top[i].settings)
            continue;
        snprintf(heading, sizeof(heading), "\n# %s", setting_top[i].word);
        for (char *c = heading; *c; c++)
            *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        each_setting_has(page, heading, setting_top[i].settings, own_settings(&setting_top[i]),
                         "\n*", false);
    }
    free(page);
}

static void test_the_example_file_is_right(void **state)
{
    char *text = read_file(DOCS "/nuncio.conf.example"), *everything;
    struct config *config = parse(text);
    struct problem_list warnings;
    size_t n = 0;

    (void)state;
    problem_list_init(&warnings);
    config_warn(config, &warnings);
    assert_int_equal(warnings.count, 0);
    problem_list_done(&warnings);
    config_unref(config);
    /* What is commented out must be right too: "# word ..." in lower case with two or more words
     * of the language is a statement. */
    everything = calloc(1, strlen(text) + 1);
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        size_t length = (size_t)(strchr(line, '\n') + 1 - line);
        size_t skip = 0;
        for (size_t i = 0; i < setting_n_top; i++) {
            size_t word = strlen(setting_top[i].word);
            if (strncmp(line, "# ", 2) == 0 && strncmp(line + 2, setting_top[i].word, word) == 0 &&
                line[2 + word] == ' ')
                skip = 2;
        }
        memcpy(everything + n, line + skip, length - skip);
        n += length - skip;
    }
    config = parse(everything);
    assert_int_equal(config->n_domains, 5);
    assert_int_equal(config->n_routes, 5);
    assert_int_equal(config->n_destinations, 2);
    config_unref(config);
    free(everything);
    free(text);
}

/* The examples of the sections without a name are their defaults. */
static void test_examples_show_the_defaults(void **state)
{
    static const char *const sections[] = {"limits", "timeouts", "queue",   "workers",
                                           "log",    "tls",      "history", "checks"};
    struct config *defaults = parse("hostname a.example\n"), *config;
    struct buf text;

    (void)state;
    buf_init(&text, 65536);
    buf_add_cstr(&text, "hostname a.example\n");
    for (size_t i = 0; i < setting_n_top; i++) {
        for (size_t k = 0; k < SETTING_COUNT(sections); k++) {
            if (strcmp(setting_top[i].word, sections[k]) != 0)
                continue;
            buf_printf(&text, "%s {\n", sections[k]);
            for (size_t j = 0; j < setting_top[i].n_settings; j++)
                buf_printf(&text, "%s\n", setting_top[i].settings[j].example);
            buf_add_cstr(&text, "}\n");
        }
    }
    buf_add_char(&text, '\0');
    config = parse(text.ptr);
    assert_memory_equal(&config->limits, &defaults->limits, sizeof(config->limits));
    assert_memory_equal(&config->timeouts, &defaults->timeouts, sizeof(config->timeouts));
    assert_memory_equal(&config->queue, &defaults->queue, sizeof(config->queue));
    assert_memory_equal(&config->history, &defaults->history, sizeof(config->history));
    for (size_t i = 0; i < CHECKED_KINDS; i++)
        assert_int_equal(config->checks.list[i].action, defaults->checks.list[i].action);
    assert_int_equal(config->checks.defer_ms, defaults->checks.defer_ms);
    assert_int_equal(config->workers_mx, defaults->workers_mx);
    assert_int_equal(config->workers_submission, defaults->workers_submission);
    assert_int_equal(config->log_level, defaults->log_level);
    assert_int_equal(config->log_format, defaults->log_format);
    assert_int_equal(config->tls_minimum, defaults->tls_minimum);
    config_unref(config);
    config_unref(defaults);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_manual_has_a_row_for_every_setting),
        cmocka_unit_test(test_the_man_page_has_every_setting),
        cmocka_unit_test(test_the_example_file_is_right),
        cmocka_unit_test(test_examples_show_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
