"""The resolver against a real name server: signed, unsigned and broken zones on a private nsd.

The questions are put by tests/unit/dns/dns_ask.c, which is src/dns and nothing else.
"""
import collections
import contextlib
import socket
import subprocess
import time

import pytest

from names import Names
from peers import Sink, free_port, wait_until
from server import BUILD, SANITIZER

Answer = collections.namedtuple('Answer', 'result security ttl canonical why records')
ASK = BUILD / 'tests/unit/dns/dns_ask'


def ask(folder, statement, *questions, deadline=10000):
    """Answers in the order of the questions, each 'TYPE NAME'; all are asked at once."""
    conf = folder / 'dns.conf'
    conf.write_text('hostname asker.test\n' + statement.replace('{{', '{').replace('}}', '}') + '\n')
    done = subprocess.run([ASK, conf, str(deadline), *' '.join(questions).split()],
                          capture_output=True, text=True, timeout=120, check=False)
    assert not SANITIZER.search(done.stderr), done.stderr
    assert done.returncode == 0, done.stderr
    ask.log = done.stderr
    return [Answer(a, b, int(c), d, e, f.split()) for a, b, c, d, e, f in
            (line.split('\t') for line in done.stdout.splitlines())]


def many(count):
    return '\n'.join(f'@ MX {n} mail-server-with-a-long-name-{n}' for n in range(count))


@pytest.fixture(scope='module')
def names(tmp_path_factory):
    with Names(tmp_path_factory.mktemp('dns')) as names:
        names.zone('signed.test', f'''
            @ MX 10 mx
            @ TXT "v=spf1" " -all"
            mx A 127.0.0.2
            mx AAAA ::2
            _25._tcp.mx TLSA 3 1 1 {'ab' * 32}
            _submissions._tcp SRV 0 1 465 mx
            alias CNAME mx
            chain CNAME alias
            loop CNAME loop2
            loop2 CNAME loop
            out CNAME mx.plain.test.
            into-nothing CNAME nobody
            null MX 0 .
        ''', signed=True)
        names.zone('plain.test', '''
            @ MX 10 mx
            mx A 127.0.0.3
            in CNAME mx.signed.test.
        ''')
        names.zone('inner.signed.test', '@ A 127.0.0.4')
        names.zone('deep.signed.test', '@ A 127.0.0.4', signed=True)
        names.zone('expired.test', '@ A 127.0.0.5\n@ MX 10 mx', signed=True, spoil='expired')
        names.zone('wrong-ds.test', '@ A 127.0.0.5', signed=True, spoil='wrong-ds')
        names.zone('forged.test', '@ A 127.0.0.5', signed=True, spoil='unsigned-data')
        names.zone('big.test', many(60), signed=True)
        names.zone('huge.test', many(200), signed=True)
        names.start()
        yield names


@pytest.mark.parametrize('question, expected', [
    ('MX signed.test', ('found', 'secure', 'signed.test')),
    ('MX SIGNED.Test.', ('found', 'secure', 'signed.test')),
    ('TXT signed.test', ('found', 'secure', 'signed.test')),
    ('TLSA _25._tcp.mx.signed.test', ('found', 'secure', '_25._tcp.mx.signed.test')),
    ('SRV _submissions._tcp.signed.test', ('found', 'secure', '_submissions._tcp.signed.test')),
    ('AAAA mx.signed.test', ('found', 'secure', 'mx.signed.test')),
    ('A deep.signed.test', ('found', 'secure', 'deep.signed.test')),
    ('A inner.signed.test', ('found', 'insecure', 'inner.signed.test')),
    ('MX plain.test', ('found', 'insecure', 'plain.test')),
    # absences
    ('MX mx.signed.test', ('no-data', 'secure', 'mx.signed.test')),
    ('TLSA _25._tcp.nobody.signed.test', ('no-name', 'secure', '_25._tcp.nobody.signed.test')),
    ('MX nobody.signed.test', ('no-name', 'secure', 'nobody.signed.test')),
    ('MX nobody.test', ('no-name', 'secure', 'nobody.test')),
    ('MX nobody.plain.test', ('no-name', 'insecure', 'nobody.plain.test')),
    ('MX mx.plain.test', ('no-data', 'insecure', 'mx.plain.test')),
    # aliases
    ('A alias.signed.test', ('found', 'secure', 'mx.signed.test')),
    ('A chain.signed.test', ('found', 'secure', 'mx.signed.test')),
    ('CNAME chain.signed.test', ('found', 'secure', 'chain.signed.test')),
    ('A out.signed.test', ('found', 'insecure', 'mx.plain.test')),
    ('A in.plain.test', ('found', 'insecure', 'mx.signed.test')),
    ('A into-nothing.signed.test', ('no-name', 'secure', 'nobody.signed.test')),
    # what is no name
    ('A a..test', ('no-name', 'insecure', 'a..test')),
    ('A ' + 'a' * 64 + '.test', ('no-name', 'insecure', 'a' * 64 + '.test')),
])
def test_answers(names, tmp_path, question, expected):
    [answer] = ask(tmp_path, names.statement, question)
    assert (answer.result, answer.security, answer.canonical) == expected
    assert answer.why == '-'


