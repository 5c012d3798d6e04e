"""DANE towards other servers: TLSA records from signed and broken zones, and what fits them."""
import hashlib
import subprocess

import pytest

from names import Names
from peers import wait_until
from pki import Authority, Pair
from tls_peer import TlsSink, tls_context

CONF = '''
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain example.test {{{{ deliver maildir }}}}
route out {{{{ host mx.far.test:{port}; {settings} }}}}
default_route out
queue {{{{ retry_first 1s; retry_max 2s; gather 1s }}}}
'''
TEXT = b'Subject: x\r\n\r\nhello\r\n'
WRONG = 'ab' * 32


@pytest.fixture(scope='session')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('ca'))


@pytest.fixture(scope='session')
def pair(authority):
    """With the authority in its chain, as DANE-TA(2) wants it."""
    leaf = authority.issue('mx', ['mx.far.test'])
    chain = authority.folder / 'mx-chain.pem'
    chain.write_text(leaf.chain.read_text() + authority.ca.read_text())
    return Pair(chain, leaf.key)


def record(certificate, usage, selector, matching):
    """What a TLSA record says of the first certificate of a file."""
    command = ['openssl', 'x509', '-in', str(certificate), '-outform', 'DER']
    data = subprocess.run(command, capture_output=True, check=True).stdout
    if selector:
        key = subprocess.run(['openssl', 'x509', '-in', str(certificate), '-pubkey', '-noout'],
                             capture_output=True, check=True).stdout
        data = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'], input=key,
                              capture_output=True, check=True).stdout
    digest = [lambda d: d.hex(), lambda d: hashlib.sha256(d).hexdigest(),
              lambda d: hashlib.sha512(d).hexdigest()][matching]
    return f'{usage} {selector} {matching} {digest(data)}'


@pytest.fixture
def send(make_server, folder):
    """A server, the zone of its next one with these TLSA records, and one message."""
    running = []

    def make(sink, *records, settings='tls may', signed=True, spoil=None, extra=lambda names: None):
        names = Names(folder)
        running.append(names)
        names.zone('far.test', 'mx A 127.0.0.1\n' + ''.join(
            f'_{sink.port}._tcp.mx TLSA {text}\n' for text in records), signed=signed, spoil=spoil)
        extra(names)
        names.start()
        server = make_server(names.statement + CONF.format(port=sink.port, settings=settings))
        server.account('joe@example.test')
        server.send('joe@example.test', ['away@far.test'], TEXT)
        return server
    yield make
    for names in running:
        names.stop()


def wait_for_reply(server, words):
    wait_until(lambda: any(words in str(entry) for entry in server.json('queue', 'list')),
               what=f'"{words}" in the queue')


@pytest.mark.parametrize('usage', [2, 3])
@pytest.mark.parametrize('selector', [0, 1])
@pytest.mark.parametrize('matching', [0, 1, 2])
def test_records_that_fit(send, authority, pair, usage, selector, matching):
    pinned = authority.ca if usage == 2 else pair.chain
    with TlsSink(tls_context(pair)) as sink:
        server = send(sink, record(pinned, usage, selector, matching), settings='tls dane-only')
        server.wait_for_empty_queue()
    assert [message.tls for message in sink.messages] == ['TLSv1.3']
    assert sink.sessions[0].sni == 'mx.far.test'
    assert 'rule=dane' in server.log() and 'certificate=good' in server.log()


def test_one_record_that_fits_is_enough(send, pair):
    with TlsSink(tls_context(pair)) as sink:
        server = send(sink, f'3 1 1 {WRONG}', record(pair.chain, 3, 1, 1))
        server.wait_for_empty_queue()
    assert sink.messages[0].tls


def test_an_end_entity_needs_neither_name_nor_ca(send, authority):
    other = authority.issue('other', ['other.test'])
    with TlsSink(tls_context(other)) as sink:
        server = send(sink, record(other.chain, 3, 1, 1))
        server.wait_for_empty_queue()
    assert sink.messages[0].tls


@pytest.mark.parametrize('mode', [None, 'strip', 'garbage'])
def test_what_does_not_fit_waits_and_never_goes_in_the_clear(send, pair, mode):
    text = f'3 1 1 {WRONG}' if mode is None else record(pair.chain, 3, 1, 1)
    with TlsSink(tls_context(pair), mode) as sink:
        server = send(sink, text)
        wait_for_reply(server, 'no delivery without TLS (dane)')
        wait_until(lambda: len(sink.sessions) > 1, what='another try')
    assert sink.messages == []


def test_a_name_that_does_not_fit_the_trust_anchor_waits(send, authority):
    leaf = authority.issue('third', ['third.test'])
    leaf.chain.write_text(leaf.chain.read_text() + authority.ca.read_text())
    with TlsSink(tls_context(leaf)) as sink:
        server = send(sink, record(authority.ca, 2, 0, 1))
        wait_for_reply(server, 'hostname mismatch')
    assert sink.messages == []


def test_an_unsigned_zone_says_nothing(send, pair):
    with TlsSink(tls_context(pair)) as sink:
        server = send(sink, f'3 1 1 {WRONG}', signed=False)
        server.wait_for_empty_queue()
    assert sink.messages[0].tls and 'rule=opportunistic' in server.log()


def test_bogus_records_are_no_records(send, pair):
    def break_records(names):
        names.zone('_tcp.mx.far.test', f'_25 TLSA 3 1 1 {WRONG}', signed=True, spoil='expired')
    with TlsSink(tls_context(pair)) as sink:
        server = send(sink, extra=break_records)
        wait_for_reply(server, 'TLSA records of mx.far.test cannot be had')
    assert sink.sessions == []


@pytest.mark.parametrize('mode', [None, 'strip'])
def test_records_that_nobody_can_use_ask_for_encryption_alone(send, pair, mode):
    with TlsSink(tls_context(pair), mode) as sink:
        server = send(sink, f'1 1 1 {WRONG}')
        if mode:
            wait_for_reply(server, 'no delivery without TLS (encrypt)')
            assert sink.messages == []
        else:
            server.wait_for_empty_queue()
            assert sink.messages[0].tls


def test_dane_only_waits_where_there_are_none(send, pair):
    with TlsSink(tls_context(pair)) as sink:
        server = send(sink, settings='tls dane-only')
        wait_for_reply(server, 'has no secure TLSA records')
    assert sink.sessions == []


def test_a_sender_may_do_without(send, pair):
    """"TLS-Required: No" (RFC 8689): for a report about the very certificate that does not fit."""
    with TlsSink(tls_context(pair), 'strip') as sink:
        server = send(sink, record(pair.chain, 3, 1, 1))
        server.send('joe@example.test', ['away@far.test'], b'TLS-Required: No\r\n' + TEXT)
        wait_until(lambda: sink.messages, what='the message')
        wait_for_reply(server, 'no delivery without TLS (dane)')
    assert [message.text.count(b'TLS-Required') for message in sink.messages] == [1]
