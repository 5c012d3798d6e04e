"""AUTH as a stranger sees it: raw sockets against one running server, expectations from the RFCs
(4954, 4422, 4616, 5802, 7677, 2195, 7628, 8314, 3848) and docs/configuration.md, not from the code.

A conversation is a list of steps, see session.py. Responses are written with b64() where they are
to be understood, and by hand where they are not.
"""
import concurrent.futures
import pathlib
import re
import shutil
import socket
import struct
import tempfile
import time

import pytest

from pki import Authority
from sasl import Scram, b64, cram_md5, oauthbearer, plain, unb64, xoauth2
from server import Server
from session import CLOSED, Client, client_context, wait_for_mechanism

CONF = '''
listen mx         {{ service mx; address 127.0.0.1:{mx} }}
listen submission {{ service submission; address 127.0.0.1:{submission} }}
listen smtps      {{ service submission; address 127.0.0.1:{smtps}; tls implicit; auth required }}
listen offered    {{ service mx; address 127.0.0.1:{offered}; auth offered }}
listen clear      {{ service submission; address 127.0.0.1:{clear}; tls off; auth required;
                     insecure_auth yes }}
listen half       {{ service submission; address 127.0.0.1:{half}; tls offered; auth required }}
listen few        {{ service submission; address 127.0.0.1:{few}; mechanisms PLAIN SCRAM-SHA-1 }}
listen bound      {{ service submission; address 127.0.0.1:{bound};
                     mechanisms SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN }}
listen badge      {{ service submission; address 127.0.0.1:{badge}; client_certificate asked;
                     client_ca CLIENTS }}
domain example.test {{ deliver maildir }}
domain far.test {{ route nowhere }}
relay 127.0.0.1:{nobody}
route nowhere {{ host 127.0.0.1:{nobody} }}
limits {{ errors 12 }}
auth {{ failures 1000; delay 1ms; oauth {{ introspection http://127.0.0.1:{nobody}/introspect }} }}
'''
JOE, ANN, UMA = 'joe@example.test', 'ann@example.test', 'uma@example.test'
PASSWORD = 'correct horse, battery'
UMLAUTS = 'gr\u00fc\u00dfe f\u00fcr 5 \u20ac'
TAKEN = r'250 2\.\d\.\d '
ORDER = r'503 5\.5\.1 '
SYNTAX = r'501 5\.5\.[24] '
IN = r'235 2\.7\.0 '
WRONG = r'535 5\.7\.8 '
NOT_BASE64 = r'501 5\.5\.2 '
CANCELLED = r'501 5\.\d\.\d '
LOGIN_FIRST = r'530 5\.7\.0 '
UNKNOWN = r'504 5\.5\.4 '
ANY_REFUSAL = r'(501 5\.[57]\.\d|535 5\.7\.8) '    # of what is no message of the mechanism
EMPTY = '334 $'
EHLO = ('EHLO client.test', '250')
MAIL = (f'MAIL FROM:<{JOE}>', r'250 2\.1\.0 ')
RCPT = (f'RCPT TO:<{ANN}>', r'250 2\.1\.5 ')
DATA = ('DATA', '354')
TEXT = (f'Subject: x\r\nFrom: {JOE}\r\n\r\nhello\r\n.', TAKEN)
NOOP = ('NOOP', r'250 2\.0\.0 ')
QUIT = ('QUIT', r'221 2\.0\.0 ', CLOSED)
GOOD = b64(plain(JOE, PASSWORD))
BAD = b64(plain(JOE, 'incorrect horse'))
AUTH = (f'AUTH PLAIN {GOOD}', IN)
USERNAME, PASSWORD_PROMPT = '334 ' + b64('Username:') + '$', '334 ' + b64('Password:') + '$'


@pytest.fixture(scope='module')
def folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-', dir='/var/tmp'))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope='module')
def clients_authority(folder):
    return Authority(folder / 'clients', 'Test client CA')


@pytest.fixture(scope='module')
def server(users, folder, clients_authority):
    server = Server(folder / 's', CONF.replace('CLIENTS', str(clients_authority.ca)))
    server.account(JOE, password=PASSWORD)
    server.account(ANN, password=PASSWORD, cram=True)
    server.account(UMA, password=UMLAUTS)
    server.account('nopass@example.test')
    wait_for_mechanism(server.port('smtps'), 'CRAM-MD5')
    yield server
    server.stop()


@pytest.fixture
def connect(server):
    """A session on a listener, under TLS where there is any, after EHLO."""
    clients = []

    def open_session(port='submission', tls=None, hello=True):
        context = client_context(**(tls or {}))
        client = Client(('127.0.0.1', server.port(port)), tls=context if port == 'smtps' else None)
        clients.append(client)
        client.say(b'', r'220 mx\.nuncio\.test ')
        if port not in ('smtps', 'clear') and tls is not False:
            client.run([EHLO, ('STARTTLS', '220 ')])
            client.start_tls(context)
        if hello:
            client.run([EHLO])
        return client
    yield open_session
    for client in clients:
        client.__exit__()


def table(cases):
    return pytest.mark.parametrize('steps', cases.values(), ids=cases.keys())


def ask(client, said, expected='334 '):
    """The challenge to something said, decoded."""
    return unb64(client.say(said, expected)[4:])


def find_mail(server, address, subject):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for mail in server.mail(address):
            if b'Subject: ' + subject in mail:
                return mail
        time.sleep(0.05)
    raise AssertionError(f'no mail {subject}')


# What is offered, and where.

def offered(client):
    return set(client.extensions().get('AUTH', []))


STRONG_ONES = {'SCRAM-SHA-256'}
PASSWORD_ONES = {'PLAIN', 'LOGIN'}
TOKEN_ONES = {'OAUTHBEARER', 'XOAUTH2'}
ALL = STRONG_ONES | PASSWORD_ONES | TOKEN_ONES | {'CRAM-MD5'}


@pytest.mark.parametrize('port', ['submission', 'smtps', 'offered', 'half'])
def test_offered_under_tls(connect, port):
    assert offered(connect(port)) == ALL


@pytest.mark.parametrize('port', ['submission', 'half', 'offered', 'badge'])
def test_not_offered_before_tls(connect, port):
    assert offered(connect(port, tls=False)) == set()


def test_not_offered_on_25(connect):
    assert 'AUTH' not in connect('mx').extensions()
    assert 'AUTH' not in connect('mx', tls=False).extensions()


def test_offered_in_the_clear_where_it_is_meant(connect):
    """No binding to a channel that is none, no token that could be read and used again."""
    words = offered(connect('clear'))
    assert 'PLAIN' in words and 'SCRAM-SHA-256' in words
    assert 'SCRAM-SHA-256-PLUS' not in words and 'EXTERNAL' not in words


def test_offered_as_the_listener_says(connect):
    assert offered(connect('few')) - {'SCRAM-SHA-1'} == {'PLAIN'}