@pytest.mark.parametrize('question, why', [
    ('A expired.test', 'signature expired'),
    ('MX expired.test', 'signature expired'),
    ('TLSA _25._tcp.mx.expired.test', 'signature expired'),
    ('A wrong-ds.test', 'DS'),
    ('A forged.test', 'signature verification failed'),
])
def test_a_broken_zone_is_its_own_failure(names, tmp_path, question, why):
    broken, other = ask(tmp_path, names.statement, question, 'MX signed.test')
    assert (broken.result, broken.security, broken.records) == ('failed', 'bogus', [])
    assert broken.why.startswith('validation failed: ') and why in broken.why
    assert (other.result, other.security) == ('found', 'secure')


def test_records_are_whole(names, tmp_path):
    mx, txt, null = ask(tmp_path, names.statement, 'MX signed.test', 'TXT signed.test',
                        'MX null.signed.test')
    assert mx.records == ['000a' + '026d78067369676e6564047465737400']
    assert bytes.fromhex(txt.records[0]) == b'\x06v=spf1\x05 -all'
    assert null.records == ['000000']


def test_a_loop_of_aliases_ends(names, tmp_path):
    loop, other = ask(tmp_path, names.statement, 'A loop.signed.test', 'A mx.signed.test')
    assert loop.result in ('failed', 'no-data') and not loop.records
    assert other.result == 'found'


def test_big_answers_come_over_tcp(names, tmp_path):
    big, huge = ask(tmp_path, names.statement, 'MX big.test', 'MX huge.test')
    assert (big.result, big.security, len(big.records)) == ('found', 'secure', 60)
    assert (huge.result, huge.security, len(huge.records)) == ('found', 'secure', 64)


def test_without_validation_nothing_is_secure_or_bogus(names, tmp_path):
    statement = f'dns {{ server 127.0.0.1:{names.port}; validate no }}'
    for answer in ask(tmp_path, statement, 'MX signed.test', 'A expired.test', 'A forged.test'):
        assert (answer.result, answer.security) == ('found', 'insecure')


def test_instead_of_the_root_servers(names, tmp_path):
    found, bogus, absent = ask(tmp_path, names.stub_statement, 'MX signed.test', 'A expired.test',
                               'MX nobody.test')
    assert (found.result, found.security) == ('found', 'secure')
    assert (bogus.result, bogus.security) == ('failed', 'bogus')
    assert (absent.result, absent.security) == ('no-name', 'secure')


def test_thousands_at_once(names, tmp_path):
    questions = [f'A x{n}.plain.test' for n in range(4000)]
    started = time.monotonic()
    answers = ask(tmp_path, names.statement, *questions, 'MX plain.test', deadline=60000)
    assert {a.result for a in answers[:-1]} == {'no-name'}
    assert answers[-1].result == 'found'
    assert time.monotonic() - started < 60


