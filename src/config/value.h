/*
 * Single values: sizes, durations, names, networks, endpoints. Pure text to value; false when the
 * text is not one. Strings in what is returned point into the text.
 */
#ifndef NUNCIO_CONFIG_VALUE_H
#define NUNCIO_CONFIG_VALUE_H

#include "config/config.h"

/* Bytes: "50M"; K, M, G, T are powers of 1024. */
bool value_parse_size(struct slice text, uint64_t *ret_bytes);
/* "500ms", "10s", "5m", "4h", "5d", "1w"; a bare number only when it is 0. */
bool value_parse_duration(struct slice text, uint64_t *ret_ms);
/* File mode in octal, at most 0777. */
bool value_parse_mode(struct slice text, unsigned *ret_mode);

/* Letters, digits, '.', '_', '-', beginning with a letter or digit, 1 to 64 bytes. */
bool value_is_name(struct slice text);

/* An IP address without brackets; IPv4 takes the first four bytes. */
bool value_parse_ip(struct slice text, int *ret_family, uint8_t ret_address[16]);

/*
 * "192.0.2.0/24", "2001:db8::/32", or one address. IPv4 networks in IPv6 clothes (::ffff:a.b.c.d)
 * become IPv4. When the text is not one, *ret_why says so in words for the end of a message; then
 * it may name the right one in `hint`.
 */
struct value_hint {
    char text[64];
};
bool value_parse_network(struct slice text, struct config_network *ret_network,
                         const char **ret_why, struct value_hint *ret_hint);
/* The network as text, "192.0.2.0/24". */
struct value_hint value_format_network(const struct config_network *network);

/* "host:port", "[::1]:25", "*:25", "unix:/path". default_port 0: a port must be given. */
bool value_parse_endpoint(struct slice text, uint16_t default_port,
                          struct config_endpoint *ret_endpoint, const char **ret_why);

/* "https://login.example.org:8443/introspect": http or https, a host, perhaps a port; printable
 * ASCII, no user or password in it, no fragment. */
struct value_url {
    bool tls;
    struct slice host; /* without brackets */
    uint16_t port;
};
bool value_parse_url(struct slice text, struct value_url *ret_url);
/* 127.0.0.0/8, ::1 or localhost: what is said to it stays on this machine. */
bool value_is_loopback(struct slice host);

#endif
