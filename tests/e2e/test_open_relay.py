"""Nobody sends through us who may not: the tricks by which mail servers were ever talked into it.

One server with every kind of listener. Each trick is tried on each of them, as a stranger and with a
sender of ours forged, by people who have not logged in (on 587 and 465 in TLS, which they may use,
but not to send). A recipient that is taken is a relay, unless it is shown to be a mailbox of ours.
The positive control tries the same from a trusted network, and must find the open door.
"""
import base64
import pathlib
import re
import shutil
import socket
import tempfile

import pytest

from server import Server
from session import CLOSED, Client, client_context

CONF = '''
trusted {{ 127.0.0.9 }}
relay 127.0.0.1:{nobody}
listen mx {{ service mx; address 127.0.0.1:{mx} }}
listen submission {{ service submission; address 127.0.0.1:{submission} }}
listen smtps {{ service submission; address 127.0.0.1:{smtps}; tls implicit }}
listen lmtp {{ service lmtp; address 127.0.0.1:{lmtp} }}
listen near {{ service lmtp; address unix:{folder}/lmtp }}
domain example.test {{ deliver maildir }}
domain branch.test {{ route branch }}
route branch {{ host 127.0.0.1:{nobody} }}
limits {{ errors 1000; idle_commands 1000; sessions_per_client 1000 }}
'''
OURS, STRANGE = 'joe@example.test', 'spammer@strange.test'
WAYS = ['mx', 'submission', 'smtps', 'lmtp', 'near']
VICTIM = 'victim@elsewhere.test'

# What stands behind RCPT TO: as the client says it.
RECIPIENTS = [
    # the plain demand, in many spellings
    '<victim@elsewhere.test>', '<VICTIM@ELSEWHERE.TEST>', 'victim@elsewhere.test',
    ' <victim@elsewhere.test>', '<victim@elsewhere.test.>', '<victim@elsewhere.test',
    '< victim@elsewhere.test >', '<victim @elsewhere.test>', '<victim@ elsewhere.test>',
    '<<victim@elsewhere.test>>', 'Victim <victim@elsewhere.test>',
    '<postmaster@elsewhere.test>', '<abuse@elsewhere.test>', '<"postmaster"@elsewhere.test>',
    # names that look like ours
    '<victim@sub.example.test>', '<victim@xexample.test>', '<victim@example.test.elsewhere.test>',
    '<victim@example.test_elsewhere.test>', '<victim@examp1e.test>', '<victim@example>',
    '<victim@exаmple.test>', '<victim@xn--exmple-4nf.test>', '<victim＠elsewhere.test@example.test>',
    '<victim@elsewhere。test>', '<victim@elsewhere.test\u200b@example.test>',
    '<victim@localhost>', '<victim@localhost.localdomain>', '<victim@nuncio.test>',
    # the percent hack
    '<victim%elsewhere.test@example.test>', '<victim%elsewhere.test@[127.0.0.1]>',
    '<victim%elsewhere.test@mx.nuncio.test>', '<victim%elsewhere.test>',
    '<victim%elsewhere.test%example.test@example.test>', '<victim%40elsewhere.test@example.test>',
    '<victim%elsewhere.test@branch.elsewhere.test>', '<postmaster%elsewhere.test@example.test>',
    # bang paths
    '<elsewhere.test!victim>', '<elsewhere.test!victim@example.test>',
    '<example.test!elsewhere.test!victim>', '<elsewhere.test!victim%example.test@example.test>',
    # source routes, those that end at ours too
    '<@example.test:victim@elsewhere.test>', '<@example.test,@mx.nuncio.test:victim@elsewhere.test>',
    '<@[127.0.0.1]:victim@elsewhere.test>', '<@elsewhere.test:victim@example.test>',
    '<example.test:victim@elsewhere.test>', '<@example.test:victim%elsewhere.test@example.test>',
    # quoted local parts
    '<"victim@elsewhere.test">', '<"victim@elsewhere.test"@example.test>',
    '<"victim%elsewhere.test"@example.test>', '<"@example.test:victim@elsewhere.test"@example.test>',
    '<"victim@elsewhere.test\\""@example.test>', '<victim\\@elsewhere.test@example.test>',
    '<"victim@elsewhere.test\\" @example.test">', '<"elsewhere.test!victim"@example.test>',
    # user@remote@local and friends
    '<victim@elsewhere.test@example.test>', '<victim@example.test@elsewhere.test>',
    '<@victim@elsewhere.test>', '<victim@@elsewhere.test>', '<victim@example.test,elsewhere.test>',
    '<joe@example.test,victim@elsewhere.test>', '<joe@example.test>,<victim@elsewhere.test>',
    '<joe@example.test> <victim@elsewhere.test>', '<victim@elsewhere.test>example.test',
    # addresses in numbers
    '<victim@[192.0.2.1]>', '<victim@192.0.2.1>', '<victim@[IPv6:2001:db8::1]>', '<victim@[::1]>',
    '<victim@3221225985>', '<victim@[elsewhere.test]>', '<victim@[IPv6:::ffff:192.0.2.1]>',
    '<victim@[192.0.2.1].example.test>', '<victim@[x-relay:elsewhere.test]>',
    # comments, rewriting schemes, encodings
    '<victim(x)@elsewhere.test>', '<victim@(example.test)elsewhere.test>',
    '<victim=elsewhere.test@example.test>', '<SRS0=abcd=22=elsewhere.test=victim@example.test>',
    '<prvs=0123abcdef=victim@elsewhere.test>', '<=?utf-8?q?victim=40elsewhere.test?=@example.test>',
    '<victim+40elsewhere.test@example.test>', '<victim&#64;elsewhere.test@example.test>',
    '<victim#elsewhere.test@example.test>', '<victim/elsewhere.test@example.test>',
    # things that are no addresses
    '<|/bin/sh@example.test>', '<"|/bin/sh">', '</etc/passwd>', '<:include:/etc/passwd@example.test>',
    '<program:x>', '<>', '<@example.test:>', '<victim@>', '<@elsewhere.test>',
    # parameters
    '<victim@elsewhere.test> ORCPT=rfc822;joe@example.test',
    '<victim@elsewhere.test> NOTIFY=NEVER ORCPT=rfc822;joe+40example.test',
    '<victim@elsewhere.test> AUTH=joe@example.test', '<victim@elsewhere.test> RELAY=yes',
]
# The same, with bytes that no text has.
RAW_RECIPIENTS = [
    b'<victim@elsewhere.test\0@example.test>', b'<joe@example.test\0>,<victim@elsewhere.test>',
    b'<victim@elsewhere.test\r@example.test>', b'<victim\t@elsewhere.test>',
    b'<victim@elsewhere.test\x85@example.test>', b'<victim\xc0\x80@elsewhere.test>',
]
# What stands behind MAIL FROM: when the recipient is the plain demand.
SENDERS = ['<>', '<postmaster@elsewhere.test>', '<postmaster@example.test>', f'<{VICTIM}>',
           '<joe@example.test> AUTH=joe@example.test', '<joe@example.test> AUTH=<>',
           '<@example.test:joe@example.test>', '<joe@[127.0.0.1]>', '<joe@mx.nuncio.test>',
           '<joe@localhost>', '<joe@example.test@elsewhere.test>', '<"joe@example.test"@strange.test>']