@contextlib.contextmanager
def silent_server():
    """Takes questions and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(('127.0.0.1', 0))
        yield sock.getsockname()[1]


def test_a_silent_server_costs_the_deadline_and_no_more(tmp_path):
    with silent_server() as port:
        started = time.monotonic()
        answers = ask(tmp_path, f'dns {{ server 127.0.0.1:{port} }}',
                      *[f'MX d{n}.test' for n in range(100)], deadline=1500)
        assert {a.result for a in answers} == {'timeout'}
        assert 1.4 < time.monotonic() - started < 10


def test_nobody_at_home(tmp_path):
    [answer] = ask(tmp_path, f'dns {{ server 127.0.0.1:{free_port()}; validate no }}', 'MX a.test',
                   deadline=1500)
    assert answer.result in ('failed', 'timeout')


def test_the_second_server_helps(names, tmp_path):
    statement = names.statement.replace('server ', f'server 127.0.0.1:{free_port()} ', 1)
    [answer] = ask(tmp_path, statement, 'MX signed.test')
    assert (answer.result, answer.security) == ('found', 'secure')


def test_hosts_count_for_addresses_alone(names, tmp_path):
    address, mx = ask(tmp_path, names.statement, 'A localhost', 'MX localhost')
    assert (address.result, address.records) == ('found', ['7f000001'])
    assert mx.result != 'found'


def test_bad_trust_anchors_are_told_at_start(names, tmp_path):
    (tmp_path / 'rubbish').write_text('this is no key\n')
    for path in (tmp_path / 'missing', tmp_path / 'rubbish'):
        conf = tmp_path / 'dns.conf'
        conf.write_text(f'hostname a.test\ndns {{ server 127.0.0.1; trust_anchor {path} }}\n')
        done = subprocess.run([ASK, conf, '100', 'A', 'a.test'], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 3
        assert 'dns settings' in done.stderr and str(path) in done.stderr


def test_a_resolver_that_strips_dnssec_stops_no_mail(tmp_path):
    """Zones without a signature, and a trust anchor: what passes through it looks forged."""
    with Names(tmp_path, signed_root=False) as stripped:
        stripped.zone('example.test', '@ MX 10 mx')
        stripped.start()
        anchor = tmp_path / 'root.ds'
        anchor.write_text('. IN DS 20326 8 2 ' + '8E' * 32 + '\n')
        statement = f'dns {{ server 127.0.0.1:{stripped.port}; trust_anchor {anchor} }}'
        answers = ask(tmp_path, statement, *['MX example.test', 'MX nobody.test'] * 50,
                      'wait 0', 'MX example.test', 'A mx.example.test')
        assert {(a.result, a.security) for a in answers[:100:2]} == {('found', 'insecure')}
        assert {(a.result, a.security) for a in answers[1:100:2]} == {('no-name', 'insecure')}
        assert [a.result for a in answers[100:]] == ['found', 'no-name']
        assert ask.log.count('DANE is off because resolver '
                             f'127.0.0.1:{stripped.port} does not pass DNSSEC') == 1
        # Nobody is in between who could strip anything: there it is an attack.
        [bogus] = ask(tmp_path, statement.replace('server', 'stub'), 'MX example.test')
        assert (bogus.result, bogus.security) == ('failed', 'bogus')


def test_answers_are_kept_as_long_as_they_are_good(tmp_path):
    with Names(tmp_path, ttl=600) as names:
        names.zone('example.test', '@ MX 10 mx\nbrief 1 A 127.0.0.1', signed=True)
        names.start()
        questions = ['MX example.test', 'MX nobody.test', 'A brief.example.test']
        answers = ask(tmp_path, names.statement, *questions, 'wait 1200', *questions)
        assert [a.result for a in answers] == ['found', 'no-name', 'found'] * 2
        assert [a.security for a in answers] == ['secure'] * 6
        assert answers[0].ttl == 600 and 590 <= answers[3].ttl < 600
        assert answers[5].ttl <= 1


ROUTE = """
domain far.test {{ route far }}
route far {{ host sink.host.test:{sink} }}
"""
MAIL = b'Subject: by name\r\n\r\nhello\r\n'


def relays(make_server, statement, port):
    """A server, behind its sandbox, finds the host of a route by name."""
    server = make_server(statement + ROUTE.replace('{sink}', str(port)), start=False)
    server.start()
    return server


def test_relay_asks_as_the_section_says(make_server, folder):
    with Sink() as sink, Names(folder) as names:
        names.zone('host.test', 'sink A 127.0.0.1', signed=True)
        names.start()
        server = relays(make_server, names.statement + 'listen mx {{ service mx; address '
                        '127.0.0.1:{mx} }}', sink.port)
        server.send('a@b.test', ['joe@far.test'], MAIL)
        wait_until(lambda: sink.messages)
        assert 'DANE is off' not in server.log()


def test_relay_goes_on_behind_a_resolver_that_strips_dnssec(make_server, folder):
    """The keys are the world's root's, and nothing here is signed by them."""
    with Sink() as sink, Names(folder, signed_root=False) as names:
        names.zone('host.test', 'sink A 127.0.0.1')
        names.start()
        server = relays(make_server, f'dns {{{{ server 127.0.0.1:{names.port} }}}}\n'
                        'listen mx {{ service mx; address 127.0.0.1:{mx} }}', sink.port)
        for _ in range(3):
            server.send('a@b.test', ['joe@far.test'], MAIL)
        wait_until(lambda: len(sink.messages) == 3)
        assert server.log().count('DANE is off because resolver '
                                  f'127.0.0.1:{names.port} does not pass DNSSEC') == 1
