/*
 * A whole session over a socketpair. The first byte picks the service; 0xff in the input parts
 * segments, 0xfe lets time go by. Whatever is said, the session must come to its end and leave
 * nothing behind, and every line of its replies must be one.
 */
#include "base/log.h"
#include "talk/host.h"

#include <fcntl.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const services[] = {"mx", "submission", "lmtp"};

static void check_replies(struct host *host)
{
    struct slice rest;
    struct buf heard;

    buf_init(&heard, SIZE_MAX);
    host_read(host, &heard);
    rest = buf_slice(&heard);
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        bool good = line.len > 4 && line.ptr[line.len - 1] == '\r' && line.ptr[0] >= '2' &&
                    line.ptr[0] <= '5' && (line.ptr[3] == ' ' || line.ptr[3] == '-');
        if (!good && rest.ptr)
            abort();
    }
    buf_done(&heard);
}

static void talk(struct host *host, struct slice input)
{
    while (input.ptr && host->session) {
        struct slice segment = slice_cut(&input, '\xff');
        ptrdiff_t pause = slice_find(segment, '\xfe');
        host_say(host, slice_sub(segment, 0, pause < 0 ? segment.len : (size_t)pause));
        check_replies(host);
        if (pause >= 0) {
            host_sleep(host, 200 * 1000);
            host_say(host, slice_skip(segment, (size_t)pause + 1));
        }
    }
    check_replies(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_from(data, size);
    struct buf config;
    struct host host;

    if (size == 0 || size > 256 * 1024)
        return 0;
    log_setup("fuzz", LOG_ERROR, LOG_LOGFMT, -1);
    buf_init(&config, SIZE_MAX);
    buf_printf(&config,
               "hostname mx.example.org\nstate /nowhere\ndomain example.org { deliver maildir }\n"
               "limits { message_size 4K; header_size 2K; text_line 1000; recipients 3 }\n"
               "trusted { 192.0.2.0/24 }\nrelay 198.51.100.1:25\n"
               "listen l { service %s; address 127.0.0.1:2525; xclient { 192.0.2.0/24 };"
               " proxy_protocol { %s }; bare_newline %s; tls off; auth offered;"
               " insecure_auth yes }\n",
               services[data[0] % 3], data[0] & 4 ? "192.0.2.7" : "192.0.2.8",
               data[0] & 8 ? "convert" : "refuse");
    if (!host_open(&host, buf_slice(&config), "192.0.2.7"))
        abort();
    talk(&host, slice_skip(input, 1));
    if (!host_close(&host))
        abort();
    buf_done(&config);
    return 0;
}
