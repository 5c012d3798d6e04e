"""TLS as a stranger sees it: raw sockets against one running server, expectations from the RFCs
(3207, 8314, 3848, 7301, 8446, 2920) and docs/configuration.md, not from the code.

A conversation is a list of steps, see session.py.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import time

import pytest

from pki import Authority
from server import Server
from session import CLOSED, Client, Tls, client_context

CONF = '''
listen mx         {{ service mx; address 127.0.0.1:{mx} }}
listen plain      {{ service mx; address 127.0.0.1:{plain}; tls off }}
listen strict     {{ service mx; address 127.0.0.1:{strict}; tls required }}
listen submission {{ service submission; address 127.0.0.1:{submission} }}
listen smtps      {{ service submission; address 127.0.0.1:{smtps}; tls implicit; auth required }}
listen mxs        {{ service mx; address 127.0.0.1:{mxs}; tls implicit; proxy_protocol {{ 127.0.0.2 }} }}
listen lmtp       {{ service lmtp; address 127.0.0.1:{lmtp}; tls offered }}
listen asked      {{ service mx; address 127.0.0.1:{asked}; client_certificate asked;
                     client_ca CLIENTS }}
listen demanded   {{ service mx; address 127.0.0.1:{demanded}; tls implicit;
                     client_certificate required; client_ca CLIENTS }}
certificate main  {{ chain MAIN.pem; key MAIN.key }}
certificate rsa   {{ chain RSA.pem; key RSA.key }}
certificate other {{ chain OTHER.pem; key OTHER.key }}
domain example.test {{ deliver maildir }}
limits {{ message_size 4M; idle_commands 5000; errors 30 }}
'''
TAKEN = r'250 2\.\d\.\d '
ORDER = r'503 5\.5\.1 '
EHLO = ('EHLO client.test', '250')
MAIL = ('MAIL FROM:<a@client.test>', r'250 2\.1\.0 ')
RCPT = ('RCPT TO:<joe@example.test>', r'250 2\.1\.5 ')
DATA = ('DATA', '354')
TEXT = ('Subject: x\r\n\r\nhello\r\n.', TAKEN)
NOOP = ('NOOP', r'250 2\.0\.0 ')
QUIT = ('QUIT', r'221 2\.0\.0 ', CLOSED)
STARTTLS = ('STARTTLS', r'220 ')
TLS_FIRST = r'530 5\.7\.0 '
ALERT, HANDSHAKE = 21, 22


@pytest.fixture(scope='module')
def folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-', dir='/var/tmp'))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope='module')
def authority(folder):
    return Authority(folder / 'ca')


@pytest.fixture(scope='module')
def clients_authority(folder):
    """Who issues the clients' certificates is somebody else."""
    return Authority(folder / 'clients', 'Test client CA')


@pytest.fixture(scope='module')
def server(users, folder, authority, clients_authority):
    authority.issue('main', ['mx.nuncio.test'])
    authority.issue('rsa', ['mx.nuncio.test'], kind='rsa')
    authority.issue('other', ['other.nuncio.test', '*.wild.test'])
    conf = CONF.replace('CLIENTS', str(clients_authority.ca))
    for name in ('main', 'rsa', 'other'):
        conf = conf.replace(name.upper() + '.', f'{authority.folder / name}.')
    server = Server(folder / 's', conf)
    for name in ('joe', 'trace', 'large', 'cut', 'many'):
        server.account(f'{name}@example.test')
    yield server
    server.stop()


@pytest.fixture
def connect(server):
    """A session after its greeting; with tls (a context, or True) under TLS: by STARTTLS, or at once
    where the listener wants it."""
    clients = []

    def open_session(port='mx', tls=None, first=b'', source=None, name=None, session=None,
                     greeting=r'220 mx\.nuncio\.test '):
        context = client_context() if tls is True else tls
        implicit = context if port in ('smtps', 'mxs', 'demanded') else None
        client = Client(('127.0.0.1', server.port(port)), source, first, implicit, name, session)
        clients.append(client)
        if greeting:
            assert re.match(greeting, str(client.reply()))
        if context and not implicit:
            client.run([('LHLO client.test' if port == 'lmtp' else 'EHLO client.test', '250'),
                        STARTTLS])
            client.start_tls(context, name, session)
        return client
    yield open_session
    for client in clients:
        client.__exit__()


