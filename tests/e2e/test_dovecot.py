"""Dovecot serves what Nuncio delivers, takes what Nuncio hands over, and shares its quotas."""
import hashlib
import imaplib
import os
import pathlib
import poplib
import re
import smtplib
import socket
from email.policy import SMTP

import pytest

import peers
from peers import Dovecot, wait_until

pytestmark = pytest.mark.skipif(not peers.available('dovecot'), reason='needs root and Dovecot')

CORPORA = pathlib.Path(os.environ.get('NUNCIO_CORPORA', peers.ROOT.parent / 'shared' / 'corpora'))
BOX = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
'''


def owner_of_mail(server):
    """Dovecot must run as the user that keeps the mail store."""
    status = (server.state / 'mail').stat()
    return status.st_uid, status.st_gid


@pytest.fixture
def box(make_server, folder):
    """A server with one account, and a Dovecot on its mail store."""
    server = make_server(BOX)
    server.account('joe@example.test')
    server.send('a@else.test', ['joe@example.test'], b'Subject: first\r\n\r\nhello\r\n')
    server.wait_for_mail('joe@example.test')
    uid, gid = owner_of_mail(server)
    if uid == 0:
        pytest.skip('the roles run as root here; Dovecot serves no mail of root')
    with Dovecot(folder / 'dovecot', f'{server.state}/mail/%d/%n', uid, gid) as dovecot:
        os.chown(folder / 'dovecot/home', uid, gid)
        yield server, dovecot


def imap(dovecot):
    client = imaplib.IMAP4('127.0.0.1', dovecot.imap_port)
    client.login('joe@example.test', 'secret')
    client.select()
    return client


def text_of(fetched):
    return fetched[1][0][1]


def without_trace(text):
    """The text as it was sent: without the fields that are put in front."""
    lines = text.split(b'\r\n')
    for name in (b'Return-Path:', b'Delivered-To:', b'Authentication-Results:', b'Received:'):
        assert lines.pop(0).startswith(name)
        while lines[0].startswith((b' ', b'\t')):
            lines.pop(0)
    return b'\r\n'.join(lines)


def test_imap_and_pop3_show_the_message(box):
    server, dovecot = box
    client = imap(dovecot)
    text = text_of(client.fetch('1', '(RFC822)'))
    assert without_trace(text) == b'Subject: first\r\n\r\nhello\r\n'
    size = client.fetch('1', '(RFC822.SIZE)')[1][0]
    assert str(len(text)).encode() in size, 'W= in the name is not the size with CRLF'
    client.logout()
    pop = poplib.POP3('127.0.0.1', dovecot.pop3_port)
    pop.user('joe@example.test')
    pop.pass_('secret')
    assert pop.stat()[0] == 1
    assert b'hello' in pop.retr(1)[1]
    pop.quit()


def corpus_messages():
    """Every message of the MIME corpus, in the form in which SMTP could carry it: lines end in
    CRLF. Files with NUL are no messages for SMTP."""
    for path in sorted((CORPORA / 'mime').rglob('*')):
        if not path.is_file() or path.name in ('SOURCE', 'LICENSE') or path.stat().st_size > 2000000:
            continue
        text = path.read_bytes().replace(b'\r\n', b'\n').replace(b'\r', b'\n').replace(b'\n', b'\r\n')
        if b'\0' not in text and text.strip():
            yield path, text if text.endswith(b'\r\n') else text + b'\r\n'


def with_header(text):
    """A file that does not begin with a header field gets one, as a client would."""
    first = text.split(b'\r\n', 1)[0]
    name = first.partition(b':')[0]
    if b':' in first and name and all(33 <= byte <= 126 for byte in name):
        return text
    return b'Subject: corpus\r\n\r\n' + text


def send_by_bdat(port, text):
    with socket.create_connection(('127.0.0.1', port)) as sock:
        stream = sock.makefile('rwb')

        def reply():
            while (line := stream.readline())[3:4] == b'-':
                pass
            return line

        def say(line):
            stream.write(line)
            stream.flush()
            return reply()
        reply()
        say(b'EHLO client.test\r\n')
        say(b'MAIL FROM:<a@else.test> BODY=8BITMIME\r\n')
        say(b'RCPT TO:<joe@example.test>\r\n')
        half = len(text) // 2
        assert say(b'BDAT %d\r\n' % half + text[:half]).startswith(b'250')
        return say(b'BDAT %d LAST\r\n' % (len(text) - half) + text[half:])


# Taken out of what comes in, since it does not say whose results they are: docs/authentication.md.
NOBODYS_RESULTS = re.compile(rb'^Authentication-Results: [\w.]+ +\w+=.*\r\n', re.M)


def test_every_message_of_the_corpus_comes_out_unchanged(box):
    server, dovecot = box
    messages = [(path, with_header(text)) for path, text in corpus_messages()]
    if not messages:
        pytest.skip(f'no corpora under {CORPORA}')
    sent = {}
    with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='client.test') as client:
        client.ehlo()
        for path, text in messages:
            options = ['BODY=8BITMIME']
            client.sendmail('a@else.test', ['joe@example.test'], text, mail_options=options)
            answer = send_by_bdat(server.port(), text)
            assert answer.startswith(b'250'), (path, answer)
            digest = hashlib.sha256(NOBODYS_RESULTS.sub(b'', text)).digest()
            sent[digest] = sent.get(digest, 0) + 2
    total = sum(sent.values())
    server.wait_for_mail('joe@example.test', total + 1, 120)
    client = imap(dovecot)
    for number in range(1, total + 2):
        text = without_trace(text_of(client.fetch(str(number), '(BODY.PEEK[])')))
        digest = hashlib.sha256(text).digest()
        if text != b'Subject: first\r\n\r\nhello\r\n':
            assert digest in sent, text[:300]
            sent[digest] -= 1
    assert set(sent.values()) == {0}


EDI = {
    'x12.edi': b'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*1200'
               b'*U*00401*000000001*0*P*>~GS*PO*SENDER*RECEIVER*20260101*1200*1*X*004010~'
               b'ST*850*0001~BEG*00*SA*4711**20260101~SE*3*0001~GE*1*1~IEA*1*000000001~',
    'edifact.edi': b"UNA:+.? 'UNB+UNOC:3+SENDER:14+RECEIVER:14+260101:1200+1'"
                   b"UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+4711+9'UNT+3+1'UNZ+1+1'\x1c\x1d\x1f",
}


def test_edi_documents_arrive_bit_for_bit(box):
    from email import message_from_bytes
    from email.message import EmailMessage
    server, dovecot = box
    mail = EmailMessage()
    mail['Subject'], mail['From'], mail['To'] = 'EDI', 'a@else.test', 'joe@example.test'
    mail.set_content('two interchanges')
    mail.add_attachment(EDI['x12.edi'], maintype='application', subtype='EDI-X12',
                        filename='x12.edi')
    mail.add_attachment(EDI['edifact.edi'], maintype='application', subtype='EDIFACT',
                        filename='edifact.edi')
    server.send('a@else.test', ['joe@example.test'], mail.as_bytes(policy=SMTP))
    server.wait_for_mail('joe@example.test', 2)
    client = imap(dovecot)
    got = message_from_bytes(text_of(client.fetch('2', '(RFC822)')))
    parts = {part.get_filename(): part.get_payload(decode=True) for part in got.walk()
             if part.get_filename()}
    assert parts == EDI


def test_forty_mebibytes_arrive_bit_for_bit(box):
    from email import message_from_bytes
    from email.message import EmailMessage
    server, dovecot = box
    content = os.urandom(1 << 20) * 36
    mail = EmailMessage()
    mail['Subject'], mail['From'], mail['To'] = 'large', 'a@else.test', 'joe@example.test'
    mail.set_content('see attachment')
    mail.add_attachment(content, maintype='application', subtype='octet-stream', filename='big')
    text = mail.as_bytes(policy=SMTP)
    assert len(text) > 40 << 20
    server.send('a@else.test', ['joe@example.test'], text)
    server.wait_for_mail('joe@example.test', 2, 60)
    got = message_from_bytes(text_of(imap(dovecot).fetch('2', '(RFC822)')))
    [part] = [part for part in got.walk() if part.get_filename()]
    assert hashlib.sha256(part.get_payload(decode=True)).digest() == \
        hashlib.sha256(content).digest()


def test_lmtp_target_over_a_unix_socket_and_tcp(make_server, folder):
    mail = folder / 'theirs'
    mail.mkdir()
    os.chown(mail, 65534, 65534)
    with Dovecot(folder / 'dovecot', f'{mail}/%d/%n', 65534, 65534) as dovecot:
        os.chown(folder / 'dovecot/home', 65534, 65534)
        server = make_server(f'''
            listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
            domain unix.test {{{{ deliver route store; recipients any }}}}
            domain tcp.test {{{{ deliver route store2; recipients any }}}}
            route store {{{{ lmtp unix:{dovecot.lmtp_socket} }}}}
            route store2 {{{{ lmtp 127.0.0.1:{dovecot.lmtp_port} }}}}
        ''')
        server.send('a@else.test', ['joe@unix.test', 'ann@unix.test', 'joe@tcp.test'],
                    b'Subject: by lmtp\r\n\r\nhello\r\n')
        for box in ('unix.test/joe', 'unix.test/ann', 'tcp.test/joe'):
            wait_until(lambda: list((mail / box / 'new').glob('*')), what=box)
        server.wait_for_empty_queue()


def test_quota_is_one_for_both(make_server, folder):
    server = make_server(BOX.replace('deliver maildir', 'deliver maildir; when_full reject'))
    server.account('joe@example.test', '--quota', '100K')
    text = b'Subject: fill\r\n\r\n' + (b'x' * 70 + b'\r\n') * 500
    server.send('a@else.test', ['joe@example.test'], text)
    server.wait_for_mail('joe@example.test', 1)
    uid, gid = owner_of_mail(server)
    if uid == 0:
        pytest.skip('the roles run as root here')
    with Dovecot(folder / 'dovecot', f'{server.state}/mail/%d/%n', uid, gid,
                 quota='100K') as dovecot:
        os.chown(folder / 'dovecot/home', uid, gid)
        client = imap(dovecot)
        usage = client.getquotaroot('INBOX')[1][1][0]
        assert b'STORAGE 35 100' in usage or b'STORAGE 36 100' in usage, usage
        # What Dovecot adds counts for Nuncio too.
        assert client.append('INBOX', None, None, text)[0] == 'OK'
        assert client.append('INBOX', None, None, text)[0] == 'NO', 'Dovecot sees no quota'
        assert server.send('null@else.test', ['joe@example.test'], text) == {}
        server.wait_for_empty_queue()
        assert len(server.mail('joe@example.test')) == 2, 'the third had to be refused'
        # And what is deleted by IMAP makes room again.
        client.store('1:2', '+FLAGS', '\\Deleted')
        client.expunge()

        def accepted_again():
            try:
                return server.send('b@else.test', ['joe@example.test'], text) == {}
            except smtplib.SMTPRecipientsRefused:
                return False
        wait_until(accepted_again, 90, 'room after deleting')
        server.wait_for_mail('joe@example.test', 1)