def test_plus_is_offered_where_it_is_named(connect):
    assert offered(connect('bound')) == {'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN'}


def test_external_only_with_a_certificate(connect, badge):
    assert 'EXTERNAL' not in offered(connect('badge'))
    assert 'EXTERNAL' in offered(connect('badge', tls={'certificate': badge(JOE)}))


def test_the_keyword_stands_once_and_as_the_rfc_writes_it(connect):
    """Not the `AUTH=` of programs that nobody runs any more."""
    lines = connect().say(*EHLO).split('\n')
    assert [line for line in lines if line.upper().startswith('AUTH')] \
        == [line for line in lines if re.fullmatch(r'AUTH( [A-Z0-9_-]{1,20})+', line)] != []


# The command.

COMMANDS = {
    'in any case': [(f'aUTH plAIN {GOOD}', IN)],
    'no mechanism': [('AUTH', SYNTAX), ('AUTH ', SYNTAX), NOOP],
    'unknown mechanism': [('AUTH FROB', UNKNOWN), (f'AUTH FROB {GOOD}', UNKNOWN), AUTH],
    'mechanism with wrong characters': [('AUTH PL@IN', r'50[14] 5\.5\.4 '), AUTH],
    'mechanism much too long': [('AUTH ' + 'X' * 300, r'50[14] 5\.5\.4 '), AUTH],
    'mechanism like a part of one': [('AUTH PLAI', UNKNOWN), ('AUTH PLAINX', UNKNOWN)],
    'not offered: sha-1': [('AUTH SCRAM-SHA-1', UNKNOWN), AUTH],
    'not offered: external': [('AUTH EXTERNAL =', r'(504 5\.5\.4|535 5\.7\.8) '), AUTH],
    'not offered: anonymous': [('AUTH ANONYMOUS', UNKNOWN), ('AUTH NTLM', UNKNOWN), AUTH],
    'three words': [(f'AUTH PLAIN {GOOD} {GOOD}', SYNTAX), AUTH],
    'a word behind': [(f'AUTH PLAIN {GOOD} x', SYNTAX), NOOP],
    'trailing blank': [(f'AUTH PLAIN {GOOD} ', r'(235 2\.7\.0|501 5\.5\.[24]) ')],
    'a second one': [AUTH, (AUTH[0], ORDER), ('AUTH LOGIN', ORDER), ('AUTH FROB', ORDER), MAIL],
    'a second one after rset': [AUTH, ('RSET', TAKEN), (AUTH[0], ORDER), MAIL],
    'a second one after ehlo': [AUTH, EHLO, (AUTH[0], ORDER), MAIL],
    'still there after helo': [AUTH, ('HELO client.test', '250 '), MAIL, RCPT],
    'still there after a message': [AUTH, MAIL, RCPT, DATA, TEXT, (AUTH[0], ORDER), MAIL],
    'a failed one changes nothing': [(f'AUTH PLAIN {BAD}', WRONG), (MAIL[0], LOGIN_FIRST), AUTH, MAIL],
    'another mechanism after a failure': [(f'AUTH PLAIN {BAD}', WRONG), ('AUTH LOGIN', USERNAME),
                                          (b64(JOE), PASSWORD_PROMPT), (b64(PASSWORD), IN), MAIL],
    'help': [('HELP AUTH', '214')],
}


@table(COMMANDS)
@pytest.mark.parametrize('port', ['submission', 'smtps'])
def test_the_command(connect, port, steps):
    connect(port).run(steps)


def test_before_ehlo(connect):
    connect(hello=False).run([(AUTH[0], ORDER), EHLO, AUTH])


def test_with_helo(connect):
    """No extension was asked for. It must not let in by halves: either 503, or it counts."""
    client = connect(hello=False)
    client.run([('HELO client.test', '250 ')])
    if client.say(AUTH[0], r'(235 2\.7\.0|503 5\.5\.1) ').startswith('503'):
        client.run([(MAIL[0], LOGIN_FIRST), EHLO, AUTH])
    client.run([MAIL])


def test_in_a_transaction(connect):
    client = connect('offered')
    client.run([MAIL, (AUTH[0], ORDER), ('AUTH LOGIN', ORDER), RCPT, (AUTH[0], ORDER), ('RSET', TAKEN),
                AUTH, MAIL, RCPT])


@pytest.mark.parametrize('port', ['submission', 'half', 'offered'])
def test_in_the_clear(connect, port):
    """Not offered, and refused as soon as the command is there, before a password would follow."""
    refused = r'(530 5\.7\.0|538 5\.7\.11|50[34] 5\.5\.[14]) '
    connect(port, tls=False).run([(AUTH[0], refused), ('AUTH LOGIN', refused), ('AUTH PLAIN', refused),
                                  ('AUTH SCRAM-SHA-256', refused), NOOP])


@pytest.mark.parametrize('tls', [False, None], ids=['clear', 'tls'])
def test_on_25(connect, tls):
    connect('mx', tls=tls).run([(AUTH[0], r'50[023] 5\.5\.1 '), ('AUTH LOGIN', r'50[023] 5\.5\.1 '), MAIL,
                                ('RCPT TO:<victim@remote.test>', r'550 5\.7\.1 ')])


UNAUTHENTICATED = {
    'mail': [(MAIL[0], LOGIN_FIRST)],
    'the null sender': [('MAIL FROM:<>', LOGIN_FIRST)],
    'mail that claims to be authenticated': [(MAIL[0] + f' AUTH={JOE}', LOGIN_FIRST)],
    'rcpt': [(RCPT[0], r'(530 5\.7\.0|503 5\.5\.1) ')],
    'data': [('DATA', r'(530 5\.7\.0|503 5\.5\.1) ')],
    'bdat, whose octets are consumed': [(b'BDAT 12 LAST\r\nNOOP\r\nNOOP\r\n', r'(530 5\.7\.0|503 5\.5\.1) ')],
    'vrfy': [('VRFY joe', r'(530 5\.7\.0|252 2\.\d\.\d) ')],
    'pipelined': [(b'MAIL FROM:<>\r\nRCPT TO:<joe@example.test>\r\nRSET\r\n', LOGIN_FIRST, '5[03][03]', '250')],
    'rset, noop, ehlo': [('RSET', TAKEN), NOOP, EHLO],
}


@table(UNAUTHENTICATED)
@pytest.mark.parametrize('port', ['submission', 'smtps', 'clear'])
def test_nothing_without_a_login(connect, port, steps):
    connect(port).run([*steps, NOOP, AUTH, MAIL, RCPT])


def test_offered_means_who_logs_in_may_relay(connect):
    client = connect('offered')
    client.run([MAIL, ('RCPT TO:<victim@remote.test>', r'550 5\.7\.1 '), RCPT, ('RSET', TAKEN), AUTH, MAIL,
                ('RCPT TO:<friend@remote.test>', TAKEN)])