HELLOS = ['EHLO mx.nuncio.test', 'EHLO example.test', 'EHLO localhost', 'EHLO [127.0.0.1]',
          'EHLO [127.0.0.9]', 'EHLO joe@example.test', 'HELO mx.nuncio.test']


@pytest.fixture(scope='module')
def server():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-', dir='/var/tmp'))
    folder.chmod(0o755)
    server = Server(folder / 'server', CONF)
    server.run('account', 'add', OURS, '--stdin', input=b'open sesame\n')
    yield server
    assert server.queue_ids() == [], 'something was taken that had to leave'
    server.stop()
    shutil.rmtree(folder)


def plain(string):
    return base64.b64encode(string.encode()).decode()


class Attempt(Client):
    """A session, greeted, under TLS where the listener wants it."""

    def __init__(self, server, way, source=None, hello=None, tls=True, first=b''):
        address = str(server.folder / 'lmtp') if way == 'near' else ('127.0.0.1', server.port(way))
        super().__init__(address, source=source, first=first,
                         tls=client_context() if way == 'smtps' else None)
        self.hello = hello or ('LHLO client.test' if way in ('lmtp', 'near') else 'EHLO client.test')
        self.lmtp = way in ('lmtp', 'near')
        self.reply()
        self.tell(self.hello)
        if way == 'submission' and tls:
            self.say('STARTTLS', '220')
            self.start_tls(client_context())
            self.tell(self.hello)

    def tell(self, said):
        """Whatever the reply may be."""
        return self.say(said, '')

    def relays(self, recipient, sender=STRANGE):
        """Would it take the recipient, and the text for it?"""
        self.tell('RSET')
        self.tell(f'MAIL FROM:<{sender}> SMTPUTF8' if '<' not in sender else f'MAIL FROM:{sender}')
        return self.takes(recipient)

    def takes(self, recipient):
        raw = recipient if isinstance(recipient, bytes) else recipient.encode()
        taken = self.say(b'RCPT TO:' + raw + b'\r\n', '').startswith('2')
        data = self.tell('DATA')
        if data.startswith('354'):
            self.tell('RSET\r\n.')
        return taken or data.startswith('354')


