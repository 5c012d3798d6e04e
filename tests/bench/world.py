#!/usr/bin/python3
"""Mail to the world, Nuncio beside Postfix: the second table of docs/performance.md.

    tests/bench/world.py               20,000 messages to 2,000 domains on 20 servers
    tests/bench/world.py --tls         the same with STARTTLS everywhere
    tests/bench/world.py --sign --only nuncio   Nuncio signs it, by RSA with 2048 bits and Ed25519

Everything runs in a network of its own, with nsd as its name server and an address for each
server, at port 2600: at 25 every address of the machine would be the server under test itself. Two of the 20 servers are slow (each reply a second late), one refuses
connections and one never answers. Told is the time from the first message handed in until the 16
healthy servers have all of theirs, with the CPU time and the memory that the server took; both get
the same load in turn.
"""
import argparse
import os
import pathlib
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench  # noqa: E402
import peers  # noqa: E402
from dkim_keys import Keys  # noqa: E402

PORT = 2600
SERVERS, SLOW, REFUSING, DEAF = 20, (3, 11), (7,), (15,)
HERE = pathlib.Path(__file__).resolve().parent

NUNCIO_CONF = '''\
hostname bench.test
state {state}
trusted {{ 127.0.0.1/32 }}
listen bench {{ service mx; address 127.0.0.1:2525 }}
limits {{ sessions 15000; sessions_per_client 15000; transactions 1000000 }}
dns {{ server 127.0.0.1:53; validate no }}
route world {{ mx; port 2600; ipv6 no; mta_sts no{route} }}
log {{ level {level} }}
'''

POSTFIX_MAIN = {
    **{k: v for k, v in bench.POSTFIX_MAIN.items() if not k.startswith('virtual')},
    'relayhost': '',
    'smtp_tcp_port': str(PORT),
    'smtp_host_lookup': 'dns',
    'disable_dns_lookups': 'no',
    'smtp_dns_support_level': 'enabled',
    'inet_protocols': 'ipv4',
    'default_destination_concurrency_limit': '20',
    'smtp_destination_concurrency_limit': '20',
    'initial_destination_concurrency': '5',
}


def address(server):
    return f'127.1.0.{server + 1}'


def manner(server):
    return 'slow:1000' if server in SLOW else 'deaf' if server in DEAF else 'fast'


def is_healthy(server):
    return server not in SLOW + REFUSING + DEAF


class Names:
    """nsd with one zone: a domain's server is its number modulo SERVERS."""

    def __init__(self, folder, domains, keys=None):
        zone = ['$ORIGIN test.', '$TTL 3600', '@ SOA ns hostmaster 1 3600 600 86400 300',
                '@ NS ns', 'ns A 127.0.0.1']
        zone += [f'mx{i} A {address(i)}' for i in range(SERVERS)]
        zone += [f'd{i} MX 10 mx{i % SERVERS}' for i in range(domains)]
        if keys:
            zone += [keys.zone('bench.test').replace('_domainkey', '_domainkey.bench')]
        (folder / 'zone').write_text('\n'.join(zone) + '\n')
        (folder / 'nsd.conf').write_text(
            f'server:\n ip-address: 127.0.0.1\n port: 53\n username: ""\n chroot: ""\n'
            f' zonesdir: "{folder}"\n database: ""\n pidfile: "{folder}/nsd.pid"\n'
            f' zonelistfile: "{folder}/zone.list"\n xfrdfile: "{folder}/xfrd.state"\n'
            f' xfrdir: "{folder}"\n rrl-ratelimit: 0\n'
            f'remote-control:\n control-enable: no\nzone:\n name: test\n zonefile: zone\n')
        self.process = subprocess.Popen(['/usr/sbin/nsd', '-d', '-c', folder / 'nsd.conf'],
                                        stderr=open(folder / 'nsd.log', 'w'))
        peers.wait_for_port(53)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Sink:
    """All servers of the world."""

    def __init__(self, folder, tls):
        self.counters = folder / 'counters'
        options = ['-c', bench.make_certificate()[0], '-k', bench.make_certificate()[1]] if tls else []
        servers = [i for i in range(SERVERS) if i not in REFUSING]
        self.process = subprocess.Popen(
            [folder / 'sink', *options, self.counters,
             *(f'{address(i)}={manner(i)}' for i in servers)])
        self.servers = servers
        for i in servers:
            if i not in DEAF:
                peers.wait_until(lambda i=i: self.answers(address(i)), 10)
        time.sleep(0.2)

    @staticmethod
    def answers(host):
        import socket
        with socket.socket() as sock:
            sock.settimeout(1)
            return sock.connect_ex((host, PORT)) == 0

    def numbers(self):
        """Of the healthy servers: connections, messages, handshakes, resumed."""
        data = self.counters.read_bytes()
        rows = [struct.unpack_from('4Q', data, 32 * i) for i in range(len(self.servers))]
        return [sum(row[k] for i, row in zip(self.servers, rows) if is_healthy(i))
                for k in range(4)]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Nuncio:
    name = 'nuncio'

    def __init__(self, folder, tls, keys=None, level='info'):
        self.folder = folder / 'nuncio'
        self.folder.mkdir()
        self.state = self.folder / 'state'
        if keys:
            keys.give(self)
        binary = pathlib.Path(os.environ.get('NUNCIO_RELEASE', bench.ROOT / 'build/release'))
        (self.folder / 'nuncio.conf').write_text(NUNCIO_CONF.format(
            state=self.state, route='' if tls else '; tls none', level=level))
        self.process = subprocess.Popen(
            [binary / 'nuncio', 'serve', '-c', self.folder / 'nuncio.conf'],
            stdout=subprocess.DEVNULL, stderr=open(self.folder / 'log', 'ab'))
        self.port = 2525
        peers.wait_for_port(self.port)
        if keys:
            log = self.folder / 'log'
            peers.wait_until(lambda: log.read_text().count(' dkim-key-seen ') == 2, what='the keys')
        self.pid = self.process.pid

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Postfix:
    name = 'postfix'

    def __init__(self, folder, tls, keys=None):
        main = {**POSTFIX_MAIN, 'smtp_tls_security_level': 'may' if tls else 'none'}
        if tls:
            main['smtp_tls_connection_reuse'] = 'yes'
        self.peer = peers.Postfix(folder / 'postfix', main=main)
        self.port, self.pid = self.peer.port, self.peer.process.pid

    def stop(self):
        self.peer.stop()