# PLAIN (RFC 4616)

PLAINS = {
    'with an initial response': [AUTH, MAIL],
    'without one': [('AUTH PLAIN', EMPTY), (GOOD, IN), MAIL],
    'own name as authzid': [('AUTH PLAIN ' + b64(plain(JOE, PASSWORD, JOE)), IN)],
    'name in capitals': [('AUTH PLAIN ' + b64(plain(JOE.upper(), PASSWORD)), IN), MAIL],
    'password in UTF-8': [('AUTH PLAIN ' + b64(plain(UMA, UMLAUTS)), IN)],
    'wrong password': [(f'AUTH PLAIN {BAD}', WRONG), NOOP],
    'wrong password, later': [('AUTH PLAIN', EMPTY), (BAD, WRONG), NOOP],
    'password in another case': [('AUTH PLAIN ' + b64(plain(JOE, PASSWORD.upper())), WRONG)],
    'password with a blank more': [('AUTH PLAIN ' + b64(plain(JOE, PASSWORD + ' ')), WRONG)],
    'password with a byte less': [('AUTH PLAIN ' + b64(plain(JOE, PASSWORD[:-1])), WRONG)],
    'unknown user': [('AUTH PLAIN ' + b64(plain('who@example.test', PASSWORD)), WRONG)],
    'unknown domain': [('AUTH PLAIN ' + b64(plain('joe@elsewhere.test', PASSWORD)), WRONG)],
    'account without a password': [('AUTH PLAIN ' + b64(plain('nopass@example.test', 'x')), WRONG)],
    'no password for an account without one': [
        ('AUTH PLAIN ' + b64(plain('nopass@example.test', '')), ANY_REFUSAL)],
    'authzid of somebody else': [('AUTH PLAIN ' + b64(plain(JOE, PASSWORD, ANN)), WRONG),
                                 (MAIL[0], LOGIN_FIRST)],
    'authzid of nobody': [('AUTH PLAIN ' + b64(plain(JOE, PASSWORD, 'root')), WRONG)],
    'no response at all': [('AUTH PLAIN =', ANY_REFUSAL), NOOP],
    'an empty line': [('AUTH PLAIN', EMPTY), ('', ANY_REFUSAL), NOOP],
    'a lone equals sign later': [('AUTH PLAIN', EMPTY), ('=', ANY_REFUSAL), NOOP],
    'no NUL': [('AUTH PLAIN ' + b64('joe'), ANY_REFUSAL), NOOP],
    'one NUL': [('AUTH PLAIN ' + b64(f'{JOE}\0{PASSWORD}'), ANY_REFUSAL), NOOP],
    'three NULs': [('AUTH PLAIN ' + b64(f'\0{JOE}\0{PASSWORD}\0'), ANY_REFUSAL), NOOP],
    'NUL in the password': [('AUTH PLAIN ' + b64(f'\0{JOE}\0{PASSWORD}\0x'), ANY_REFUSAL), NOOP],
    'NULs only': [('AUTH PLAIN ' + b64('\0\0'), ANY_REFUSAL), NOOP],
    'no name': [('AUTH PLAIN ' + b64(plain('', PASSWORD)), ANY_REFUSAL), NOOP],
    'no password': [('AUTH PLAIN ' + b64(plain(JOE, '')), ANY_REFUSAL), NOOP],
    'no UTF-8': [('AUTH PLAIN ' + b64(b'\0\xff\xfe@example.test\0x'), ANY_REFUSAL), NOOP],
    'CRLF in the name': [('AUTH PLAIN ' + b64(plain('joe@example.test\r\nMAIL', 'x')), ANY_REFUSAL), NOOP],
    'controls in the name': [('AUTH PLAIN ' + b64(plain('\x1b[2J\x07', 'x')), ANY_REFUSAL), NOOP],
    'quotes in the name': [('AUTH PLAIN ' + b64(plain("' OR 1=1 --", 'x')), WRONG), NOOP],
    'a name of 4 KiB': [('AUTH PLAIN', EMPTY), (b64(plain('j' * 4096, 'x')), ANY_REFUSAL), NOOP],
    'a password of 4 KiB': [('AUTH PLAIN', EMPTY), (b64(plain(JOE, 'x' * 4096)), ANY_REFUSAL), NOOP],
    'a token of 4 KiB in the command': [('AUTH PLAIN ' + b64(plain(JOE, 'x' * 4096)),
                                         r'(501 5\.[57]\.\d|535 5\.7\.8|500 5\.5\.6) '), NOOP],
    'cancelled': [('AUTH PLAIN', EMPTY), ('*', CANCELLED), NOOP, AUTH],
    'cancelled at once is no response': [('AUTH PLAIN *', CANCELLED), NOOP, AUTH],
    'a response with a star': [('AUTH PLAIN', EMPTY), ('**', NOT_BASE64), AUTH],
    'commands are no responses': [('AUTH PLAIN', EMPTY), ('NOOP', ANY_REFUSAL), AUTH],
    'quit is no response': [('AUTH PLAIN', EMPTY), ('QUIT', ANY_REFUSAL), AUTH],
    'a command with a blank is none': [('AUTH PLAIN', EMPTY), ('EHLO client.test', NOT_BASE64), AUTH],
}


@table(PLAINS)
def test_plain(connect, steps):
    connect().run(steps)


NO_BASE64 = ['!', 'AAA', 'A', 'AAAAA', '=AAA', 'A=AA', 'AAA=BBB=', 'AA==AAAA', '====', 'A===', 'AA=',
             'AAAA=', ' AAAA', 'AAAA AAAA', 'AAAA\t', 'AAA-', 'AAA_', 'AA\u00e4A', 'AAAA*', "AAAA'"]


@pytest.mark.parametrize('response', NO_BASE64)
def test_what_is_not_base64(connect, response):
    """RFC 4954 section 4: refused, not skipped over; and the session goes on."""
    client = connect()
    client.run([('AUTH PLAIN', EMPTY), (response, NOT_BASE64), NOOP,
                ('AUTH LOGIN', USERNAME), (response, NOT_BASE64), NOOP])
    if ' ' not in response and '\t' not in response:
        client.run([(f'AUTH PLAIN {response}', r'501 5\.5\.[24] '), NOOP])


