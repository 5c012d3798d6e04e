"""STARTTLS as a stranger sees it: raw sockets against one running server, expectations from the RFCs
(3207, 8314, 2920) and docs/configuration.md, not from the code.

A conversation is a list of steps, see session.py.
"""
import re
import socket
import ssl
import struct

import pytest

from session import Tls, client_context
from tls_site import (ALERT, DATA, EHLO, HANDSHAKE, MAIL, NOOP, ORDER, QUIT, RCPT, STARTTLS, TAKEN,
                      TEXT, TLS_FIRST, authority, clients_authority, connect, find_mail, folder,
                      is_alert, rest, server, table)  # noqa: F401


# What is offered, and where.

def test_offered_before_and_not_after(connect):
    client = connect()
    before = client.extensions()
    assert before['STARTTLS'] == []
    client.run([STARTTLS])
    client.start_tls(client_context())
    after = client.extensions()
    assert 'STARTTLS' not in after
    assert before.keys() - {'STARTTLS'} <= after.keys()
    assert before['SIZE'] == after['SIZE']


def test_offered_on_submission(connect):
    before = connect('submission').extensions()
    assert 'STARTTLS' in before and 'AUTH' not in before
    after = connect('submission', tls=True).extensions()
    assert 'STARTTLS' not in after


def test_offered_by_lmtp(connect):
    client = connect('lmtp')
    assert 'STARTTLS' in client.extensions('LHLO client.test')


def test_not_offered_to_helo(connect):
    connect().run([('HELO client.test', r'250 [^\n]*$'), QUIT])


@pytest.mark.parametrize('port', ['smtps', 'mxs'])
def test_not_offered_under_implicit_tls(connect, port):
    client = connect(port, tls=True)
    assert 'STARTTLS' not in client.extensions()
    client.run([('STARTTLS', r'50[23] 5\.5\.1 '), NOOP])


def test_off_means_off(connect):
    client = connect('plain')
    assert 'STARTTLS' not in client.extensions()
    client.run([('STARTTLS', r'50[023] 5\.5\.1 '), MAIL])


# The command.

COMMANDS = {
    'in any case': [EHLO, ('sTaRtTlS', '220 ')],
    'an argument': [EHLO, ('STARTTLS now', r'501 5\.5\.4 '), NOOP],
    'an argument resets nothing': [EHLO, MAIL, ('STARTTLS now', r'(501 5\.5\.4|503 5\.5\.1) '), RCPT],
    'trailing blank': [EHLO, ('STARTTLS ', '220 ')],
    'twice its name': [EHLO, ('STARTTLSSTARTTLS', r'500 5\.5\.[12] '), NOOP],
    'with a NUL': [EHLO, (b'STARTTLS\0\r\n', r'50[01] 5\.5\.[24] '), NOOP],
}


@table(COMMANDS)
def test_the_command(connect, steps):
    connect().run(steps)


def test_a_second_starttls(connect):
    connect(tls=True).run([EHLO, ('STARTTLS', r'50[23] 5\.5\.1 '), NOOP, MAIL, RCPT, DATA, TEXT])


def test_starttls_ends_a_transaction(connect):
    """RFC 3207 section 4.2: what came before is forgotten, if it is taken there at all."""
    client = connect()
    client.run([EHLO, MAIL, RCPT])
    if client.say('STARTTLS', r'(220|503 5\.5\.1) ').startswith('503'):
        client.run([DATA, TEXT])
        return
    client.start_tls(client_context())
    client.run([('DATA', ORDER), (RCPT[0], ORDER), EHLO, ('DATA', ORDER), MAIL, RCPT, DATA, TEXT])


def test_the_hello_is_forgotten(connect):
    connect(tls=True).run([(MAIL[0], ORDER), (RCPT[0], ORDER), EHLO, MAIL])


def test_the_hello_before_does_not_reach_received(server, connect):
    client = connect()
    client.run([('EHLO liar.test', '250'), STARTTLS])
    client.start_tls(client_context())
    client.run([('EHLO honest.test', '250'), MAIL, ('RCPT TO:<trace+1@example.test>', TAKEN), DATA,
                ('Subject: hello of later\r\n\r\n.', TAKEN), QUIT])
    mail = find_mail(server, 'trace@example.test', b'hello of later')
    assert b'honest.test' in mail and b'liar.test' not in mail


# Without TLS where it is demanded.