class Most:
    """The highest memory seen."""

    def __init__(self, pid):
        self.pid, self.kib, self.next = pid, 0, 0

    def look(self):
        if time.monotonic() > self.next:
            self.kib = max(self.kib, bench.memory_kib(self.pid))
            self.next = time.monotonic() + 0.5


def one_run(kind, args, folder, keys):
    sink = Sink(folder, args.tls)
    running = kind(folder, args.tls, keys)
    share = args.messages // SERVERS
    wanted = share * sum(is_healthy(i) for i in range(SERVERS)) + sink.numbers()[1]
    most = Most(running.pid)
    before, started = bench.cpu_seconds(running.pid), time.monotonic()
    source = subprocess.Popen([folder / 'source', '-s', '20', '-m', str(args.messages), '-d',
                               str(args.domains), '-l', '4096', str(running.port)])
    try:
        while sink.numbers()[1] < wanted:
            if time.monotonic() - started > 900:
                raise TimeoutError(f'{kind.name}: {sink.numbers()[1]} of {wanted} arrived')
            most.look()
            time.sleep(0.02)
        seconds = time.monotonic() - started
        if source.wait(60) != 0:
            raise RuntimeError('world_source failed')
        return {'seconds': seconds, 'cpu': bench.cpu_seconds(running.pid) - before,
                'mib': most.kib / 1024, 'connections': sink.numbers()[0]}
    finally:
        source.kill()
        running.stop()
        sink.stop()


def build(folder):
    for name, libraries in (('sink', ['-lssl', '-lcrypto']), ('source', [])):
        subprocess.run(['cc', '-O2', '-D_GNU_SOURCE', HERE / f'world_{name}.c', '-o', folder / name,
                        *libraries, '-pthread'], check=True)


def measure(args, kinds):
    results = {kind: [] for kind in kinds}
    for _ in range(args.runs):
        for kind in kinds:
            folder = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-world-', dir='/var/tmp'))
            folder.chmod(0o755)
            build(folder)
            keys = Keys(folder / 'keys', ['bench.test']) if args.sign else None
            names = Names(folder, args.domains, keys)
            try:
                results[kind].append(one_run(kind, args, folder, keys))
            finally:
                names.stop()
                shutil.rmtree(folder, ignore_errors=True)
            print(f'# {kind.name}: {results[kind][-1]}', file=sys.stderr, flush=True)
    return results


TITLES = {'seconds': 'until the healthy servers have theirs, s', 'cpu': 'CPU of it, s',
          'mib': 'memory at the most, MiB', 'connections': 'connections to the healthy servers'}


def tell(results):
    print('| | Postfix, median (min max) | Nuncio, median (min max) | Nuncio / Postfix |')
    print('|---|---|---|---|')
    for key, title in TITLES.items():
        print(bench.row(title, [run[key] for run in results[Nuncio]],
                        [run[key] for run in results[Postfix]], False))


def enter_own_network(argv):
    """Once more, in a network and with a resolv.conf of our own."""
    resolv = tempfile.NamedTemporaryFile('w', prefix='resolv-', delete=False)
    resolv.write('nameserver 127.0.0.1\noptions timeout:1\n')
    resolv.close()
    os.chmod(resolv.name, 0o644)
    script = f'ip link set lo up && mount --bind {resolv.name} /etc/resolv.conf && exec "$@"'
    os.execvp('unshare', ['unshare', '--net', '--mount', 'sh', '-ec', script, 'world',
                          sys.executable, __file__, '--inside', *argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--messages', type=int, default=20000)
    parser.add_argument('--domains', type=int, default=2000)
    parser.add_argument('--tls', action='store_true')
    parser.add_argument('--sign', action='store_true', help='Nuncio signs, with two keys')
    parser.add_argument('--only', choices=['nuncio', 'postfix'])
    parser.add_argument('--inside', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.inside:
        enter_own_network(sys.argv[1:])
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    kinds = [kind for kind in (Postfix, Nuncio) if args.only in (None, kind.name)]
    results = measure(args, kinds)
    if len(kinds) == 2:
        tell(results)
    else:
        for key in TITLES:
            print(key, statistics.median(run[key] for run in results[kinds[0]]))


if __name__ == '__main__':
    main()