@pytest.mark.parametrize('at', [0, 5, len(GOOD) // 4 * 4 - 4])
def test_nothing_is_skipped_in_base64(connect, at):
    """A right response with a character in it that a lenient reader would drop."""
    for filler in '\n\r\t !-':
        if filler not in '\r\n':
            connect().run([('AUTH PLAIN', EMPTY), (GOOD[:at] + filler + GOOD[at:], NOT_BASE64), NOOP])


LONG = r'500 5\.5\.6 '
LENGTHS = {
    'a line of 12288': [('AUTH PLAIN', EMPTY), ('A' * 12284, ANY_REFUSAL), AUTH],
    'a line of 16 KiB and more': [('AUTH PLAIN', EMPTY), ('A' * 17000, LONG), AUTH],
    'a line of 300000': [('AUTH PLAIN', EMPTY), ('A' * 300000, LONG), AUTH],
    'later in the exchange': [('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT), ('A' * 17000, LONG), AUTH],
    'a command of 300000': [('AUTH PLAIN ' + 'A' * 300000, r'500 5\.5\.[26] '), AUTH],
    'a command of 512': [('AUTH PLAIN ' + 'A' * 496, ANY_REFUSAL), AUTH],
    'a command of 2048': [('AUTH PLAIN ' + 'A' * 2032, ANY_REFUSAL), AUTH],
}


@table(LENGTHS)
def test_lengths(connect, steps):
    connect().run(steps)


def test_unknown_users_and_wrong_passwords_get_the_same_words(connect):
    client = connect()
    words = {client.say('AUTH PLAIN ' + b64(plain(user, 'x')), WRONG)
             for user in (JOE, 'who@example.test', 'joe@elsewhere.test', 'nopass@example.test')}
    client.run([('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT)])
    words.add(client.say(b64('x'), WRONG))
    assert len(words) == 1, words


# LOGIN (draft-murchison-sasl-login)

LOGINS = {
    'the long way': [('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT), (b64(PASSWORD), IN), MAIL],
    'with the name in the command': [('AUTH LOGIN ' + b64(JOE), PASSWORD_PROMPT), (b64(PASSWORD), IN), MAIL],
    'in UTF-8': [('AUTH LOGIN', USERNAME), (b64(UMA), PASSWORD_PROMPT), (b64(UMLAUTS), IN)],
    'wrong password': [('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT), (b64('x'), WRONG), AUTH],
    'password before name': [('AUTH LOGIN', USERNAME), (b64('swapped'), r'(334|535 5\.7\.8|501) '),
                             (b64(JOE), r'(535 5\.7\.8|501 5|500 5\.5\.[12]) '), NOOP],
    'unknown user, who is asked for the password': [
        ('AUTH LOGIN', USERNAME), (b64('who@example.test'), PASSWORD_PROMPT), (b64('x'), WRONG)],
    'no password': [('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT), ('', ANY_REFUSAL), NOOP],
    'cancelled at the name': [('AUTH LOGIN', USERNAME), ('*', CANCELLED), NOOP, AUTH],
    'cancelled at the password': [('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT), ('*', CANCELLED), AUTH],
    'NUL in the name': [('AUTH LOGIN ' + b64(JOE + '\0x'), r'(334|501 5\.[57]\.\d|535 5\.7\.8) ')],
    'NUL in the password': [('AUTH LOGIN ' + b64(JOE), PASSWORD_PROMPT), (b64(PASSWORD + '\0x'), ANY_REFUSAL)],
    'NUL at the end of the password': [('AUTH LOGIN ' + b64(JOE), PASSWORD_PROMPT),
                                       (b64(PASSWORD + '\0'), ANY_REFUSAL)],
    'bad base64 at the password': [('AUTH LOGIN ' + b64(JOE), PASSWORD_PROMPT), ('!', NOT_BASE64), AUTH],
    'bad base64 in the command': [('AUTH LOGIN !', NOT_BASE64), AUTH],
    'starts anew after a failure': [('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT), ('!', NOT_BASE64),
                                    ('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT), (b64(PASSWORD), IN)],
}


@table(LOGINS)
def test_login(connect, steps):
    connect().run(steps)


# CRAM-MD5 (RFC 2195)

def test_cram_md5(connect):
    client = connect()
    challenge = ask(client, 'AUTH CRAM-MD5')
    assert re.fullmatch(rb'<[^<>@\s]+@[^<>@\s]+>', challenge)
    client.run([(b64(cram_md5(challenge, ANN, PASSWORD)), IN), (f'MAIL FROM:<{ANN}>', TAKEN)])


def test_cram_md5_has_a_new_challenge_each_time(connect):
    challenges = set()
    for _ in range(3):
        client = connect()
        for _ in range(3):
            challenges.add(ask(client, 'AUTH CRAM-MD5'))
            client.run([('*', CANCELLED)])
    assert len(challenges) == 9


CRAMS = {
    'wrong password': (lambda c: cram_md5(c, ANN, 'x'), WRONG),
    'of another challenge': (lambda c: cram_md5(b'<1@x>', ANN, PASSWORD), WRONG),
    'of an account without a secret': (lambda c: cram_md5(c, JOE, PASSWORD), WRONG),
    'of nobody': (lambda c: cram_md5(c, 'who@example.test', PASSWORD), WRONG),
    'no digest': (lambda c: ANN, ANY_REFUSAL),
    'an empty digest': (lambda c: ANN + ' ', ANY_REFUSAL),
    'half a digest': (lambda c: cram_md5(c, ANN, PASSWORD)[:-16], ANY_REFUSAL),
    'more than a digest': (lambda c: cram_md5(c, ANN, PASSWORD) + '00', ANY_REFUSAL),
    'no hex': (lambda c: ANN + ' ' + 'z' * 32, ANY_REFUSAL),
    'no name': (lambda c: cram_md5(c, '', PASSWORD), ANY_REFUSAL),
    'NUL behind': (lambda c: cram_md5(c, ANN, PASSWORD) + '\0', ANY_REFUSAL),
    'nothing': (lambda c: '', ANY_REFUSAL),
}


@pytest.mark.parametrize('response, expected', CRAMS.values(), ids=CRAMS)
def test_cram_md5_refused(connect, response, expected):
    client = connect()
    challenge = ask(client, 'AUTH CRAM-MD5')
    client.run([(b64(response(challenge)), expected), (MAIL[0], LOGIN_FIRST)])


def test_cram_md5_takes_no_initial_response(connect):
    """RFC 4954 section 4: the server begins."""
    connect().run([('AUTH CRAM-MD5 ' + b64(ANN + ' ' + '0' * 32), r'501 5\.7\.0 '), NOOP, AUTH])


# SCRAM (RFC 5802, RFC 7677)

def scram_first(client, scram, mechanism='SCRAM-SHA-256', later=False):
    if later:
        client.run([(f'AUTH {mechanism}', EMPTY)])
        return ask(client, b64(scram.first())).decode()
    return ask(client, f'AUTH {mechanism} {b64(scram.first())}').decode()


@pytest.mark.parametrize('later', [False, True], ids=['initial response', 'later'])
@pytest.mark.parametrize('user, password', [(JOE, PASSWORD), (UMA, UMLAUTS), (JOE.upper(), PASSWORD)])
def test_scram(connect, user, password, later):
    client, scram = connect(), Scram(user, password)
    scram.verify(ask(client, b64(scram.final(scram_first(client, scram, later=later)))).decode())
    client.run([('', IN), (f'MAIL FROM:<{user}>', TAKEN)])


FIRSTS = {
    'own name as authzid': dict(gs2=f'n,a={JOE},'),
    'extensions that are optional': dict(first_more=',x=frob,y=knob'),
    'a long nonce': dict(nonce='n' * 800),
    'a short nonce': dict(nonce='n'),
}


@pytest.mark.parametrize('how', FIRSTS.values(), ids=FIRSTS)
def test_scram_variants(connect, how):
    client, scram = connect(), Scram(JOE, PASSWORD, **how)
    scram.verify(ask(client, b64(scram.final(scram_first(client, scram)))).decode())
    client.run([('', IN), MAIL])


def test_scram_extensions_in_the_last_message(connect):
    client, scram = connect(), Scram(JOE, PASSWORD)
    ask(client, b64(scram.final(scram_first(client, scram), more=',x=frob')))
    client.run([('', IN)])


BAD_FIRSTS = {
    'a binding that was not chosen': Scram(JOE, '', gs2='p=tls-exporter,,').first(),
    'authzid of somebody else': Scram(JOE, PASSWORD, gs2=f'n,a={ANN},').first(),
    'an extension that is mandatory': Scram(JOE, PASSWORD, mandatory='m=x,').first(),
    'no gs2 header': 'n=joe@example.test,r=abc',
    'half a gs2 header': 'n,n=joe@example.test,r=abc',
    'another flag': 'z,,n=joe@example.test,r=abc',
    'no name': 'n,,r=abc',
    'an empty name': 'n,,n=,r=abc',
    'no nonce': 'n,,n=joe@example.test',
    'an empty nonce': 'n,,n=joe@example.test,r=',
    'nonce before name': 'n,,r=abc,n=joe@example.test',
    'a wrong escape in the name': 'n,,n=joe=2F,r=abc',
    'an open escape in the name': 'n,,n=joe=,r=abc',
    'a NUL': 'n,,n=joe\0@example.test,r=abc',
    'no UTF-8': b'n,,n=\xff\xfe,r=abc',
    'a nonce with a control': 'n,,n=joe@example.test,r=a\1c',
    'nothing': '',
    'commas': ',,,,,,',
    'a final message': 'c=biws,r=abc,p=AAAA',
}


@pytest.mark.parametrize('first', BAD_FIRSTS.values(), ids=BAD_FIRSTS)
def test_scram_first_refused(connect, first):
    """At once, or after the rest of the exchange; without a login in the end."""
    client = connect()
    reply = client.say(f'AUTH SCRAM-SHA-256 {b64(first) or "="}', r'(334|501 5\.[57]\.\d|535 5\.7\.8) ')
    if reply.startswith('334'):
        nonce = dict(part.split('=', 1) for part in unb64(reply[4:]).decode().split(','))['r']
        client.run([(b64(f'c=biws,r={nonce},p={b64(b"p" * 32)}'), ANY_REFUSAL)])
    client.run([NOOP, (MAIL[0], LOGIN_FIRST), AUTH])


def bad_final(**how):
    return lambda scram, first: scram.final(first, **how)


BAD_FINALS = {
    'wrong proof': (bad_final(proof=b64(b'p' * 32)), WRONG),
    'short proof': (bad_final(proof=b64(b'p' * 16)), ANY_REFUSAL),
    'long proof': (bad_final(proof=b64(b'p' * 64)), ANY_REFUSAL),
    'empty proof': (bad_final(proof=''), ANY_REFUSAL),
    'proof that is no base64': (bad_final(proof='!!!!'), ANY_REFUSAL),
    'nonce of the client alone': (lambda scram, first: scram.final(first, nonce=scram.nonce), ANY_REFUSAL),
    'another nonce': (bad_final(nonce='abcdef'), ANY_REFUSAL),
    'changed gs2 header': (bad_final(cbind=b'y,,'), ANY_REFUSAL),
    'another binding': (bad_final(cbind=b'n,,xyz'), ANY_REFUSAL),
    'no gs2 header': (bad_final(cbind=b''), ANY_REFUSAL),
    'no proof': (lambda scram, first: scram.final(first).rsplit(',p=', 1)[0], ANY_REFUSAL),
    'no binding': (lambda scram, first: scram.final(first).split(',', 1)[1], ANY_REFUSAL),
    'more behind the proof': (lambda scram, first: scram.final(first) + ',x=y', ANY_REFUSAL),
    'a NUL behind': (lambda scram, first: scram.final(first) + '\0', ANY_REFUSAL),
    'the first message again': (lambda scram, first: scram.first(), ANY_REFUSAL),
    'nothing': (lambda scram, first: '', ANY_REFUSAL),
}


@pytest.mark.parametrize('final, expected', BAD_FINALS.values(), ids=BAD_FINALS)
def test_scram_final_refused(connect, final, expected):
    client, scram = connect(), Scram(JOE, PASSWORD)
    first = scram_first(client, scram)
    client.run([(b64(final(scram, first)), expected), NOOP, (MAIL[0], LOGIN_FIRST), AUTH])


@pytest.mark.parametrize('user, password', [(JOE, 'x'), ('who@example.test', PASSWORD),
                                            ('nopass@example.test', PASSWORD)])
def test_scram_wrong_credentials(connect, user, password):
    client, scram = connect(), Scram(user, password)
    client.run([(b64(scram.final(scram_first(client, scram))), WRONG), (MAIL[0], LOGIN_FIRST)])


def test_scram_cancelled(connect):
    client, scram = connect(), Scram(JOE, PASSWORD)
    client.run([('AUTH SCRAM-SHA-256', EMPTY), ('*', CANCELLED)])
    scram_first(client, scram)
    client.run([('*', CANCELLED), NOOP])
    ask(client, b64(scram.final(scram_first(client, scram))))
    client.run([('*', CANCELLED), (MAIL[0], LOGIN_FIRST), AUTH])


def test_scram_does_not_take_the_final_message_twice(connect):
    """Nor that of another session."""
    first_client, scram = connect(), Scram(JOE, PASSWORD)
    final = scram.final(scram_first(first_client, scram))
    ask(first_client, b64(final))
    first_client.run([('', IN)])
    second = connect()
    scram_first(second, scram)
    second.run([(b64(final), ANY_REFUSAL), (MAIL[0], LOGIN_FIRST)])


def salt_of(connect, user, mechanism='SCRAM-SHA-256'):
    client, scram = connect(), Scram(user, '')
    fields = dict(part.split('=', 1) for part in scram_first(client, scram, mechanism).split(','))
    client.run([('*', CANCELLED)])
    return fields['s'], fields['i']


def test_scram_salts_tell_nothing(connect):
    """An unknown user has one too, always the same, like those of users that exist."""
    joe, who, her = (salt_of(connect, user) for user in (JOE, 'who@example.test', 'her@example.test'))
    assert who == salt_of(connect, 'who@example.test') == salt_of(connect, 'WHO@example.test')
    assert joe == salt_of(connect, JOE)
    assert len({joe[0], who[0], her[0]}) == 3
    assert joe[1] == who[1] == her[1] and len(unb64(joe[0])) == len(unb64(who[0]))


def test_scram_nonces_are_new(connect):
    nonces = {scram_first(connect(), Scram(JOE, '', nonce='same')) for _ in range(4)}
    assert len(nonces) == 4


PLUS = 'SCRAM-SHA-256-PLUS'


def test_y_where_a_binding_is_offered(connect):
    """The client could bind and believes that the server cannot: somebody has changed what it was
    told (RFC 5802 section 6)."""
    client, scram = connect('bound'), Scram(JOE, PASSWORD, gs2='y,,')
    reply = client.say(f'AUTH SCRAM-SHA-256 {b64(scram.first())}', r'(334|501 5\.[57]\.\d|535 5\.7\.8) ')
    if reply.startswith('334'):
        client.run([(b64(scram.final(unb64(reply[4:]).decode())), ANY_REFUSAL)])
    client.run([(MAIL[0], LOGIN_FIRST), AUTH])


@pytest.mark.parametrize('scram', [
    Scram(JOE, PASSWORD, gs2='p=tls-exporter,,', binding=b'x' * 32),
    Scram(JOE, PASSWORD, gs2='p=tls-exporter,,', binding=b''),
    Scram(JOE, PASSWORD, gs2='p=tls-unique,,', binding=b'x' * 12),
    Scram(JOE, PASSWORD, gs2='p=tls-server-end-point,,', binding=b'x' * 32),
    Scram(JOE, PASSWORD, gs2='p=frob,,', binding=b'x'),
    Scram(JOE, PASSWORD, gs2='n,,'),
    Scram(JOE, PASSWORD, gs2='y,,'),
], ids=lambda scram: f'{scram.gs2}{len(scram.binding)}')
@pytest.mark.parametrize('port', ['submission', 'bound'])
def test_plus_without_the_right_binding(connect, port, scram):
    """Who stands in the middle has another TLS session, and so another value."""
    client = connect(port)
    reply = client.say(f'AUTH {PLUS} {b64(scram.first())}', r'(334|501 5\.[57]\.\d|535 5\.7\.8) ')
    if reply.startswith('334'):
        client.run([(b64(scram.final(unb64(reply[4:]).decode())), ANY_REFUSAL)])
    client.run([NOOP, (MAIL[0], LOGIN_FIRST), AUTH])


def test_plus_is_nothing_without_tls(connect):
    connect('clear').run([(f'AUTH {PLUS}', UNKNOWN), NOOP, AUTH])


@pytest.mark.parametrize('port', ['clear', 'submission'])
def test_y_where_no_binding_is_offered(connect, port):
    """A client that could bind says so, and is right."""
    client, scram = connect(port), Scram(JOE, PASSWORD, gs2='y,,')
    scram.verify(ask(client, b64(scram.final(scram_first(client, scram)))).decode())
    client.run([('', IN)])


def test_sha_1_is_of_those_who_ask_for_it(connect):
    """No account here has a verifier for it, so that even then it is not offered; or it works."""
    client = connect('few')
    if 'SCRAM-SHA-1' in offered(client):
        scram = Scram(JOE, PASSWORD, digest='sha1')
        ask(client, b64(scram.final(scram_first(client, scram, 'SCRAM-SHA-1'))))
        client.run([('', IN)])
    else:
        client.run([('AUTH SCRAM-SHA-1', UNKNOWN)])


def test_a_mechanism_that_this_listener_does_not_offer(connect):
    connect('few').run([('AUTH LOGIN', UNKNOWN), ('AUTH SCRAM-SHA-256', UNKNOWN), ('AUTH CRAM-MD5', UNKNOWN),
                        AUTH])


# EXTERNAL (RFC 4422 appendix A)

@pytest.fixture
def badge(clients_authority):
    """The certificate of an address."""
    return lambda *names: clients_authority.issue(names[0].partition('@')[0], list(names), usage='clientAuth')


EXTERNALS = {
    'nobody in particular': [('AUTH EXTERNAL =', IN), MAIL],
    'the long way': [('AUTH EXTERNAL', EMPTY), ('', IN), MAIL],
    'himself': [('AUTH EXTERNAL ' + b64(JOE), IN), MAIL],
    'himself, later': [('AUTH EXTERNAL', EMPTY), (b64(JOE), IN)],
    'himself in capitals': [('AUTH EXTERNAL ' + b64(JOE.upper()), IN)],
    'somebody else': [('AUTH EXTERNAL ' + b64(ANN), WRONG), (MAIL[0], LOGIN_FIRST)],
    'NUL': [('AUTH EXTERNAL ' + b64(JOE + '\0'), ANY_REFUSAL)],
    'bad base64': [('AUTH EXTERNAL !', NOT_BASE64)],
    'cancelled': [('AUTH EXTERNAL', EMPTY), ('*', CANCELLED), NOOP, ('AUTH EXTERNAL =', IN)],
    'a password instead': [AUTH],
}


@table(EXTERNALS)
def test_external(connect, badge, steps):
    connect('badge', tls={'certificate': badge(JOE)}).run(steps)


def test_external_with_a_certificate_of_nobody_here(connect, badge):
    connect('badge', tls={'certificate': badge('who@example.test')}).run(
        [('AUTH EXTERNAL =', WRONG), NOOP, AUTH])


def test_external_with_two_addresses(connect, badge):
    """Which account is meant, the client must say; it may be either."""
    both = {'certificate': badge(JOE, UMA)}
    for user in (JOE, UMA):
        connect('badge', tls=both).run([('AUTH EXTERNAL ' + b64(user), IN), (f'MAIL FROM:<{user}>', TAKEN)])
    connect('badge', tls=both).run([('AUTH EXTERNAL ' + b64(ANN), WRONG)])


def test_external_on_a_listener_that_asks_for_no_certificate(connect, badge):
    connect('submission', tls={'certificate': badge(JOE)}).run(
        [('AUTH EXTERNAL =', r'(504 5\.5\.4|535 5\.7\.8) '), (MAIL[0], LOGIN_FIRST)])


# OAuth (RFC 7628), the server of the tokens being down

LATER = r'(454 4\.7\.0|334) '
TOKENS = {
    'XOAUTH2': xoauth2(JOE, 'token'),
    'OAUTHBEARER': oauthbearer(JOE, 'token'),
}


@pytest.mark.parametrize('mechanism', TOKENS)
@pytest.mark.parametrize('later', [False, True], ids=['initial response', 'later'])
def test_a_token_that_nobody_can_judge(connect, mechanism, later):
    """Neither yes nor no: 454, at once or after the word that ends a failed exchange."""
    client, token = connect(), b64(TOKENS[mechanism])
    if later:
        client.run([(f'AUTH {mechanism}', EMPTY)])
    reply = client.say(token if later else f'AUTH {mechanism} {token}', LATER)
    if reply.startswith('334'):
        client.run([('AQ==' if mechanism == 'OAUTHBEARER' else '', r'454 4\.7\.0 ')])
    client.run([NOOP, (MAIL[0], LOGIN_FIRST), AUTH])


BAD_TOKENS = {
    'OAUTHBEARER': ['', 'x', 'n,,', 'n,,\1\1', 'n,,\1host=x\1\1', 'n,,\1auth=\1\1', 'n,,\1auth=Basic eDp5\1\1',
                    f'n,a={JOE},\1auth=Bearer\1\1', f'n,a={JOE},\1auth=Bearer a b\1\1',
                    f'n,a={JOE},\1auth=Bearer t\1', f'a={JOE}\1auth=Bearer t\1\1', '\1', '\0', b'\xff\1\1',
                    f'p=x,a={JOE},\1auth=Bearer t\1\1', f'n,a={JOE},\1auth=Bearer t\r\nX: y\1\1'],
    'XOAUTH2': ['', 'x', '\1\1', f'user={JOE}\1\1', 'auth=Bearer t\1\1', f'user={JOE}\1auth=Basic t\1\1',
                f'user={JOE}\1auth=Bearer \1\1', f'user={JOE}\1auth=Bearer t', '\0\1', b'\xff\1\1',
                f'user={JOE}\1auth=Bearer t\r\nX: y\1\1'],
}


@pytest.mark.parametrize('mechanism, token', [(name, token) for name in BAD_TOKENS for token in BAD_TOKENS[name]],
                         ids=repr)
def test_what_is_no_token(connect, mechanism, token):
    client = connect()
    reply = client.say(f'AUTH {mechanism} {b64(token) or "="}', r'(334|501 5\.[57]\.\d|535 5\.7\.8|454 4\.7\.0) ')
    if reply.startswith('334'):
        assert unb64(reply[4:]).startswith(b'{')  # RFC 7628 section 3.2.2
        client.run([('AQ==', r'(501 5\.[57]\.\d|535 5\.7\.8|454 4\.7\.0) ')])
    client.run([NOOP, (MAIL[0], LOGIN_FIRST)])


# The parameter AUTH of MAIL (RFC 4954 section 5)

PARAMETERS = {
    'nobody': ('AUTH=<>', TAKEN),
    'an address': ('AUTH=joe@example.test', TAKEN),
    'an address in xtext': ('AUTH=e+3Dmc2@example.test', TAKEN),
    'a quoted one': ('AUTH=+22joe+20x+22@example.test', TAKEN),
    'in any case': ('auth=<>', TAKEN),
    'together with others': ('SIZE=100 AUTH=<> BODY=8BITMIME', TAKEN),
    'bare': ('AUTH', r'501 5\.5\.4 '),
    'empty': ('AUTH=', r'501 5\.5\.4 '),
    'twice': ('AUTH=<> AUTH=<>', r'501 5\.5\.4 '),
    'bad hex': ('AUTH=joe+ZZ@example.test', r'501 5\.5\.4 '),
    'cut hex': ('AUTH=joe@example.test+2', r'501 5\.5\.4 '),
    'lower case hex': ('AUTH=e+3dmc2@example.test', TAKEN),  # HEXDIG of RFC 5234 has no case
    'an equals sign': ('AUTH=e=mc2@example.test', r'501 5\.5\.4 '),
    'no address': ('AUTH=joe', r'501 5\.5\.4 '),
    'no address behind xtext': ('AUTH=+0D+0A', r'501 5\.5\.4 '),
    'at rcpt': None,
}


@pytest.mark.parametrize('name', PARAMETERS)
def test_the_parameter_of_mail(connect, name):
    client = connect()
    if name == 'at rcpt':
        client.run([AUTH, MAIL, (RCPT[0] + ' AUTH=<>', r'555 5\.5\.4 '), RCPT])
    else:
        words, expected = PARAMETERS[name]
        client.run([AUTH, (f'{MAIL[0]} {words}', expected), NOOP])


def test_the_parameter_from_strangers(connect):
    """Where AUTH is offered it must be understood; it makes nobody trusted."""
    connect('offered').run([(f'MAIL FROM:<a@client.test> AUTH={JOE}', TAKEN),
                            ('RCPT TO:<victim@remote.test>', r'550 5\.7\.1 '), RCPT])


def test_the_parameter_where_auth_is_not_offered(connect):
    connect('mx').run([('MAIL FROM:<a@client.test> AUTH=<>', r'555 5\.5\.4 '), NOOP])


# Pipelining (RFC 4954 section 4, RFC 2920)

def test_a_group_behind_an_auth_that_needs_one_round(connect):
    """The exception of RFC 4954: PLAIN and EXTERNAL with an initial response."""
    said = ''.join(f'{line[0]}\r\n' for line in (AUTH, MAIL, RCPT, DATA)).encode()
    client = connect()
    client.say(said, IN, TAKEN, TAKEN, '354')
    client.run([TEXT])


def test_a_group_behind_an_auth_that_fails(connect):
    said = f'AUTH PLAIN {BAD}\r\n{MAIL[0]}\r\n{RCPT[0]}\r\nNOOP\r\n'.encode()
    connect().say(said, WRONG, LOGIN_FIRST, r'5[03][03] ', NOOP[1])


def test_auth_at_the_end_of_a_group(connect):
    connect().say(f'NOOP\r\nRSET\r\nAUTH PLAIN {GOOD}\r\n'.encode(), TAKEN, TAKEN, IN)


def test_responses_sent_ahead(connect):
    """Not allowed. Taken or refused, but nothing of it is a command afterwards."""
    client = connect()
    client.socket.sendall(f'AUTH LOGIN\r\n{b64(JOE)}\r\n{b64("x")}\r\n'.encode())
    replies = []
    while not replies or replies[-1] is not CLOSED and replies[-1].startswith('334'):
        replies.append(client.reply())
    assert replies[-1] is CLOSED or re.match(r'(535 5\.7\.8|50[13] 5\.5\.[12]|554 5)', replies[-1])


def test_responses_in_single_bytes(connect):
    client = connect()
    for line in ('AUTH LOGIN', b64(JOE), b64(PASSWORD)):
        for byte in f'{line}\r\n'.encode():
            client.socket.sendall(bytes([byte]))
        reply = client.reply()
    assert re.match(IN, reply)


@pytest.mark.parametrize('end', ['\n', '\r', '\r\r\n'], ids=repr)
def test_a_response_ends_with_crlf(connect, end):
    client = connect()
    client.run([('AUTH PLAIN', EMPTY)])
    client.socket.sendall(f'{GOOD}{end}NOOP\r\n'.encode())
    reply = client.reply()
    assert reply is CLOSED or re.match(r'5\d\d 5\.', reply), reply


# Failures without end, and sessions that end.

def test_three_failures_at_least(connect):
    """RFC 4954 section 9."""
    connect().run([*[(f'AUTH PLAIN {BAD}', WRONG)] * 3, AUTH])


def test_not_without_end(connect):
    """`errors`: twelve of them here."""
    client, replies = connect(), []
    while not replies or replies[-1] is not CLOSED:
        client.socket.sendall(f'AUTH PLAIN {BAD}\r\n'.encode())
        replies.append(client.reply())
        assert len(replies) < 30
        if replies[-1] is not CLOSED and replies[-1].startswith('421 4.7.0'):
            assert client.reply() is CLOSED
            break
        assert replies[-1] is not CLOSED and re.match(WRONG, replies[-1]), replies
    assert 4 <= len(replies) <= 13


LEFT = {
    'after the command': ['AUTH PLAIN'],
    'after the name': ['AUTH LOGIN', b64(JOE)],
    'after the challenge': ['AUTH CRAM-MD5'],
    'after the first message': ['AUTH SCRAM-SHA-256 ' + b64('n,,n=joe@example.test,r=abc')],
}


@pytest.mark.parametrize('end', ['fin', 'reset', 'half a line', 'before the reply'])
@pytest.mark.parametrize('said', LEFT.values(), ids=LEFT)
def test_gone_in_the_middle(connect, said, end):
    client = connect()
    client.run([(line, '334 ') for line in said])
    if end == 'half a line':
        client.socket.sendall(GOOD[:8].encode())
    if end == 'before the reply':
        client.socket.sendall(GOOD.encode() + b'\r\n')
    if end == 'reset':
        client.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.socket.close()
    connect().run([AUTH, QUIT])


def test_quit_after_a_cancelled_exchange(connect):
    connect().run([('AUTH LOGIN', USERNAME), ('*', CANCELLED), QUIT])


def test_half_open_exchanges_hold_up_nobody(connect):
    waiting = [connect() for _ in range(20)]
    for client in waiting:
        client.run([('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT)])
    connect().run([AUTH, MAIL, RCPT, DATA, TEXT, QUIT])
    for client in waiting:
        client.run([(b64(PASSWORD), IN)])


def log_in(client, mechanism):
    if mechanism == 'PLAIN':
        client.run([AUTH])
    elif mechanism == 'LOGIN':
        client.run([('AUTH LOGIN', USERNAME), (b64(JOE), PASSWORD_PROMPT), (b64(PASSWORD), IN)])
    elif mechanism == 'CRAM-MD5':
        challenge = ask(client, 'AUTH CRAM-MD5')
        client.run([(b64(cram_md5(challenge, ANN, PASSWORD)), IN)])
    else:
        scram = Scram(JOE, PASSWORD)
        scram.verify(ask(client, b64(scram.final(scram_first(client, scram)))).decode())
        client.run([('', IN)])


@pytest.mark.parametrize('port', ['smtps', 'half', 'offered', 'clear'])
@pytest.mark.parametrize('mechanism', ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256'])
def test_everywhere(connect, port, mechanism):
    client = connect(port)
    log_in(client, mechanism)
    client.run([('MAIL FROM:<%s>' % (ANN if mechanism == 'CRAM-MD5' else JOE), TAKEN), RCPT])


def test_many_at_once(server):
    """Each session is told about its own login and no other."""
    def one(number):
        with Client(('127.0.0.1', server.port('smtps')), tls=client_context()) as client:
            client.run([(b'', '220'), EHLO])
            if number % 5 == 4:
                client.run([(f'AUTH PLAIN {BAD}', WRONG), (MAIL[0], LOGIN_FIRST)])
                return
            mechanism = ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256'][number % 5]
            log_in(client, mechanism)
            me, other = (ANN, JOE) if mechanism == 'CRAM-MD5' else (JOE, ANN)
            client.run([(f'MAIL FROM:<{other}>', r'55[03] 5\.7\.1 '), (f'MAIL FROM:<{me}>', TAKEN), RCPT])
    with concurrent.futures.ThreadPoolExecutor(15) as pool:
        list(pool.map(one, range(30)))


# What a message tells of it.

WITH = {
    # RFC 3848, RFC 6531 section 4.3
    'ESMTPSA': ('submission', ''),
    'ESMTPA': ('clear', ''),
    'UTF8SMTPSA': ('smtps', ' SMTPUTF8'),
    'UTF8SMTPA': ('clear', ' SMTPUTF8'),
}


@pytest.mark.parametrize('protocol', WITH)
def test_the_protocol_in_received(server, connect, protocol):
    port, option = WITH[protocol]
    client = connect(port)
    client.run([AUTH, (MAIL[0] + option, TAKEN), RCPT, DATA,
                (f'Subject: by {protocol}\r\nFrom: {JOE}\r\n\r\nx\r\n.', TAKEN), QUIT])
    mail = find_mail(server, ANN, f'by {protocol}\n'.encode())
    [field] = re.findall(rb'(?m)^Received: .*(?:\n[ \t].*)*', mail)
    assert f' with {protocol} ' in re.sub(r'\s+', ' ', field.decode())


def test_no_secret_is_in_log_or_mail(server, connect):
    """Whatever the tests above said: neither passwords nor responses."""
    connect().run([AUTH, MAIL, RCPT, DATA, TEXT, QUIT])
    log = server.log()
    for secret in (PASSWORD, GOOD, b64(PASSWORD), UMLAUTS, 'incorrect horse', BAD):
        assert secret not in log
    assert all(GOOD.encode() not in mail and PASSWORD.encode() not in mail for mail in server.mail(ANN))


def test_guessing_is_slowed_down_and_blocked(make_server, users):
    """Shared by all sessions; the right password does not help while a block lasts."""
    server = make_server('listen smtps {{ service submission; address 127.0.0.1:{smtps}; tls implicit }}\n'
                         'domain example.test {{ deliver maildir }}\n'
                         'auth {{ failures 3; block_first 1h; delay 300ms }}\n')
    server.account(JOE, password=PASSWORD)

    def attempt(credentials, expected):
        with Client(('127.0.0.1', server.port('smtps')), tls=client_context()) as client:
            client.run([(b'', '220'), EHLO, (f'AUTH PLAIN {credentials}', expected)])
    start = time.monotonic()
    attempt(BAD, WRONG)
    assert time.monotonic() - start >= 0.3
    for _ in range(2):
        attempt(BAD, WRONG)
    attempt(GOOD, r'(454 4\.7\.0|535 5\.7\.8|421 4\.7\.0) ')
    blocked = server.run('account', 'blocked').stdout.decode()
    assert '127.0.0.1' in blocked or JOE in blocked
