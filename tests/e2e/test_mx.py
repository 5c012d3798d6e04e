"""The way to any domain by DNS: which servers, in which order, and what is said when there is none.

A private nsd has the zones, servers of the test listen on several addresses of the loopback, all at
one port, which the route calls instead of 25.
"""
import contextlib
import re
import socket
import time

import peers
import pytest
from names import Names
from peers import Sink, wait_until

CONF = '''
default_route world
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain example.test {{{{ deliver maildir }}}}
route world {{{{ mx; port {port}; {route} }}}}
queue {{{{ retry_first 1s; retry_max 2s; gather 1s }}}}
{more}
'''


class World:
    """Names, and servers at addresses that they point to."""

    def __init__(self, folder, make_server, stack):
        self.names = Names(folder)
        self.make_server, self.stack = make_server, stack
        self.port, self.sinks = peers.free_port(), {}

    def sink(self, host, **options):
        self.sinks[host] = self.stack.enter_context(Sink(host=host, port=self.port, **options))
        return self.sinks[host]

    def serve(self, route='', more=''):
        self.stack.enter_context(self.names)
        self.names.start()
        text = CONF.format(port=self.port, route=route, more=more)
        server = self.make_server(self.names.statement + text)
        server.account('joe@example.test')
        return server

    def count(self, host):
        return len(self.sinks[host].messages)


@pytest.fixture
def world(folder, make_server):
    with contextlib.ExitStack() as stack:
        yield World(folder, make_server, stack)


def send(server, *recipients, subject='x'):
    server.send('joe@example.test', list(recipients),
                f'Subject: {subject}\r\n\r\nhello\r\n'.encode())


def tries(server, host=''):
    """The log's lines about connections, as dictionaries."""
    found = []
    for line in server.log().splitlines():
        if ' relay try ' in line:
            fields = dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line))
            if fields.get('host', '').startswith(host):
                found.append(fields)
    return found


def test_the_best_preference_first_and_the_next_when_it_is_down(world):
    world.names.zone('far.test', '''
        @   MX 10 a
        @   MX 20 b
        a   A 127.0.0.2
        b   A 127.0.0.3
    ''')
    first, second = world.sink('127.0.0.2'), world.sink('127.0.0.3')
    server = world.serve(route='idle 0s')
    send(server, 'a@far.test')
    wait_until(lambda: first.messages, what='mail at the best server')
    server.wait_for_empty_queue()
    assert not second.messages
    first.__exit__()
    send(server, 'b@far.test')
    wait_until(lambda: second.messages, what='mail at the other server')
    server.wait_for_empty_queue()
    [failed] = [t for t in tries(server, 'a.far.test') if t['stage'] == 'connect']
    assert 'refused' in failed['reply'] and failed['address'] == '127.0.0.2'
    assert [t['stage'] for t in tries(server, 'b.far.test')] == ['ready']


def test_a_server_that_turns_us_away_is_passed_over(world):
    world.names.zone('far.test', '''
        @   MX 10 a
        @   MX 20 b
        a   A 127.0.0.2
        b   A 127.0.0.3
    ''')
    world.sink('127.0.0.3')
    world.sink('127.0.0.2', greeting='421 4.3.2 closed for today')
    server = world.serve()
    send(server, 'a@far.test')
    wait_until(lambda: world.count('127.0.0.3'), what='mail at the other server')
    [failed] = tries(server, 'a.far.test')
    assert failed['stage'] == 'banner' and 'closed for today' in failed['reply']


def test_equal_ones_share_the_load(world):
    world.names.zone('far.test', '\n'.join(
        f'@ MX 10 h{i}\nh{i} A 127.0.0.{i}' for i in (2, 3, 4)))
    for i in (2, 3, 4):
        world.sink(f'127.0.0.{i}')
    server = world.serve(route='idle 0s')
    for i in range(40):
        send(server, f'r{i}@far.test')
    server.wait_for_empty_queue()
    counts = [world.count(f'127.0.0.{i}') for i in (2, 3, 4)]
    assert sum(counts) == 40 and min(counts) >= 3, counts