def tricks():
    return RECIPIENTS + RAW_RECIPIENTS


@pytest.mark.parametrize('way', WAYS)
def test_no_recipient_that_is_not_ours(server, way):
    assert len(tricks()) >= 50
    for sender in STRANGE, OURS:
        with Attempt(server, way) as client:
            open_doors = [trick for trick in tricks() if client.relays(trick, sender)]
        assert open_doors == []


@pytest.mark.parametrize('way', WAYS)
def test_no_sender_and_no_name_opens_the_door(server, way):
    for hello in [None] + ([] if way in ('lmtp', 'near') else HELLOS):
        with Attempt(server, way, hello=hello) as client:
            assert [sender for sender in SENDERS if client.relays(f'<{VICTIM}>', sender)] == []


def test_the_control_finds_an_open_door(server):
    """From a trusted network the same demands are served: the attempts above can fail."""
    with Attempt(server, 'mx', source='127.0.0.9') as client:
        doors = [trick for trick in RECIPIENTS if client.tell('RSET') and
                 client.tell(f'MAIL FROM:<{OURS}> SMTPUTF8').startswith('250') and
                 client.say(b'RCPT TO:' + trick.encode() + b'\r\n', '').startswith('250')]
    assert '<victim@elsewhere.test>' in doors and len(doors) > 15
    with Attempt(server, 'mx') as client:
        assert client.tell(f'MAIL FROM:<{STRANGE}>').startswith('250')
        assert client.tell('RCPT TO:<nobody@branch.test>').startswith('250')


# ---- logging in, halfway -------------------------------------------------------------------------

HALF_LOGINS = {
    'cancelled': ['AUTH LOGIN', '*'],
    'cancelled later': ['AUTH LOGIN', plain('joe@example.test'), '*'],
    'not base64': ['AUTH PLAIN joe'],
    'empty': ['AUTH PLAIN ='],
    'wrong password': ['AUTH PLAIN ' + plain(f'\0{OURS}\0secret')],
    'for somebody else': ['AUTH PLAIN ' + plain(f'root@elsewhere.test\0{OURS}\0open sesame')],
    'unknown': ['AUTH GSSAPI', 'AUTH ANONYMOUS', 'AUTH NTLM'],
    'external without a certificate': ['AUTH EXTERNAL =', 'AUTH EXTERNAL ' + plain(OURS)],
    'no word': ['AUTH'],
    'too long': ['AUTH PLAIN', 'A' * 20000],
}


@pytest.mark.parametrize('way', ['submission', 'smtps', 'mx'])
@pytest.mark.parametrize('name', HALF_LOGINS)
def test_half_a_login_is_none(server, way, name):
    with Attempt(server, way) as client:
        for line in HALF_LOGINS[name]:
            assert not client.tell(line).startswith('235')
        assert not client.relays(f'<{VICTIM}>', OURS)


@pytest.mark.parametrize('line', ['AUTH LOGIN', 'AUTH PLAIN ' + plain(f'\0{OURS}\0open sesame'),
                                  'AUTH CRAM-MD5', 'AUTH SCRAM-SHA-256 ' + plain('n,,n=joe,r=x')])
def test_no_login_in_plain_text(server, line):
    with Attempt(server, 'submission', tls=False) as client:
        assert re.match(r'5(30 5\.7\.0|38 5\.7\.11) ', client.tell(line))
        assert not client.relays(f'<{VICTIM}>', OURS)
        client.tell('EHLO client.test')
        client.say('STARTTLS', '220')
        client.start_tls(client_context())
        assert client.tell(f'MAIL FROM:<{OURS}>').startswith('503 ')
        client.tell('EHLO client.test')
        assert client.tell(f'MAIL FROM:<{OURS}>').startswith('530 5.7.0 ')


