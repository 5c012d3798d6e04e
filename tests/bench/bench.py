#!/usr/bin/python3
"""Nuncio and Postfix side by side: the table of docs/performance.md.

    make bench                 all of it, medians of three
    tests/bench/bench.py --only accept,relay --runs 1

Both get the same load from Postfix's own smtp-source, with the same sink, on the same disk, in
turn within one run, because machines are noisy: only the ratios mean something. fsync is on for
both. Postfix comes unpacked from Debian's package (see tests/e2e/peers.py) and is tuned for this:
process limit 200, concurrency 50, no DNS, no flow delay.
"""
import argparse
import atexit
import base64
import contextlib
import functools
import json
import os
import pathlib
import pwd
import re
import resource
import shutil
import signal
import smtplib
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tests/e2e'))
import dkim  # noqa: E402
import names  # noqa: E402
import peers  # noqa: E402

SIZE, SESSIONS = 10240, 50
POSTFIX_BIN = peers.PEERS / 'postfix/usr/sbin'
POSTFIX_ENV = {**os.environ, 'LD_LIBRARY_PATH': str(peers.PEERS / 'postfix/usr/lib/postfix')}
TICKS = os.sysconf('SC_CLK_TCK')

NUNCIO_CONF = '''\
hostname bench.test
{checks}
state {state}
default_route none
listen bench {{ service mx; address 127.0.0.1:{port} }}
listen bench-tls {{ service mx; address 127.0.0.1:{tls_port}; tls implicit }}
certificate bench {{ chain {certificate}; key {key} }}
domain box.test {{ deliver maildir }}
domain sink.test {{ route sink }}
domain held.test {{ route dead }}
route sink {{ host 127.0.0.1:{sink}; concurrency 50; messages 1000000 }}
route dead {{ host 127.0.0.1:1 }}
limits {{ sessions 15000; sessions_per_client 15000; transactions 1000000; idle_commands 100000 }}
timeouts {{ command 30m }}
log {{ level warn }}
'''

NO_CHECKS = 'checks { spf ignore; softfail ignore; dkim ignore; dmarc ignore; arc ignore; ' \
    'iprev ignore; helo ignore }'

