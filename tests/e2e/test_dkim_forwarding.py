"""Mail that others have signed keeps its signatures when it is forwarded: nothing of the body and of
the signed fields is touched, whichever way it comes and goes. Judged by dkimpy."""
import re
import smtplib
import subprocess

import dkim
import pytest

from peers import Sink, wait_until

CONF = '''
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
domain {name} {{{{ deliver maildir }}}}
relay 127.0.0.1:{port}
queue {{{{ retry_first 1s; retry_max 2s; gather 1s }}}}
'''
FIELDS = [b'from', b'to', b'cc', b'subject', b'date', b'message-id', b'reply-to', b'sender',
          b'mime-version', b'content-type', b'content-transfer-encoding']
HEADER = (b'From:  Ann  Author <ann@far.test>\r\nTo: forward@example.test\r\n'
          b'SUBJECT: Two  spaces,\r\n\tand a folded   line \r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n'
          b'Message-ID: <%d@far.test>\r\nMIME-Version: 1.0\r\n')
TEXTS = {
    'plain': b'Content-Type: text/plain\r\n\r\nhello  \r\n.dots\r\n..\r\n\r\n \t\r\n',
    'empty lines at the end': b'\r\nhello\r\n\r\n\r\n\r\n',
    'no body': b'\r\n',
    'header alone': b'',
    'long lines': b'\r\n' + b'x' * 900 + b'\r\n' + b'word ' * 150 + b'\r\n',
    'eight bits': 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
                  'Grüße\r\n'.encode(),
    'parts': b'Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n--b\r\n'
             b'Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext\r\n--b--\r\n',
    'UTF-8 header': 'X-Other: Grüße\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n'
                    .encode(),
    'large': b'\r\n' + b'0123456789 abcdefghijklmnopqrstuvwxyz\r\n' * 6000,
}
WAYS = [(header, body) for header in (b'simple', b'relaxed') for body in (b'simple', b'relaxed')]


@pytest.fixture(scope='module')
def key(tmp_path_factory):
    folder = tmp_path_factory.mktemp('key')
    subprocess.run(['openssl', 'genrsa', '-traditional', '-out', folder / 'key', '1024'],
                         check=True, capture_output=True)
    public = subprocess.run(['openssl', 'rsa', '-in', folder / 'key', '-pubout'], check=True,
                                  capture_output=True, text=True).stdout
    record = 'v=DKIM1; k=rsa; p=' + ''.join(public.splitlines()[1:-1])
    return (folder / 'key').read_bytes(), record.encode()


def sign(text, key, ways=WAYS):
    """One field for each pair of canonicalisations."""
    fields = [dkim.sign(text, b'sel', b'far.test', key[0], canonicalize=way, include_headers=[
        name for name in FIELDS if re.search(rb'(?mi)^' + name + rb'[ \t]*:', text)])
        for way in ways]
    return b''.join(fields) + text


def holds(text, key, number):
    try:
        return dkim.DKIM(text).verify(idx=number, dnsfunc=lambda *_, **__: key[1])
    except dkim.DKIMException:
        return False


def failures(text, key):
    """Which of its signatures do not hold, by number."""
    numbers = range(len(re.findall(rb'(?mi)^dkim-signature:', text.partition(b'\r\n\r\n')[0])))
    assert numbers
    return [number for number in numbers if not holds(text, key, number)]


def send(port, text, bdat, options=()):
    with smtplib.SMTP('127.0.0.1', port, local_hostname='client.test') as client:
        if not bdat:
            # smtplib sends str bodies only after mending them; bytes go out as they are.
            assert client.sendmail('ann@far.test', ['forward@example.test'], text, options) == {}
            return
        client.ehlo()
        client.mail('ann@far.test', options)
        client.rcpt('forward@example.test')
        for at in range(0, max(len(text), 1), 7001):
            piece = text[at:at + 7001]
            last = ' LAST' if at + 7001 >= len(text) else ''
            client.sock.sendall(f'BDAT {len(piece)}{last}\r\n'.encode() + piece)
            assert client.getreply()[0] == 250


def test_signatures_of_others_hold_behind_two_servers_that_forward(make_server, key):
    """In by DATA and by BDAT, to the second server by BDAT, from there by DATA."""
    with Sink() as sink:
        second = make_server(CONF.format(port=sink.port, name='other.test'))
        second.run('alias', 'add', 'box@other.test', 'end@third.test')
        first = make_server(CONF.format(port=second.port(), name='example.test'))
        first.run('alias', 'add', 'forward@example.test', 'box@other.test')
        sent = {}
        for name, body in TEXTS.items():
            for bdat in (False, True):
                number = len(sent) + 1
                sent[number] = name, sign(HEADER % number + body, key)
                options = ['BODY=8BITMIME'] + ['SMTPUTF8'] * (name == 'UTF-8 header')
                send(first.port(), sent[number][1], bdat, options)
        wait_until(lambda: len(sink.messages) == len(sent), what='all messages at the end')
    for _, _, text in sink.messages:
        number = int(re.search(rb'Message-ID: <(\d+)@', text)[1])
        name, original = sent[number]
        assert failures(text, key) == [], name
        # Something was put in front, and that is all.
        added, _, behind = text.partition(original)
        assert added != text and behind in (b'', b'\r\n'), name
        fields = re.findall(rb'(?m)^([A-Za-z-]+):', added)
        assert [field for field in fields if field != b'Authentication-Results'] == [
            b'Delivered-To', b'Received', b'Delivered-To', b'Received'], (name, fields)


def test_a_copy_for_a_server_without_8bitmime_loses_them(make_server, key):
    """As it must: its body is another one. What is 7-bit goes through."""
    with Sink(extensions=('sink.test', 'PIPELINING')) as sink:
        server = make_server(CONF.format(port=sink.port, name='example.test'))
        server.run('alias', 'add', 'forward@example.test', 'end@third.test')
        for number, name in enumerate(('plain', 'eight bits')):
            send(server.port(), sign(HEADER % number + TEXTS[name], key), False, ['BODY=8BITMIME'])
        wait_until(lambda: len(sink.messages) == 2, what='both')
    found = {re.search(rb'Message-ID: <(\d+)@', text)[1]: len(failures(text, key))
             for _, _, text in sink.messages}
    assert found == {b'0': 0, b'1': len(WAYS)}