REFUSED = {
    'mail': [EHLO, (MAIL[0], TLS_FIRST), NOOP],
    'mail after helo': [('HELO client.test', r'(250|530 5\.7\.0) '), (MAIL[0], TLS_FIRST), NOOP],
    'rcpt': [EHLO, (RCPT[0], TLS_FIRST), NOOP],
    'data': [EHLO, ('DATA', TLS_FIRST), NOOP],
    'bdat, whose octets are consumed': [EHLO, (b'BDAT 12 LAST\r\nNOOP\r\nNOOP\r\n', TLS_FIRST), NOOP],
    'vrfy': [EHLO, ('VRFY joe', TLS_FIRST), NOOP],
    'expn': [EHLO, ('EXPN joe', r'(530 5\.7\.0|502 5\.5\.1|502 5\.7\.0|550 5\.7\.\d) '), NOOP],
    'noop and rset': [EHLO, NOOP, ('RSET', r'(250 2\.0\.0|530 5\.7\.0) ')],
    'quit': [EHLO, QUIT],
    'then with it': [EHLO, (MAIL[0], TLS_FIRST), STARTTLS],
}


@table(REFUSED)
@pytest.mark.parametrize('port', ['submission', 'strict'])
def test_nothing_without_tls(connect, port, steps):
    connect(port).run(steps)


def test_tls_is_enough_where_no_login_is_wanted(connect):
    connect('strict', tls=True).run([EHLO, MAIL, RCPT, DATA, TEXT, QUIT])


# What was read before the handshake never counts after it.

INJECTED = {
    'a command': b'NOOP\r\n',
    'an envelope': b'MAIL FROM:<evil@client.test>\r\nRCPT TO:<joe@example.test>\r\n',
    'a whole session': b'EHLO evil.test\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<cut@example.test>\r\n'
                       b'DATA\r\nSubject: evil\r\n\r\nx\r\n.\r\nQUIT\r\n',
    'half a command': b'RSE',
    'one byte': b'\n',
    'a second starttls': b'STARTTLS\r\n',
    'quit': b'QUIT\r\n',
    'a long line': b'x' * 5000,
}


@pytest.mark.parametrize('port', ['mx', 'submission', 'lmtp'])
@pytest.mark.parametrize('injected', INJECTED.values(), ids=INJECTED)
def test_commands_in_the_segment_of_starttls(connect, port, injected):
    """The session ends, at best with a word why; there is no handshake."""
    client = connect(port)
    client.run([('LHLO client.test' if port == 'lmtp' else 'EHLO client.test', '250')])
    client.socket.sendall(b'STARTTLS\r\n' + injected)
    said = client.socket.buffer + rest(client.socket.socket)
    assert re.fullmatch(rb'([45]\d\d [^\r\n]*\r\n)?', said), said


@pytest.mark.parametrize('injected', [*INJECTED.values(), b'\r\n'], ids=[*INJECTED, 'an empty line'])
def test_commands_after_the_go_ahead(connect, injected):
    """Plain text where the ClientHello belongs, and the true one behind it."""
    client = connect()
    client.run([EHLO, STARTTLS])
    tls = Tls(client.socket.socket, client_context())
    client.socket.sendall(injected + tls.client_hello())
    said = rest(client.socket.socket)
    assert is_alert(said) and b'250' not in said, said


def test_the_client_hello_in_the_segment_of_starttls(connect):
    client = connect()
    client.run([EHLO])
    tls = Tls(client.socket.socket, client_context())
    client.socket.sendall(b'STARTTLS\r\n' + tls.client_hello())
    said = rest(client.socket.socket)
    assert re.fullmatch(rb'([45]\d\d [^\r\n]*\r\n)?', said), said


def test_nothing_injected_arrived(server, connect):
    connect(tls=True).run([EHLO, MAIL, ('RCPT TO:<cut+last@example.test>', TAKEN), DATA,
                           ('Subject: the only one\r\n\r\n.', TAKEN), QUIT])
    find_mail(server, 'cut@example.test', b'the only one')
    assert not any(b'evil' in mail for mail in server.mail('cut@example.test'))


# What is no ClientHello.

def record(kind, payload, version=b'\x03\x01', length=None):
    return bytes([kind]) + version + struct.pack('>H', len(payload) if length is None else length) \
        + payload