POSTFIX_MAIN = {
    'maillog_file': '',
    'default_process_limit': '200',
    'in_flow_delay': '0',
    'initial_destination_concurrency': '50',
    'default_destination_concurrency_limit': '100',
    'smtp_destination_concurrency_limit': '100',
    'virtual_destination_concurrency_limit': '50',
    'smtpd_client_connection_count_limit': '0',
    'smtpd_recipient_restrictions': 'permit_mynetworks, reject',
    'virtual_mailbox_domains': 'box.test',
    'virtual_mailbox_maps': 'static:box/',
    'virtual_mailbox_limit': '0',
    'virtual_uid_maps': 'static:65534',
    'virtual_gid_maps': 'static:65534',
    'minimal_backoff_time': '1h',
    'maximal_backoff_time': '1h',
}


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                stat = pathlib.Path(f'/proc/{entry}/stat').read_text()
                children.setdefault(int(stat.rsplit(')', 1)[1].split()[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """User and system time of the tree, that of children already reaped too."""
    total = 0
    for member in tree(pid):
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f'/proc/{member}/stat').read_text().rsplit(')', 1)[1].split()
            total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory_kib(pid, name=None):
    """Proportional set size of the tree; of one role if its name is in the command line."""
    total = 0
    for member in tree(pid):
        with contextlib.suppress(OSError):
            if name and name not in pathlib.Path(f'/proc/{member}/comm').read_text():
                continue
            text = pathlib.Path(f'/proc/{member}/smaps_rollup').read_text()
            total += int(re.search(r'^Pss:\s+(\d+)', text, re.M).group(1))
    return total


@functools.cache
def make_certificate():
    """One for all servers of a run: ECDSA, as most certificates are now."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-bench-', dir='/var/tmp'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    chain, key = folder / 'chain.pem', folder / 'key.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', chain, '-days', '30',
                    '-subj', '/CN=bench.test', '-addext', 'subjectAltName=DNS:bench.test'],
                   check=True, capture_output=True)
    return chain, key


@functools.cache
def tls_source():
    """The load of TLS, compiled."""
    binary = make_certificate()[0].parent / 'tls-source'
    subprocess.run(['cc', '-O2', '-D_GNU_SOURCE', ROOT / 'tests/bench/tls_source.c', '-o', binary,
                    '-lssl', '-lcrypto', '-pthread'], check=True)
    return binary


def load_tls(port, *options):
    """Seconds that it took."""
    started = time.monotonic()
    subprocess.run([tls_source(), *options, str(port)], check=True, timeout=600)
    return time.monotonic() - started


class Nuncio:
    name = 'nuncio'
    queue_process = 'queue'

    def __init__(self, folder, sink_port, checks=NO_CHECKS):
        self.folder, self.port = pathlib.Path(folder), peers.free_port()
        self.tls_port = peers.free_port()
        self.folder.mkdir(parents=True)
        certificate, key = make_certificate()
        self.binary = pathlib.Path(os.environ.get('NUNCIO_RELEASE', ROOT / 'build/release')) / 'nuncio'
        self.conf = self.folder / 'nuncio.conf'
        self.conf.write_text(NUNCIO_CONF.format(
            checks=checks, state=self.folder / 'state', port=self.port, tls_port=self.tls_port, sink=sink_port,
            certificate=certificate, key=key))
        self.start()
        self.command('account', 'add', 'user@box.test', '--none')

    def command(self, *args):
        return subprocess.run([self.binary, args[0], *args[1:], '-c', self.conf], check=True,
                              capture_output=True, text=True).stdout

    def start(self):
        self.process = subprocess.Popen([self.binary, 'serve', '-c', self.conf],
                                        stdout=subprocess.DEVNULL,
                                        stderr=open(self.folder / 'log', 'ab'))
        peers.wait_for_port(self.port)
        self.pid = self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def maildir(self):
        return self.folder / 'state/mail/box.test/user/new'

    def list_command(self):
        return [self.binary, 'queue', 'list', '-c', self.conf]

    def queued(self):
        return json.loads(self.command('queue', 'stats', '--json').splitlines()[0])


class Postfix:
    name = 'postfix'
    queue_process = 'qmgr'

    def __init__(self, folder, sink_port, hold=False):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        box = self.folder / 'mail'
        box.mkdir()
        os.chown(box, 65534, 65534)
        certificate, key = make_certificate()
        self.main = {**POSTFIX_MAIN, 'virtual_mailbox_base': str(box),
                     'smtpd_tls_security_level': 'may', 'smtpd_tls_cert_file': str(certificate),
                     'smtpd_tls_key_file': str(key),
                     'relayhost': f'[127.0.0.1]:{sink_port}'}
        if hold:
            self.main['smtpd_recipient_restrictions'] = 'check_recipient_access static:HOLD, ' \
                'permit_mynetworks, reject'
        self.peer = peers.Postfix(self.folder / 'postfix', main=self.main)
        self.port, self.pid = self.peer.port, self.peer.process.pid

    def stop(self):
        self.peer.stop()

    def start(self):
        self.peer = peers.Postfix(self.folder / 'postfix', main=self.main, port=self.port)
        self.pid = self.peer.process.pid

    def maildir(self):
        return self.folder / 'mail/box/new'

    def list_command(self):
        return [POSTFIX_BIN / 'postqueue', '-c', self.folder / 'postfix/etc', '-p']


def source(port, recipient, messages, sessions=SESSIONS, extra=()):
    return subprocess.Popen(
        [POSTFIX_BIN / 'smtp-source', '-d', '-s', str(sessions), '-m', str(messages),
         *([] if '-F' in extra else ['-l', str(SIZE)]), '-f', 'sender@bench.test',
         '-t', recipient, *extra, f'127.0.0.1:{port}'],
        env=POSTFIX_ENV, stdout=subprocess.DEVNULL)


def send(port, recipient, messages, **options):
    started = time.monotonic()
    process = source(port, recipient, messages, **options)
    if process.wait(600) != 0:
        raise RuntimeError('smtp-source failed')
    return time.monotonic() - started


class SmtpSink:
    """Postfix's smtp-sink; ends by itself after so many messages."""

    def __init__(self, port, messages):
        self.process = subprocess.Popen(
            [POSTFIX_BIN / 'smtp-sink', '-u', 'nobody', '-M', str(messages), f'127.0.0.1:{port}',
             '1000'], env=POSTFIX_ENV, stdout=subprocess.DEVNULL)
        peers.wait_for_port(port)

    def wait(self):
        self.process.wait(600)

    def stop(self):
        self.process.kill()
        self.process.wait()


def count(folder):
    with contextlib.suppress(FileNotFoundError):
        return sum(1 for _ in os.scandir(folder))
    return 0


@contextlib.contextmanager
def server(kind, sink_port, **options):
    folder = tempfile.mkdtemp(prefix='nuncio-bench-', dir=os.environ.get('BENCH_DIR', '/var/tmp'))
    os.chmod(folder, 0o755)
    running = kind(folder + '/' + kind.name, sink_port, **options)
    try:
        yield running
    finally:
        running.stop()
        # Not now: ext4 makes files at half its speed for minutes after thousands were deleted.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def bench_accept(kind, messages):
    """Messages a second until the sender has its last 250; nothing is delivered."""
    options = {'hold': True} if kind is Postfix else {}
    with server(kind, 1, **options) as running:
        send(running.port, 'x@held.test', 300)
        return messages / send(running.port, 'x@held.test', messages)


def signed_message(folder):
    """10 KiB signed by DKIM, and the zones by which all that is checked of it passes."""
    key = subprocess.run(['openssl', 'genrsa', '2048'], check=True, capture_output=True).stdout
    public = subprocess.run(['openssl', 'rsa', '-pubout', '-outform', 'DER'], input=key, check=True,
                            capture_output=True).stdout
    text = b'From: sender@signed.test\r\nTo: x@held.test\r\nSubject: bench\r\n\r\n' + \
        (b'x' * 78 + b'\r\n') * (SIZE // 80)
    signed = dkim.sign(text, b's', b'signed.test', key) + text
    (folder / 'message').write_bytes(signed.replace(b'\r\n', b'\n'))  # as smtp-source reads it
    strings = re.findall('.{1,200}', 'v=DKIM1; p=' + base64.b64encode(public).decode())
    zones = names.Names(folder, signed_root=False, ttl=3600)
    zones.zone('signed.test', '\n'.join([
        '@ TXT "v=spf1 ip4:127.0.0.1 -all"', '_dmarc TXT "v=DMARC1; p=reject"',
        '@ A 127.0.0.1', 'client A 127.0.0.1',
        's._domainkey TXT ' + ' '.join(f'"{part}"' for part in strings)]))
    zones.zone('127.in-addr.arpa', '1.0.0 PTR client.signed.test.')
    return zones


def bench_checks(checked, messages):
    """Messages a second, of one that passes iprev, HELO, SPF, DKIM and DMARC, with and without
    looking; answers of the DNS are known by then."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-bench-', dir='/var/tmp'))
    os.chmod(folder, 0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    zones = signed_message(folder)
    zones.start()
    extra = ['-f', 'sender@signed.test', '-M', 'client.signed.test', '-F', folder / 'message']
    dns = zones.statement.replace('{{', '{').replace('}}', '}')
    try:
        with server(Nuncio, 1, checks=dns if checked else f'{NO_CHECKS}\n{dns}') as running:
            send(running.port, 'user@box.test', 1, sessions=1, extra=extra)
            peers.wait_until(lambda: count(running.maildir()), 10, 'the first message')
            first_message = next(running.maildir().iterdir()).read_text()
            for passed in ('iprev=pass', 'spf=pass', 'dkim=pass', 'dmarc=pass'):
                assert (passed in first_message) == checked, first_message[:2000]
            send(running.port, 'x@held.test', 300, extra=extra)
            return messages / send(running.port, 'x@held.test', messages, extra=extra)
    finally:
        zones.stop()


def bench_relay(kind, messages):
    """Messages a second until the sink has the last one, and CPU seconds for 1000 of them."""
    port = peers.free_port()
    with server(kind, port) as running:
        sink = SmtpSink(port, 301)
        send(running.port, 'x@sink.test', 300)
        time.sleep(1)
        sink.stop()
        time.sleep(0.5)
        sink = SmtpSink(port, messages)
        before, started = cpu_seconds(running.pid), time.monotonic()
        sender = source(running.port, 'x@sink.test', messages)
        sink.wait()
        rate = messages / (time.monotonic() - started)
        sender.wait()
        time.sleep(0.5)
        return rate, (cpu_seconds(running.pid) - before) / messages * 1000


def bench_maildir(kind, messages):
    """Messages a second until the mailbox has the last one."""
    with server(kind, 1) as running:
        send(running.port, 'user@box.test', 300)
        peers.wait_until(lambda: count(running.maildir()) >= 300, 60)
        started = time.monotonic()
        sender = source(running.port, 'user@box.test', messages)
        while count(running.maildir()) < messages + 300:
            if time.monotonic() - started > 300:
                raise TimeoutError('not all mail arrived')
            time.sleep(0.05)
        rate = messages / (time.monotonic() - started)
        sender.wait()
        return rate


def bench_latency(kind, messages):
    """Median milliseconds from connect to the 250 of one message, nothing else going on."""
    options = {'hold': True} if kind is Postfix else {}
    text = 'Subject: one\r\n\r\n' + 'x' * 70 + '\r\n'
    text += ('x' * 70 + '\r\n') * (SIZE // 72)
    times = []
    with server(kind, 1, **options) as running:
        for _ in range(messages):
            started = time.monotonic()
            client = smtplib.SMTP('127.0.0.1', running.port, local_hostname='bench.test')
            client.ehlo()
            client.sendmail('sender@bench.test', ['x@held.test'], text)
            times.append(time.monotonic() - started)
            client.close()
    return statistics.median(times) * 1000


def bench_idle(kind, sessions):
    """KiB of memory for each idle session after EHLO."""
    with server(kind, 1) as running:
        send(running.port, 'x@held.test' if kind is Nuncio else 'user@box.test', 100)
        time.sleep(1)
        before, open_sockets = memory_kib(running.pid), []
        for i in range(sessions):
            sock = socket.socket()
            sock.bind((f'127.0.0.{2 + i % 50}', 0))
            sock.settimeout(20)
            sock.connect(('127.0.0.1', running.port))
            open_sockets.append(sock)
            sock.recv(512)
            sock.sendall(b'EHLO idle.test\r\n')
            sock.recv(2048)
        time.sleep(2)
        grown = memory_kib(running.pid) - before
        for sock in open_sockets:
            sock.close()
        return grown / sessions


def bench_deferred(kind, messages):
    """MiB of the queue's process with so many deferred messages, and seconds from start until the
    port answers again."""
    with server(kind, 1) as running:
        send(running.port, 'x@held.test', messages)
        time.sleep(20)
        mib = memory_kib(running.pid, kind.queue_process) / 1024
        running.stop()
        time.sleep(1)
        started = time.monotonic()
        running.start()
        if kind is Nuncio:
            while running.queued().get('messages', 0) < messages:
                time.sleep(0.02)
        return mib, time.monotonic() - started


def bench_listing(kind, messages):
    """Seconds until the administrator has seen a queue of so many messages; the best of three."""
    with server(kind, 1, **({'hold': True} if kind is Postfix else {})) as running:
        send(running.port, 'x@held.test', messages)
        time.sleep(10)
        times = []
        for _ in range(3):
            started = time.monotonic()
            subprocess.run(running.list_command(), check=True, stdout=subprocess.DEVNULL,
                           env=POSTFIX_ENV)
            times.append(time.monotonic() - started)
        return min(times)


def bench_tls_sessions(kind, connections):
    """Sessions a second, each with STARTTLS, a new handshake, EHLO and QUIT; and CPU seconds of the
    server for 1000 of them. The client's half of each handshake costs as much as the server's and
    shares the cores with it."""
    with server(kind, 1) as running:
        load_tls(running.port, '-s', '20', '-c', '200')
        before = cpu_seconds(running.pid)
        rate = connections / load_tls(running.port, '-s', '20', '-c', str(connections))
        time.sleep(0.5)
        return rate, (cpu_seconds(running.pid) - before) / connections * 1000


def bench_tls_messages(kind, messages):
    """Messages a second over 50 connections with TLS until the sender has its last 250."""
    options = {'hold': True} if kind is Postfix else {}
    with server(kind, 1, **options) as running:
        load_tls(running.port, '-s', '50', '-c', '50', '-m', '2')
        return messages / load_tls(running.port, '-s', '50', '-c', '50', '-m', str(messages // 50))


class OpensslServer:
    """openssl s_server: what a handshake costs with nothing around it."""

    def __init__(self):
        certificate, key = make_certificate()
        self.tls_port = peers.free_port()
        self.process = subprocess.Popen(
            ['openssl', 's_server', '-accept', str(self.tls_port), '-cert', certificate, '-key', key,
             '-quiet'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peers.wait_for_port(self.tls_port)


@contextlib.contextmanager
def openssl_server():
    running = OpensslServer()
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def bench_handshake(kind, connections):
    """Milliseconds for one handshake after another, client and server together."""
    with openssl_server() if kind is Postfix else server(kind, 1) as running:
        load_tls(running.tls_port, '-i', '-n', '-c', '100')
        return load_tls(running.tls_port, '-i', '-n', '-c', str(connections)) / connections * 1000


def bench_tls_idle(kind, sessions):
    """KiB of memory for each idle session after STARTTLS and EHLO."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with server(kind, 1) as running:
        load_tls(running.port, '-s', '20', '-c', '200')
        time.sleep(1)
        before, clients = memory_kib(running.pid), []
        for i in range(sessions):
            client = smtplib.SMTP('127.0.0.1', running.port, local_hostname='idle.test', timeout=20,
                                  source_address=(f'127.0.0.{2 + i % 50}', 0))
            client.starttls(context=context)
            client.ehlo()
            clients.append(client)
        time.sleep(2)
        grown = memory_kib(running.pid) - before
        for client in clients:
            client.close()
        return grown / sessions


def figure(value):
    return f'{value:.0f}' if value >= 1000 else f'{value:.4g}'


def spread(values):
    return f'{figure(statistics.median(values))} ({figure(min(values))} {figure(max(values))})'


def row(title, ours, theirs, higher_is_better=True):
    ratio = statistics.median(ours) / max(statistics.median(theirs), 1e-9)
    text = f'{ratio:.1f} x' if higher_is_better else f'1/{1 / max(ratio, 1e-9):.1f}'
    return f'| {title} | {spread(theirs)} | {spread(ours)} | {text} |'


def measure(bench, amount, amount_postfix, runs):
    """In turn, so that both see the same weather."""
    ours, theirs = [], []
    for _ in range(runs):
        theirs.append(bench(Postfix, amount_postfix))
        ours.append(bench(Nuncio, amount))
    return ours, theirs


def first(pairs):
    return [pair[0] for pair in pairs]


def second(pairs):
    return [pair[1] for pair in pairs]


def run(name, runs):
    if name == 'accept':
        yield row('accept, messages/s', *measure(bench_accept, 30000, 8000, runs))
    elif name == 'checks':
        ours, theirs = [], []
        for _ in range(runs):
            theirs.append(bench_checks(False, 20000))
            ours.append(bench_checks(True, 20000))
        yield row('accept with all checks, messages/s (beside Nuncio without)', ours, theirs)
    elif name == 'relay':
        ours, theirs = measure(bench_relay, 20000, 5000, runs)
        yield row('accept and relay, messages/s', first(ours), first(theirs))
        yield row('CPU s for 1000 relayed', second(ours), second(theirs), False)
    elif name == 'maildir':
        yield row('accept and deliver to Maildir, messages/s',
                  *measure(bench_maildir, 20000, 5000, runs))
    elif name == 'latency':
        yield row('one message, connect to 250, ms', *measure(bench_latency, 500, 500, runs), False)
    elif name == 'idle':
        yield row('memory of an idle session, KiB (10,000; Postfix: 150)',
                  *measure(bench_idle, 10000, 150, 1), False)
    elif name == 'deferred':
        ours, theirs = measure(bench_deferred, 100000, 100000, 1)
        yield row('queue with 100,000 deferred, MiB', first(ours), first(theirs), False)
        yield row('ready again after restart, s', second(ours), second(theirs), False)
    elif name == 'listing':
        yield row('listing 100,000 messages, s', *measure(bench_listing, 100000, 100000, 1), False)
    elif name == 'tls_sessions':
        ours, theirs = measure(bench_tls_sessions, 4000, 1000, runs)
        yield row('TLS sessions/s', first(ours), first(theirs))
        yield row('CPU s for 1000 TLS sessions', second(ours), second(theirs), False)
    elif name == 'tls_messages':
        yield row('accept over TLS, messages/s', *measure(bench_tls_messages, 20000, 5000, runs))
    elif name == 'handshake':
        yield row('one new handshake, ms (beside `openssl s_server`)',
                  *measure(bench_handshake, 2000, 2000, runs), False)
    elif name == 'tls_idle':
        yield row('memory of an idle TLS session, KiB (5,000; Postfix: 150)',
                  *measure(bench_tls_idle, 5000, 150, 1), False)


ALL = 'accept,checks,relay,maildir,latency,idle,deferred,listing,tls_sessions,tls_messages,handshake,tls_idle'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--only', default=ALL, help=f'some of {ALL}')
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--nuncio-alone', action='store_true', help='no Postfix, plain numbers')
    args = parser.parse_args()
    if not peers.available('postfix'):
        sys.exit('bench: needs root and the unpacked Postfix: scripts/install-deps')
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    if args.nuncio_alone:
        amounts = {'accept': 30000, 'checks': 20000, 'relay': 20000, 'maildir': 20000, 'latency': 500,
                   'idle': 10000, 'deferred': 100000, 'listing': 100000, 'tls_sessions': 4000,
                   'tls_messages': 20000, 'handshake': 2000, 'tls_idle': 5000}
        for name in args.only.split(','):
            values = [globals()['bench_' + name](Nuncio, amounts[name]) for _ in range(args.runs)]
            print(name, values, flush=True)
        return
    print('| | Postfix, median (min max) | Nuncio, median (min max) | Nuncio / Postfix |')
    print('|---|---|---|---|')
    for name in args.only.split(','):
        for line in run(name, args.runs):
            print(line, flush=True)


if __name__ == '__main__':
    main()