def test_what_can_never_arrive_comes_back_at_once(world):
    world.names.zone('null.test', '@ MX 0 .')
    world.names.zone('nowhere.test', '@ MX 10 gone')
    world.names.zone('empty.test', 'other A 127.0.0.2')
    world.names.zone('loop.test', '@ MX 10 mx.nuncio.test.')
    server = world.serve()
    wanted = {'a@null.test': ('5.1.10', 'null MX'),
              'b@missing.test': ('5.1.2', 'does not exist'),
              'c@nowhere.test': ('5.4.4', 'none of the mail servers'),
              'd@empty.test': ('5.1.2', 'neither a mail server'),
              'e@loop.test': ('5.4.6', 'come back to us')}
    for recipient in wanted:
        send(server, recipient)
    bounces = b'\n'.join(server.wait_for_mail('joe@example.test', len(wanted))).decode()
    server.wait_for_empty_queue()
    for recipient, (status, words) in wanted.items():
        found = re.search(f'Final-Recipient: rfc822; ?{recipient}', bounces)
        report = bounces[found.start():][:600]
        assert re.search(f'^Status: {re.escape(status)}\r?$', report, re.M), report
        assert words in re.sub(r'\s+', ' ', report), report
    assert not tries(server)


def test_no_mx_aliases_literals_and_idn(world):
    world.names.zone('bare.test', '@ A 127.0.0.2')
    world.names.zone('alias.test', 'www CNAME bare.test.')
    world.names.zone('xn--bcher-kva.test', '@ MX 10 mail\nmail CNAME bare.test.')
    sink = world.sink('127.0.0.2')
    server = world.serve()
    for recipient in ('a@bare.test', 'b@www.alias.test', 'c@[127.0.0.2]'):
        send(server, recipient)
    server.send('joe@example.test', ['d@bücher.test'], b'Subject: x\r\n\r\nhello\r\n',
                options=['SMTPUTF8'])
    wait_until(lambda: len(sink.messages) == 4, what='four messages')
    server.wait_for_empty_queue()
    assert server.mail('joe@example.test') == []


def test_both_families_and_ipv4_alone(world):
    world.names.zone('both.test', '@ MX 10 mx\nmx AAAA ::1\nmx A 127.0.0.2')
    world.names.zone('half.test', '@ MX 10 mx\nmx AAAA ::1\nmx A 127.0.0.3')
    six, four = world.sink('::1'), world.sink('127.0.0.2')
    world.sink('127.0.0.3')
    server = world.serve(route='idle 0s', more='destination half.test {{ mx; port %d; ipv6 no }}' % world.port)
    send(server, 'a@both.test')
    wait_until(lambda: six.messages, what='mail over IPv6')
    send(server, 'b@half.test')
    wait_until(lambda: world.count('127.0.0.3'), what='mail over IPv4')
    assert len(six.messages) == 1 and not four.messages
    six.__exit__()
    send(server, 'c@both.test')
    wait_until(lambda: four.messages, what='mail over the other family')


def test_dns_that_fails_delays_its_domain_alone(world):
    world.names.zone('far.test', '@ MX 10 a\na A 127.0.0.2')
    world.names.zone('broken.test', '@ MX 10 a\na A 127.0.0.2', signed=True, spoil='expired')
    sink = world.sink('127.0.0.2')
    server = world.serve()
    send(server, 'a@broken.test')
    send(server, 'b@far.test')
    wait_until(lambda: sink.messages, what='the other domain')
    [waiting] = server.queue_ids()
    wait_until(lambda: b'cannot look up the mail servers of broken.test: its DNSSEC signatures do'
               in server.run('queue', 'show', waiting).stdout, what='the reason')
    assert len(sink.messages) == 1 and not server.mail('joe@example.test')


