"""What runs inside TLS, as a stranger sees it: versions, ciphers, certificates, records and ends, and
what a message tells of it. Expectations from the RFCs (5246, 8446, 7301, 8314, 3848), not from the
code.
"""
import concurrent.futures
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import time

import pytest

from session import CLOSED, Client, client_context
from tls_site import (ALERT, DATA, EHLO, MAIL, NOOP, ORDER, QUIT, RCPT, STARTTLS, TAKEN, TEXT,
                      authority, clients_authority, connect, find_mail, folder, rest, server)  # noqa: F401


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