def table(cases):
    return pytest.mark.parametrize('steps', cases.values(), ids=cases.keys())


def rest(sock):
    """All that comes until the end."""
    data = b''
    try:
        while more := sock.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


def is_alert(data):
    """Nothing, or TLS records that end with an alert."""
    return data == b'' or data[0] in (ALERT, HANDSHAKE)


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


def find_mail(server, address, subject):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for mail in server.mail(address):
            if b'Subject: ' + subject in mail:
                return mail
        time.sleep(0.05)
    raise AssertionError(f'no mail {subject}')


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


# Versions, ciphers, certificates.

OLD = {
    'TLS 1.0': ssl.TLSVersion.TLSv1,
    'TLS 1.1': ssl.TLSVersion.TLSv1_1,
}


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
@pytest.mark.parametrize('port', ['mx', 'submission', 'smtps'])
@pytest.mark.parametrize('version', OLD.values(), ids=OLD)
def test_old_versions_are_refused(connect, port, version):
    context = client_context(ciphers='ALL:@SECLEVEL=0', minimum_version=version,
                             maximum_version=version)
    with pytest.raises(ssl.SSLError, match='PROTOCOL_VERSION'):  # the server's alert
        connect(port, tls=context)


@pytest.mark.parametrize('version', ['TLSv1.2', 'TLSv1.3'])
@pytest.mark.parametrize('port', ['mx', 'submission', 'smtps', 'lmtp'])
def test_new_versions(connect, port, version):
    number = ssl.TLSVersion.TLSv1_3 if version == 'TLSv1.3' else ssl.TLSVersion.TLSv1_2
    context = client_context(minimum_version=number, maximum_version=number)
    client = connect(port, tls=context)
    client.run([('LHLO client.test' if port == 'lmtp' else 'EHLO client.test', '250'), NOOP])
    assert client.tls.version() == version


WEAK = ['AES128-SHA', 'AES256-GCM-SHA384', 'ECDHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384',
        'NULL-SHA256', 'ECDHE-ECDSA-NULL-SHA', 'ADH-AES128-GCM-SHA256', 'AECDH-AES128-SHA',
        'CAMELLIA128-SHA', 'DHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES128-CCM8']
STRONG = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384',
          'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-AES128-GCM-SHA256',
          'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305']