def test_commands_in_the_same_segment_as_a_login(server):
    with Attempt(server, 'smtps') as client:
        client.say(f'AUTH LOGIN\r\n*\r\nMAIL FROM:<{OURS}>\r\nRCPT TO:<{VICTIM}>', '334', r'501 5\.7\.0 ',
                   r'530 5\.7\.0 ', r'503 5\.5\.1 ')
    with Attempt(server, 'mx') as client:
        client.say(f'AUTH LOGIN\r\nMAIL FROM:<{OURS}>\r\nRCPT TO:<{VICTIM}>', '50', CLOSED)


# ---- other doors ---------------------------------------------------------------------------------

@pytest.mark.parametrize('way', WAYS)
def test_strangers_cannot_be_somebody_else(server, way):
    with Attempt(server, way) as client:
        for attributes in 'ADDR=127.0.0.9', 'LOGIN=joe@example.test', 'NAME=mx.nuncio.test ADDR=127.0.0.9':
            assert re.match('5[03]', client.tell(f'XCLIENT {attributes}'))
            assert not client.relays(f'<{VICTIM}>', OURS)
        assert re.match('5[03]', client.tell('XFORWARD ADDR=127.0.0.9'))
        assert not client.relays(f'<{VICTIM}>', OURS)


@pytest.mark.parametrize('way', ['mx', 'submission', 'lmtp', 'near'])
def test_the_proxy_protocol_is_not_for_strangers(server, way):
    header = b'PROXY TCP4 127.0.0.9 127.0.0.1 1234 25\r\n'
    address = str(server.folder / 'lmtp') if way == 'near' else ('127.0.0.1', server.port(way))
    hello = b'LHLO x\r\n' if way in ('lmtp', 'near') else b'EHLO x\r\n'
    with Client(address, first=header + hello + f'MAIL FROM:<{OURS}>\r\nRCPT TO:<{VICTIM}>\r\n'
                .encode()) as client:
        replies = []
        client.socket.settimeout(3)
        try:
            while (reply := client.reply()) is not CLOSED:
                replies.append(reply)
        except (TimeoutError, socket.timeout):
            pass
        assert not replies or not replies[-1].startswith('250'), replies
        assert any(reply.startswith('5') for reply in replies)


@pytest.mark.parametrize('way', WAYS)
def test_other_commands_send_nothing(server, way):
    with Attempt(server, way) as client:
        for line in (f'SEND FROM:<{OURS}>', f'SOML FROM:<{OURS}>', f'SAML FROM:<{OURS}>', 'TURN',
                     'ETRN elsewhere.test', 'ATRN elsewhere.test', f'EXPN {VICTIM}', 'RELAY',
                     f'BURL imap://{OURS}/x LAST', 'XEXCH50 1 2', 'DATA', f'RCPT TO:<{VICTIM}>'):
            assert client.tell(line)[0] == '5', line
        assert client.tell(f'VRFY {VICTIM}')[:3] in ('252', '530')


@pytest.mark.parametrize('way', ['mx', 'lmtp', 'near'])
def test_a_good_recipient_takes_no_other_along(server, way):
    with Attempt(server, way) as client:
        client.tell(f'MAIL FROM:<{STRANGE}>')
        assert client.tell('RCPT TO:<postmaster@example.test>').startswith('250')
        for trick in RECIPIENTS:
            assert not client.say(b'RCPT TO:' + trick.encode() + b'\r\n', '').startswith('2'), trick
        # A header decides nothing.
        client.say('DATA', '354')
        client.say(f'To: {VICTIM}\r\nBcc: {VICTIM}\r\nResent-To: {VICTIM}\r\nX-Envelope-To: {VICTIM}'
                   '\r\n\r\ntext\r\n.', '250')
    server.wait_for_empty_queue()


@pytest.mark.parametrize('way', ['mx', 'lmtp'])
def test_a_message_inside_a_message_stays_there(server, way):
    inner = f'MAIL FROM:<{OURS}>\r\nRCPT TO:<{VICTIM}>\r\nDATA\r\nx\r\n.\r\n'
    for end in '\n.\n', '\n.\r\n', '\r.\r', '\r\n.\n', '\r\n.\r', '\n\n.\r\n', '\r\n\0.\r\n':
        with Attempt(server, way) as client:
            client.tell(f'MAIL FROM:<{STRANGE}>')
            client.tell('RCPT TO:<postmaster@example.test>')
            client.say('DATA', '354')
            client.say(f'x{end}{inner}\r\n.\r\n'.encode(), '5')