HELLO_BODY = b'\x03\x03' + b'r' * 32 + b'\0' + b'\0\x02\x13\x01' + b'\x01\0'
GARBAGE = {
    'text': b'EHLO client.test\r\n',
    'http': b'GET / HTTP/1.1\r\nHost: mx.nuncio.test\r\n\r\n',
    'zeros': b'\0' * 600,
    'ones': b'\xff' * 600,
    'an sslv2 hello': b'\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10' + b'\x01\x00\x80' * 7 + b'c' * 16,
    'no extensions at all': record(HANDSHAKE, b'\x01\0\0' + bytes([len(HELLO_BODY)]) + HELLO_BODY),
    'ssl 3.0': record(HANDSHAKE, b'\x01\0\0\x2d\x03\x00' + b'r' * 32 + b'\0\0\x04\0\x2f\0\x0a\x01\0',
                      b'\x03\x00'),
    'a record too long': record(HANDSHAKE, b'\x01' + b'x' * 20000, length=0xffff),
    'a hello of 16 MiB': record(HANDSHAKE, b'\x01\xff\xff\xff' + b'x' * 16000) * 20,
    'empty records': record(HANDSHAKE, b'') * 100,
    'application data': record(23, b'NOOP\r\n'),
    'a change of ciphers': record(20, b'\x01') * 40,
    'alerts': record(ALERT, b'\x01\x00') * 40,
    'a fatal alert': record(ALERT, b'\x02\x28'),
    'another handshake message': record(HANDSHAKE, b'\x14\0\0\x0c' + b'f' * 12),
    'a length inside that lies': record(HANDSHAKE, b'\x01\0\0\x30\x03\x03' + b'r' * 32 + b'\xff' * 14),
}


@pytest.mark.parametrize('port', ['mx', 'smtps'])
@pytest.mark.parametrize('garbage', GARBAGE.values(), ids=GARBAGE)
def test_garbage_for_a_client_hello(connect, port, garbage):
    client = connect(port, greeting=port == 'mx' and '220 ')
    if port == 'mx':
        client.run([EHLO, STARTTLS])
    try:
        client.socket.sendall(garbage)
        client.socket.socket.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has hung up already
    said = rest(client.socket.socket)
    assert is_alert(said) and b'220' not in said and b'250' not in said, said
    connect(tls=True).run([EHLO, NOOP])


def test_garbage_ends_the_session_by_itself(connect):
    """The server does not wait for the client to go."""
    client = connect()
    client.run([EHLO, STARTTLS])
    client.socket.sendall(GARBAGE['text'])
    assert is_alert(rest(client.socket.socket))


def test_plain_text_on_the_implicit_port(connect):
    client = connect('smtps', greeting=None)
    client.socket.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):  # not a word before the handshake
        client.socket.socket.recv(1)
    client.socket.socket.settimeout(20)
    client.socket.sendall(b'EHLO client.test\r\n')
    assert is_alert(rest(client.socket.socket))


@pytest.mark.parametrize('port', ['mx', 'submission', 'plain'])
def test_a_client_hello_on_a_plain_port(connect, port):
    """No handshake; replies in plain text, and an end."""
    client = connect(port, greeting='220 ')
    client.socket.sendall(Tls(client.socket.socket, client_context()).client_hello() + b'\r\n')
    client.socket.socket.shutdown(socket.SHUT_WR)
    said = client.socket.buffer + rest(client.socket.socket)
    assert re.fullmatch(rb'([45]\d\d[ -][^\r\n]*\r\n)*', said), said


def flights(client):
    """A handshake in pieces: each call of next() does one more part of it."""
    tls = Tls(client.socket.socket, client_context(maximum_version=ssl.TLSVersion.TLSv1_2))
    hello = tls.client_hello()
    client.socket.sendall(hello[:1])
    yield
    client.socket.sendall(hello[1:len(hello) // 2])
    yield
    client.socket.sendall(hello[len(hello) // 2:])
    yield
    tls.feed()
    try:
        tls.object.do_handshake()
    except ssl.SSLWantReadError:
        pass
    second = tls.outgoing.read()
    client.socket.sendall(second[:len(second) // 2])
    yield
    client.socket.sendall(second[len(second) // 2:])
    yield


@pytest.mark.parametrize('end', ['fin', 'reset'])
@pytest.mark.parametrize('parts', range(6))
def test_cut_off_in_the_handshake(connect, parts, end):
    client = connect()
    client.run([EHLO, STARTTLS])
    for _, _ in zip(range(parts), flights(client)):
        pass
    if end == 'reset':
        client.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.socket.close()
    connect(tls=True).run([EHLO, NOOP, QUIT])


def test_a_client_hello_in_single_bytes(connect):
    client = connect()
    client.run([EHLO, STARTTLS])
    tls = Tls(client.socket.socket, client_context())
    for byte in tls.client_hello():
        client.socket.sendall(bytes([byte]))
    tls.handshake()
    client.socket = tls
    client.run([EHLO, MAIL, RCPT, DATA, TEXT, QUIT])


def test_stalled_handshakes_hold_up_nobody(connect):
    stalled = [connect() for _ in range(20)]
    for client in stalled:
        client.run([EHLO, STARTTLS])
        client.socket.sendall(Tls(client.socket.socket, client_context()).client_hello()[:40])
    connect(tls=True).run([EHLO, MAIL, RCPT, DATA, TEXT, QUIT])