def test_a_backup_hands_to_better_servers_only(world):
    world.names.zone('kept.test', '''
        @   MX 10 a
        @   MX 20 mx.nuncio.test.
        @   MX 30 c
        a   A 127.0.0.2
        c   A 127.0.0.3
    ''')
    worse = world.sink('127.0.0.3')
    server = world.serve(more='domain kept.test {{ backup }}')
    server.send('stranger@elsewhere.test', ['a@kept.test'], b'Subject: x\r\n\r\nhello\r\n')
    wait_until(lambda: tries(server, 'a.kept.test'), what='a try')
    time.sleep(1)
    assert not worse.messages and server.queue_ids()
    better = world.sink('127.0.0.2')
    server.run('queue', 'retry', '--all', check=False)
    wait_until(lambda: better.messages, 90, what='mail at the server that is back')
    assert not worse.messages


def test_domains_of_one_provider_share_connections(world):
    for i in range(20):
        world.names.zone(f'd{i}.test', '@ MX 10 vanity\nvanity A 127.0.0.2')
    sink = world.sink('127.0.0.2')
    server = world.serve(route='concurrency 1')
    for i in range(20):
        send(server, f'a@d{i}.test')
        wait_until(lambda: len(sink.messages) == i + 1, what='each message')
    assert len([t for t in tries(server) if t['stage'] == 'ready']) <= 3, tries(server)


def test_a_bound_on_connections_to_an_address(world):
    for i in range(12):
        world.names.zone(f'd{i}.test', f'@ MX 10 mx{i}\nmx{i} A 127.0.0.2')
    sink = world.sink('127.0.0.2', delay=0.3)
    server = world.serve(route='address_concurrency 2; idle 0s')
    for i in range(12):
        send(server, f'a@d{i}.test')
    # Two at a time and a third of a second for each; waiting longer and longer took 32 s.
    wait_until(lambda: len(sink.messages) == 12, 20, what='all of it')
    assert sink.most <= 2
    server.wait_for_empty_queue()


def test_a_slow_site_holds_up_no_other(world):
    world.names.zone('slow.test', '@ MX 10 a\na A 127.0.0.2')
    world.names.zone('far.test', '@ MX 10 a\na A 127.0.0.3')
    slow, fast = world.sink('127.0.0.2', delay=5), world.sink('127.0.0.3')
    server = world.serve(route='concurrency 1')
    send(server, 'a@slow.test')
    time.sleep(0.5)
    send(server, 'b@far.test')
    wait_until(lambda: fast.messages, 4, what='the other site')
    assert not slow.messages
    server.wait_for_empty_queue()


def test_a_thousand_domains(world):
    zone = '\n'.join(f'd{i} MX 10 mx{i % 7}' for i in range(1000))
    world.names.zone('many.test', zone + '\n' + '\n'.join(
        f'mx{i} A 127.0.0.{i + 2}' for i in range(7)))
    for i in range(7):
        world.sink(f'127.0.0.{i + 2}')
    server = world.serve()
    for start in range(0, 1000, 100):
        send(server, *[f'a@d{i}.many.test' for i in range(start, start + 100)])
    server.wait_for_empty_queue(120)
    got = [r for sink in world.sinks.values() for m in sink.messages for r in m[1]]
    assert len(got) == 1000 and len(set(got)) == 1000
    assert server.mail('joe@example.test') == []


def test_silent_servers_hold_up_nobody_else(world):
    """Thirty servers that take connections and never greet, each with a window's worth of mail."""
    silent = [f'127.0.1.{i}' for i in range(1, 31)]
    for i, host in enumerate(silent):
        mute = world.stack.enter_context(socket.create_server((host, world.port), backlog=64))
        assert mute.fileno() >= 0
        world.names.zone(f'silent{i}.test', f'@ MX 10 mx\nmx A {host}')
    for i in range(5):
        world.names.zone(f'well{i}.test', '@ MX 10 mx\nmx A 127.0.0.2')
    world.sink('127.0.0.2')
    server = world.serve()
    for n in range(6):
        for i in range(len(silent)):
            send(server, f'{n}@silent{i}.test')
    time.sleep(2)  # all that can hang does
    began = time.monotonic()
    for i in range(50):
        send(server, f'{i}@well{i % 5}.test')
    wait_until(lambda: world.count('127.0.0.2') == 50, 30, 'mail past the silent servers')
    assert time.monotonic() - began < 15