@pytest.mark.parametrize('cipher', WEAK)
def test_weak_ciphers_are_refused(connect, cipher):
    """Without forward secrecy, without authentication, without AEAD."""
    context = client_context(ciphers=f'{cipher}:@SECLEVEL=0',
                             maximum_version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises(ssl.SSLError, match='HANDSHAKE_FAILURE'):
        connect(tls=context)


@pytest.mark.parametrize('cipher', STRONG)
def test_rsa_and_ecdsa_side_by_side(connect, authority, cipher):
    context = client_context(ca=authority.ca, ciphers=cipher,
                             maximum_version=ssl.TLSVersion.TLSv1_2)
    client = connect(tls=context, name='mx.nuncio.test')
    assert client.tls.cipher()[0] == cipher
    client.run([EHLO, NOOP])


NAMES = {
    'mx.nuncio.test': 'mx.nuncio.test',
    'MX.Nuncio.Test': 'mx.nuncio.test',
    'other.nuncio.test': 'other.nuncio.test',
    'host.wild.test': 'other.nuncio.test',
    'deeper.host.wild.test': 'mx.nuncio.test',
    'unknown.test': 'mx.nuncio.test',
    None: 'mx.nuncio.test',
}


@pytest.mark.parametrize('port', ['mx', 'smtps'])
@pytest.mark.parametrize('name', NAMES)
def test_a_certificate_for_each_name(connect, authority, port, name):
    context = client_context(ca=authority.ca)
    context.check_hostname = False  # it is looked at here
    client = connect(port, tls=context, name=name)
    subject = dict(part for [part] in client.tls.getpeercert()['subject'])
    assert subject['commonName'] == NAMES[name]
    client.run([EHLO, QUIT])


ALPN = {
    'smtp': (['smtp'], 'smtp'),
    'smtp among others': (['h2', 'http/1.1', 'smtp'], 'smtp'),
    'none': (None, None),
}


@pytest.mark.parametrize('port', ['mx', 'smtps'])
@pytest.mark.parametrize('offered, chosen', ALPN.values(), ids=ALPN)
def test_alpn(connect, port, offered, chosen):
    client = connect(port, tls=client_context(**({'alpn': offered} if offered else {})))
    assert client.tls.selected_alpn_protocol() == chosen
    client.run([EHLO, NOOP])


@pytest.mark.parametrize('offered', [['h2'], ['http/1.1', 'imap'], ['smtps'], ['SMTP']])
def test_alpn_of_another_protocol(connect, offered):
    """RFC 7301 section 3.2: no overlap, no session."""
    with pytest.raises(ssl.SSLError, match='(?i)no.application.protocol'):
        connect('smtps', tls=client_context(alpn=offered))


@pytest.mark.parametrize('version', ['TLSv1_2', 'TLSv1_3'])
def test_a_session_is_resumed(connect, version):
    number = ssl.TLSVersion[version]
    context = client_context(minimum_version=number, maximum_version=number)
    first = connect(tls=context, name='mx.nuncio.test')
    first.run([EHLO, MAIL, NOOP])  # with TLS 1.3 the ticket comes behind the handshake
    assert first.tls.session.has_ticket and not first.tls.session_reused
    again = connect(tls=context, name='mx.nuncio.test', session=first.tls.session)
    assert again.tls.session_reused
    again.run([(MAIL[0], ORDER), EHLO, MAIL, RCPT, DATA, TEXT, QUIT])  # of TLS alone


def test_a_resumed_session_on_another_listener_brings_nothing(connect):
    context = client_context()
    first = connect(tls=context, name='mx.nuncio.test')
    first.run([EHLO, NOOP])
    again = connect('submission', tls=context, name='mx.nuncio.test', session=first.tls.session)
    again.run([EHLO, (MAIL[0], r'530 5\.7\.0 ')])


def s_client(server, said, *options, port='mx'):
    """openssl s_client, which knows what Python does not. said: lines, a moment between them. It ends
    lines with LF, and is told to make CRLF of it."""
    process = subprocess.Popen(['openssl', 's_client', '-crlf', '-connect',
                                f'127.0.0.1:{server.port(port)}', *(['-starttls', 'smtp'] if port == 'mx' else []), *options],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        for line in said:
            time.sleep(0.3)
            os.write(process.stdin.fileno(), line + b'\n')
        time.sleep(0.3)
        return process.communicate(timeout=20)[0].decode(errors='replace')
    finally:
        process.kill()


@pytest.mark.skipif(not shutil.which('openssl'), reason='openssl is not installed')
def test_no_renegotiation(server):
    said = s_client(server, [b'EHLO client.test', b'R'], '-tls1_2')
    assert 'RENEGOTIATING' in said, said
    assert 'no renegotiation' in said, said


@pytest.mark.skipif(not shutil.which('openssl'), reason='openssl is not installed')
def test_new_keys_within_a_session(server):
    """RFC 8446 section 4.6.3."""
    said = s_client(server, [b'EHLO client.test', b'K', b'NOOP', b'K', b'quit'], '-tls1_3')
    assert 'KEYUPDATE' in said and '250 2.0.0' in said and '221 2.0.0' in said, said


@pytest.mark.skipif(not shutil.which('openssl'), reason='openssl is not installed')
def test_no_early_data(server):
    """It could be replayed: a ticket allows none."""
    said = s_client(server, [b'EHLO client.test', b'quit'], '-tls1_3')
    assert 'Max Early Data: 0' in said, said


# Records and segments.

def test_commands_in_one_record(connect):
    client = connect(tls=True)
    client.run([EHLO])
    client.say(b'MAIL FROM:<a@client.test>\r\nRCPT TO:<joe@example.test>\r\nDATA\r\n', TAKEN, TAKEN, '354')
    client.say(b'Subject: x\r\n\r\nhello\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<joe@example.test>\r\nDATA\r\n',
               TAKEN, TAKEN, TAKEN, '354')
    client.run([TEXT, QUIT])


def test_a_record_for_each_byte(connect):
    client = connect(tls=True)
    for command in (b'EHLO client.test\r\n', b'MAIL FROM:<a@client.test>\r\n',
                    b'RCPT TO:<joe@example.test>\r\n', b'DATA\r\n', b'Subject: x\r\n\r\nx\r\n.\r\n'):
        for byte in command:
            client.socket.sendall(bytes([byte]))
        assert re.match('250|354', client.reply())


def test_a_segment_for_each_byte(connect):
    client = connect(tls=True)
    client.run([EHLO])
    for byte in client.socket.encrypt(b'NOOP\r\n'):
        client.socket.socket.sendall(bytes([byte]))
    client.say(b'', NOOP[1])
    client.run([MAIL, RCPT, DATA, TEXT, QUIT])


def test_many_records_in_one_segment(connect):
    client = connect(tls=True)
    client.run([EHLO])
    client.socket.socket.sendall(b''.join(client.socket.encrypt(b'NOOP\r\n') for _ in range(200)))
    client.say(b'', *[NOOP[1]] * 200)


def test_a_full_record_of_commands(connect):
    """More than a session may do at once: the rest is in no socket, and must not be forgotten."""
    client = connect(tls=True)
    client.run([EHLO])
    count = 16384 // len(b'NOOP\r\n')
    client.say(b'NOOP\r\n' * count, *[NOOP[1]] * count)
    client.run([MAIL, RCPT])


def test_a_record_that_ends_inside_a_command(connect):
    client = connect(tls=True)
    client.run([EHLO])
    client.say(b'NOOP\r\nRSE', NOOP[1])
    client.say(b'T\r\nNO', r'250 2\.0\.0 ')
    client.say(b'OP\r\n', NOOP[1])


def test_replies_that_nobody_reads(connect):
    client = connect(tls=True)
    client.run([EHLO])
    for _ in range(20):
        client.socket.socket.sendall(client.socket.encrypt(b'NOOP\r\n' * 200))
    time.sleep(0.2)
    client.say(b'', *[NOOP[1]] * 4000)


def test_past_the_last_of_a_group(connect):
    """RFC 2920 holds under TLS as well."""
    connect(tls=True).say(b'EHLO client.test\r\nMAIL FROM:<>\r\n', '(503|554)', CLOSED)


def test_a_large_message_arrives_as_it_was(server, connect):
    body = b''.join(b'%07d %s\r\n' % (i, b'x' * (i % 200)) for i in range(30000))
    client = connect(tls=True)
    client.run([EHLO, MAIL, ('RCPT TO:<large@example.test>', TAKEN), DATA])
    client.say(b'Subject: large\r\n\r\n' + body + b'.\r\n', TAKEN)
    client.run([MAIL, ('RCPT TO:<large@example.test>', TAKEN)])
    chunk = b'Subject: chunks\r\n\r\n' + body
    client.say(b'BDAT %d LAST\r\n' % len(chunk) + chunk, TAKEN)
    for subject in (b'large', b'chunks'):
        mail = find_mail(server, 'large@example.test', subject)
        assert mail.replace(b'\r\n', b'\n').endswith(b'\n\n' + body.replace(b'\r\n', b'\n'))


def test_a_record_too_long(connect):
    client = connect(tls=True)
    client.run([EHLO])
    client.socket.socket.sendall(b'\x17\x03\x03\xff\xff' + b'x' * 65535)
    said = rest(client.socket.socket)
    assert said == b'' or said[0] in (ALERT, 23), said


def test_a_forged_record(connect):
    """What does not verify is not read: the session ends, nothing is answered."""
    client = connect(tls=True)
    client.run([EHLO])
    sealed = bytearray(client.socket.encrypt(b'NOOP\r\n'))
    sealed[-1] ^= 1
    client.socket.socket.sendall(bytes(sealed))
    with pytest.raises(ssl.SSLError, match='(?i)bad.record.mac|eof'):
        client.reply()


def test_plain_text_in_a_session_under_tls(connect):
    client = connect(tls=True)
    client.run([EHLO])
    client.socket.socket.sendall(b'NOOP\r\nQUIT\r\n')
    with pytest.raises(ssl.SSLError):
        client.reply()


# The end.

def test_quit_ends_tls_properly(connect):
    """With close_notify: a client can tell an end from a cut."""
    client = connect(tls=True)
    client.run([EHLO, QUIT])
    assert client.socket.read() == b''


def test_close_notify_ends_the_session(connect):
    client = connect(tls=True)
    client.run([EHLO, MAIL, RCPT])
    client.socket.close_notify()
    rest(client.socket.socket)  # it comes to an end


@pytest.mark.parametrize('end', ['close_notify', 'fin', 'reset'])
def test_an_end_inside_a_message(server, connect, end):
    client = connect(tls=True)
    client.run([EHLO, MAIL, ('RCPT TO:<cut@example.test>', TAKEN), DATA])
    client.socket.sendall(b'Subject: torn\r\n\r\nhalf a\r\n.')
    if end == 'close_notify':
        client.socket.close_notify()
        rest(client.socket.socket)
    elif end == 'reset':
        client.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.socket.close()
    marker = f'after the {end}'
    connect(tls=True).run([EHLO, MAIL, ('RCPT TO:<cut@example.test>', TAKEN), DATA,
                           (f'Subject: {marker}\r\n\r\n.', TAKEN), QUIT])
    find_mail(server, 'cut@example.test', marker.encode())
    assert not any(b'torn' in mail for mail in server.mail('cut@example.test'))


# What a message tells of it.

def received(server, subject):
    mail = find_mail(server, 'trace@example.test', subject)
    [field] = re.findall(rb'(?m)^Received: .*(?:\n[ \t].*)*', mail)
    return re.sub(r'\s+', ' ', field.decode())


def send_trace(client, subject, sender='<a@client.test>', hello='EHLO client.test'):
    client.run([(hello, '250'), (f'MAIL FROM:{sender}', TAKEN),
                ('RCPT TO:<trace@example.test>', TAKEN), DATA,
                (f'Subject: {subject}\r\n\r\nx\r\n.', TAKEN), QUIT])


WITH = {
    # RFC 3848, RFC 6531 section 4.3
    'ESMTP': ('mx', False, 'EHLO client.test', '<a@client.test>'),
    'ESMTPS': ('mx', True, 'EHLO client.test', '<a@client.test>'),
    'UTF8SMTPS': ('mx', True, 'EHLO client.test', '<\u00e4@client.test> SMTPUTF8'),
    'LMTP': ('lmtp', False, 'LHLO client.test', '<a@client.test>'),
    'LMTPS': ('lmtp', True, 'LHLO client.test', '<a@client.test>'),
    'UTF8LMTPS': ('lmtp', True, 'LHLO client.test', '<\u00e4@client.test> SMTPUTF8'),
}


@pytest.mark.parametrize('protocol', WITH)
def test_the_protocol_in_received(server, connect, protocol):
    port, tls, hello, sender = WITH[protocol]
    send_trace(connect(port, tls=tls), f'by {protocol}', sender, hello)
    assert f' with {protocol} ' in received(server, f'by {protocol}'.encode())


@pytest.mark.parametrize('cipher', ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305', None])
def test_version_and_cipher_in_received(server, connect, cipher):
    """RFC 8314 section 4.3: the cipher's registered name, in a clause of its own."""
    settings = {'ciphers': cipher, 'maximum_version': ssl.TLSVersion.TLSv1_2} if cipher else {}
    client = connect(tls=client_context(**settings))
    version = client.tls.version()
    send_trace(client, f'cipher {cipher}.')
    name = {'ECDHE-ECDSA-AES256-GCM-SHA384': 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
            'ECDHE-RSA-CHACHA20-POLY1305': 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
            None: client.tls.cipher()[0]}[cipher]
    trace = received(server, f'cipher {cipher}.'.encode())
    assert f' tls {name} ' in trace and version in trace, trace


def test_no_tls_in_received_without_it(server, connect):
    send_trace(connect(), 'in the clear')
    assert 'TLS' not in received(server, b'in the clear')


def test_proxy_and_implicit_tls(server, connect):
    """The PROXY header comes first, in plain text."""
    client = connect('mxs', tls=True, source='127.0.0.2',
                     first=b'PROXY TCP4 192.0.2.5 127.0.0.1 4096 465\r\n')
    send_trace(client, 'through a proxy')
    trace = received(server, b'through a proxy')
    assert '[192.0.2.5]' in trace and ' with ESMTPS ' in trace


# Certificates of clients.

@pytest.fixture(scope='module')
def badges(authority, clients_authority):
    return {'good': clients_authority.issue('joe', ['joe@client.test'], usage='clientAuth'),
            'expired': clients_authority.issue('old', ['old@client.test'], usage='clientAuth', days=-1),
            'a server\'s': clients_authority.issue('srv', ['srv.client.test'], usage='serverAuth'),
            'a stranger\'s': authority.issue('evil', ['evil@client.test'], usage='clientAuth')}


def badge_context(badges, which):
    badge = badges.get(which)
    return client_context(**({'certificate': (badge.chain, badge.key)} if badge else {}))


def test_a_certificate_that_was_asked_for(server, connect, badges):
    send_trace(connect('asked', tls=badge_context(badges, 'good')), 'with a badge')
    assert 'joe@client.test' in received(server, b'with a badge')


def test_no_certificate_where_one_is_asked_for(connect, badges):
    connect('asked', tls=badge_context(badges, None)).run([EHLO, MAIL, RCPT, DATA, TEXT, QUIT])


def test_a_good_certificate_where_it_is_demanded(connect, badges):
    connect('demanded', tls=badge_context(badges, 'good')).run([EHLO, MAIL, RCPT, DATA, TEXT, QUIT])


@pytest.mark.parametrize('which', [None, 'expired', 'a server\'s', 'a stranger\'s'])
@pytest.mark.parametrize('version', ['TLSv1_2', 'TLSv1_3'])
def test_no_session_without_a_good_one_where_it_is_demanded(connect, badges, which, version):
    """With TLS 1.3 the client learns of it only when it reads on."""
    context = badge_context(badges, which)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        client = connect('demanded', tls=context, greeting=None)
        assert client.reply() is not CLOSED
        client.run([EHLO])


def test_nobody_is_asked_elsewhere(server, connect, badges):
    send_trace(connect('mx', tls=badge_context(badges, 'good')), 'not asked')
    assert 'joe@client.test' not in received(server, b'not asked')


# Many.

def test_many_at_once(server, connect):
    def one(number):
        with Client(('127.0.0.1', server.port())) as client:
            client.run([(b'', '220'), EHLO, STARTTLS])
            client.start_tls(client_context())
            client.run([EHLO, MAIL, ('RCPT TO:<many@example.test>', TAKEN), DATA,
                        (f'Subject: {number}\r\n\r\n.', TAKEN), QUIT])
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(40)))
    server.wait_for_mail('many@example.test', 40)


def test_a_certificate_of_its_own(make_server):
    """Nothing configured: STARTTLS works all the same."""
    server = make_server('listen mx {{ service mx; address 127.0.0.1:{mx} }}\n'
                         'domain example.test {{ deliver maildir }}\n')
    server.account('joe@example.test')
    with Client(('127.0.0.1', server.port())) as client:
        client.run([(b'', '220'), EHLO, STARTTLS])
        client.start_tls(client_context())
        client.run([EHLO, MAIL, RCPT, DATA, TEXT, QUIT])
    server.wait_for_mail('joe@example.test')
    assert b'self-signed' in server.run('status').stdout


def test_only_tls_1_3(make_server, authority):
    pair = authority.issue('new', ['mx.nuncio.test'])
    server = make_server('listen mxs {{ service mx; address 127.0.0.1:{mxs}; tls implicit }}\n'
                         'tls {{ minimum 1.3 }}\n'
                         f'certificate main {{{{ chain {pair.chain}; key {pair.key} }}}}\n'
                         'domain example.test {{ deliver maildir }}\n')
    address = ('127.0.0.1', server.port('mxs'))
    with pytest.raises(ssl.SSLError, match='(?i)protocol.version'):
        Client(address, tls=client_context(maximum_version=ssl.TLSVersion.TLSv1_2))
    with Client(address, tls=client_context()) as client:
        client.run([(b'', '220'), EHLO, QUIT])
