"""AUTH as a stranger sees it: raw sockets against one running server, expectations from the RFCs
(4954, 4422, 4616, 8314, 3848) and docs/configuration.md, not from the code.

A conversation is a list of steps, see session.py.
"""
import concurrent.futures
import re
import socket
import struct
import time

import pytest

from auth_site import (ANN, ANY_REFUSAL, AUTH, BAD, CANCELLED, DATA, EHLO, EMPTY, GOOD, IN, JOE,
                       LOGIN_FIRST, MAIL, NOOP, NOT_BASE64, ORDER, PASSWORD, PASSWORD_PROMPT, QUIT,
                       RCPT, SYNTAX, TAKEN, TEXT, UMA, UMLAUTS, UNKNOWN, USERNAME, WRONG, ask,
                       badge, clients_authority, connect, find_mail, folder, offered, scram_first,
                       server, table)  # noqa: F401
from sasl import Scram, b64, cram_md5, plain
from session import CLOSED, Client, client_context

# What is offered, and where.

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
