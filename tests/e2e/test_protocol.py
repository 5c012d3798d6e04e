"""The protocol as a stranger sees it: raw sockets against one running server, expectations from the
RFCs (5321, 1870, 2033, 2034, 2920, 3030, 3461, 6531) and not from the code.

A conversation is a list of steps, see session.py.
"""
import pathlib
import re
import shutil
import socket
import tempfile

import pytest

from server import Server
from session import CLOSED, Client

CONF = '''
trusted {{ 192.0.2.0/24; 2001:db8::/32 }}
relay 127.0.0.1:{nobody}
listen mx {{ service mx; address 127.0.0.1:{mx}; proxy_protocol {{ 127.0.0.2 }}; xclient {{ 127.0.0.3 }} }}
listen near {{ service mx; address unix:{folder}/smtp }}
listen lmtp {{ service lmtp; address 127.0.0.1:{lmtp} }}
domain example.test {{ deliver maildir }}
domain bücher.test {{ deliver maildir }}
limits {{ message_size 200K; recipients 150; text_line 150K; errors 10; idle_commands 40 }}
timeouts {{ banner 50ms }}
'''
SIZE_MAX = 200 * 1024
SYNTAX = r'50[01] 5\.5\.[24] '
ADDRESS = r'(501|553) 5\.(1\.[37]|5\.[24]) '       # a path that no grammar allows
ORDER = r'503 5\.5\.1 '
NO_RELAY = r'550 5\.7\.1 '
NO_USER = r'550 5\.1\.1 '
LONG = r'5(00|54) 5\.[56]\.\d '
BAD_TEXT = r'(550|554) 5\.6\.\d '
TAKEN = r'250 2\.\d\.\d '

EHLO = ('EHLO client.test', '250')
MAIL = ('MAIL FROM:<a@client.test>', r'250 2\.1\.0 ')
RCPT = ('RCPT TO:<joe@example.test>', r'250 2\.1\.5 ')
DATA = ('DATA', '354')
TEXT = ('Subject: x\r\n\r\nhello\r\n.', TAKEN)
NOOP = ('NOOP', r'250 2\.0\.0 ')
HELP = ('HELP', r'214[ -]2\.0\.0 ')
QUIT = ('QUIT', r'221 2\.0\.0 ', CLOSED)
READY = [EHLO, MAIL, RCPT]


@pytest.fixture(scope='module')
def server(users):
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-', dir='/var/tmp'))
    folder.chmod(0o755)
    server = Server(folder / 's', CONF)
    for name in ('joe', 'exact', 'other', 'near', 'proxy'):
        server.account(f'{name}@example.test')
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def connect(server):
    """A session after its greeting; `source` is the client's address, `first` is said before."""
    clients = []

    def open_session(port='mx', source=None, first=b'', greeting=r'220 mx\.nuncio\.test '):
        address = f'{server.folder}/smtp' if port == 'unix' else ('127.0.0.1', server.port(port))
        client = Client(address, source, first)
        clients.append(client)
        if greeting:
            assert re.match(greeting, str(client.reply()))
        return client
    yield open_session
    for client in clients:
        client.__exit__()


def table(cases):
    return pytest.mark.parametrize('steps', cases.values(), ids=cases.keys())


def mail_with(parameters, expected):
    return [EHLO, (f'MAIL FROM:<a@client.test> {parameters}', expected), NOOP]


def rcpt_with(parameters, expected):
    return [EHLO, MAIL, (f'RCPT TO:<joe@example.test> {parameters}', expected), NOOP]


ORDERS = {
    'mail before hello': [(MAIL[0], ORDER), EHLO, MAIL],
    'rcpt before mail': [EHLO, (RCPT[0], ORDER), MAIL, RCPT],
    'data before mail': [EHLO, ('DATA', ORDER), NOOP],
    'data before rcpt': [EHLO, MAIL, ('DATA', r'(503|554) 5\.5\.1 '), RCPT],
    'data when all were refused': [EHLO, MAIL, ('RCPT TO:<no@example.test>', NO_USER),
                                   ('DATA', r'(503|554) 5\.\d\.1 '), NOOP],
    'mail inside a transaction': [*READY, (MAIL[0], ORDER), DATA, TEXT],
    'two messages': [*READY, DATA, TEXT, ('DATA', ORDER), (RCPT[0], ORDER), MAIL, RCPT, DATA, TEXT],
    'ehlo resets': [*READY, EHLO, ('DATA', ORDER), MAIL],
    'helo resets': [*READY, ('HELO client.test', '250 '), (RCPT[0], ORDER), MAIL],
    'a refused ehlo resets nothing': [*READY, ('EHLO', '501'), DATA, TEXT],
    'rset resets': [*READY, ('RSET', TAKEN), (RCPT[0], ORDER), MAIL],
    'a refused mail begins nothing': [EHLO, ('MAIL FROM:<a@>', ADDRESS), (RCPT[0], ORDER), MAIL],
    'a refused rcpt ends nothing': [*READY, ('RCPT TO:<a@>', ADDRESS), DATA, TEXT],
    'before hello': [NOOP, ('RSET', TAKEN), ('VRFY joe', '252 '), HELP, QUIT],
    'helo suffices': [('HELO client.test', r'250 [^\n]*$'), MAIL, RCPT, DATA, TEXT, QUIT],
    'quit in a transaction': [*READY, QUIT],
}

SIMPLE = {
    'unknown verb': [EHLO, ('FROB', r'500 5\.5\.[12] '), ('MAILFROM:<a@b.test>', r'500 5\.5\.[12] ')],
    'empty line': [EHLO, ('', r'500 5\.5\.[12] '), NOOP],
    'hello without a name': [('EHLO', '501'), ('HELO', '501'), ('EHLO ', '501'), EHLO],
    'hello with literals': [('EHLO [127.0.0.1]', '250'), ('EHLO [IPv6:2001:db8::1]', '250')],
    'any case': [('ehlo client.test', '250'), ('mail from:<a@client.test>', TAKEN),
                 ('rcpt to:<joe@example.test>', TAKEN), ('dAtA', '354'), TEXT, ('quit', '221', CLOSED)],
    'trailing blanks': [EHLO, ('MAIL FROM:<a@client.test> ', TAKEN), ('RSET  ', TAKEN),
                        ('NOOP\t', TAKEN), ('QUIT ', '221', CLOSED)],
    'no arguments allowed': [*READY, ('RSET now', SYNTAX), ('DATA now', SYNTAX),
                             ('QUIT now', SYNTAX), DATA, TEXT],
    'noop with an argument': [EHLO, ('NOOP of any kind', TAKEN)],
    'help with an argument': [EHLO, ('HELP MAIL', HELP[1])],
    'vrfy': [EHLO, ('VRFY joe', '252 2'), ('VRFY nobody@example.test', '252 2'), ('VRFY', SYNTAX)],
    'expn': [EHLO, ('EXPN list', r'(550 5\.[17]|502 5\.[57])\.[12] ')],
    'unimplemented verbs': [EHLO, ('TURN', r'50[02] 5\.5\.[12] '), ('SEND FROM:<a@b.test>', '50[02] 5')],
    'lhlo is of lmtp': [('LHLO client.test', '50[0123]'), EHLO],
    'mail without a path': [EHLO, ('MAIL', SYNTAX), ('MAIL FROM:', ADDRESS), ('MAIL <a@b.test>', SYNTAX),
                            ('MAIL TO:<a@b.test>', SYNTAX), MAIL],
    'rcpt without a path': [EHLO, MAIL, ('RCPT', SYNTAX), ('RCPT TO:', ADDRESS),
                            ('RCPT FROM:<a@b.test>', SYNTAX), RCPT],
    'nul in a command': [EHLO, (b'NOOP \0\r\n', r'50[01] 5\.5\.2 '), NOOP],
    'a lone CR ends no command': [EHLO, (b'NOOP\rNOOP\r\n', r'50[01] 5\.5\.2 '), NOOP],
    'a lone LF ends the session': [EHLO, (b'NOOP\nNOOP\r\n', r'5(00|21) 5\.5\.2 ', CLOSED)],
    'commands of 512 octets': [EHLO, ('NOOP ' + 'x' * 505, TAKEN)],
    'long command': [EHLO, ('NOOP ' + 'x' * 5000, r'500 5\.5\.[26] '), NOOP],
    'very long command': [EHLO, ('MAIL FROM:<' + 'x' * 300000, r'500 5\.5\.[26] '), NOOP],
    'too many errors': [EHLO, *[('FROB', '500 ')] * 10, ('FROB', r'421 4\.7\.0 ', CLOSED)],
    'too many idle commands': [EHLO, *[NOOP] * 38, (b'NOOP\r\n' * 3, *['(250 2|421 4)'] * 2)],
}

PARAMETERS = {
    'size fits': mail_with(f'SIZE={SIZE_MAX}', TAKEN),
    'size 0': mail_with('SIZE=0', TAKEN),
    'size too large': mail_with(f'SIZE={SIZE_MAX + 1}', r'552 5\.3\.4 '),
    'size of twenty digits': mail_with('SIZE=99999999999999999999', r'552 5\.3\.4 '),
    'size of 21 digits': mail_with('SIZE=100000000000000000000', r'501 5\.5\.4 |552 5\.3\.4 '),
    'size bare': mail_with('SIZE', r'501 5\.5\.4 '),
    'size empty': mail_with('SIZE=', r'501 5\.5\.4 '),
    'size negative': mail_with('SIZE=-1', r'501 5\.5\.4 '),
    'size twice': mail_with('SIZE=1 SIZE=1', r'501 5\.5\.4 '),
    'body 7bit': mail_with('BODY=7BIT', TAKEN),
    'body 8bitmime in any case': mail_with('body=8bitmime', TAKEN),
    'body binarymime is not offered': mail_with('BODY=BINARYMIME', r'(501|555) 5\.5\.4 '),
    'body bare': mail_with('BODY', r'501 5\.5\.4 '),
    'body twice': mail_with('BODY=7BIT BODY=8BITMIME', r'501 5\.5\.4 '),
    'smtputf8': mail_with('SMTPUTF8 BODY=8BITMIME', TAKEN),
    'smtputf8 with a value': mail_with('SMTPUTF8=1', r'501 5\.5\.4 '),
    'unknown': mail_with('FROB=1', r'555 5\.5\.4 '),
    'no keyword': mail_with('=1', r'501 5\.5\.[24] '),
    'glued to the path': [EHLO, ('MAIL FROM:<a@client.test>SIZE=1', ADDRESS)],
    'notify belongs to rcpt': mail_with('NOTIFY=NEVER', r'555 5\.5\.4 '),
    'ret full': mail_with('RET=FULL', TAKEN),
    'ret hdrs': mail_with('ret=hdrs ENVID=QQ314159', TAKEN),
    'ret unknown': mail_with('RET=SOME', r'501 5\.5\.4 '),
    'ret twice': mail_with('RET=FULL RET=FULL', r'501 5\.5\.4 '),
    'envid xtext': mail_with('ENVID=a+2Bb+3Dc', TAKEN),
    'envid empty': mail_with('ENVID=', r'501 5\.5\.4 '),
    'envid bad hex': mail_with('ENVID=a+ZZ', r'501 5\.5\.4 '),
    'envid cut hex': mail_with('ENVID=a+2', r'501 5\.5\.4 '),
    'envid of 100': mail_with('ENVID=' + 'x' * 100, TAKEN),
    'envid of 101': mail_with('ENVID=' + 'x' * 101, r'501 5\.5\.4 '),
    'notify never': rcpt_with('NOTIFY=NEVER', TAKEN),
    'notify all': rcpt_with('notify=success,FAILURE,Delay', TAKEN),
    'notify never with others': rcpt_with('NOTIFY=NEVER,FAILURE', r'501 5\.5\.4 '),
    'notify others with never': rcpt_with('NOTIFY=DELAY,NEVER', r'501 5\.5\.4 '),
    'notify empty': rcpt_with('NOTIFY=', r'501 5\.5\.4 '),
    'notify unknown': rcpt_with('NOTIFY=SOMETIMES', r'501 5\.5\.4 '),
    'notify with a hole': rcpt_with('NOTIFY=DELAY,,FAILURE', r'501 5\.5\.4 '),
    'notify twice': rcpt_with('NOTIFY=DELAY NOTIFY=DELAY', r'501 5\.5\.4 '),
    'orcpt': rcpt_with('ORCPT=rfc822;bob+2Bx@client.test', TAKEN),
    'orcpt without a type': rcpt_with('ORCPT=bob@client.test', r'501 5\.5\.4 '),
    'orcpt bad xtext': rcpt_with('ORCPT=rfc822;bob+', r'501 5\.5\.4 '),
    'orcpt of 501': rcpt_with('ORCPT=rfc822;' + 'x' * 494, r'501 5\.5\.4 '),
    'orcpt twice': rcpt_with('ORCPT=rfc822;a@b.test ORCPT=rfc822;a@b.test', r'501 5\.5\.4 '),
    'size belongs to mail': rcpt_with('SIZE=1', r'555 5\.5\.4 '),
    'many at once': [EHLO, ('MAIL FROM:<a@client.test> SIZE=9 BODY=8BITMIME RET=HDRS ENVID=1 SMTPUTF8',
                            TAKEN), ('RCPT TO:<joe@example.test> NOTIFY=DELAY ORCPT=rfc822;j@b.test',
                                     TAKEN)],
}

# Reverse-paths with a reply for each.
SENDERS = {
    '<>': TAKEN,
    '<"a b"@client.test>': TAKEN,
    r'<"a\"b"@client.test>': TAKEN,
    '<"a>b"@client.test>': TAKEN,
    '<@h.test,@i.test:a@client.test>': TAKEN,
    '<a@[192.0.2.1]>': TAKEN,
    '<a@[IPv6:2001:db8::1]>': TAKEN,
    '<' + 'l' * 64 + '@client.test>': TAKEN,
    '<a!b%c=d/e#f{g}|h~i`j^k$l&m\'n*o?p@client.test>': TAKEN,
    '<ä@client.test>': r'(550|553|501) 5\.6\.7 ',
    '<ä@client.test> SMTPUTF8': TAKEN,
    '<a@bücher.test> SMTPUTF8': TAKEN,
    '<a@[999.2.3.4]>': ADDRESS,
    '<a@[IPv6:2001::db8::1]>': ADDRESS,
    '<a@[192.0.2.1>': ADDRESS,
    '<a@client.test': ADDRESS,
    '<a b@client.test>': ADDRESS,
    '<a@client.test@b.test>': ADDRESS,
    '<@h.test:>': ADDRESS,
    '<"a@client.test>': ADDRESS,
    '<' + 'l' * 65 + '@client.test>': ADDRESS,
    '<a@' + 'd' * 64 + '.test>': ADDRESS,
    '<a@' + '.'.join(['d' * 50] * 6) + '>': ADDRESS,
}

RECIPIENTS = {
    '<postmaster>': TAKEN,
    '<PostMaster>': TAKEN,
    '<postmaster@example.test>': TAKEN,
    '<JOE@EXAMPLE.TEST>': TAKEN,
    '<joe+tag@example.test>': TAKEN,
    '<"joe"@example.test>': TAKEN,
    r'<"j\oe"@example.test>': TAKEN,
    '<@h.test,@i.test:joe@example.test>': TAKEN,
    '<postmaster@xn--bcher-kva.test>': TAKEN,
    '<nobody@example.test>': NO_USER,
    '<"joe "@example.test>': NO_USER,
    '<joe@sub.example.test>': NO_RELAY,
    '<>': ADDRESS,
    '<joe@example.test.>': ADDRESS,
    '<joe@.example.test>': ADDRESS,
    '<joe@example..test>': ADDRESS,
    '<joe@-example.test>': ADDRESS,
    '<joe@>': ADDRESS,
    '<@example.test>': ADDRESS,
    '<.joe@example.test>': ADDRESS,
    '<joe..x@example.test>': ADDRESS,
    '<joe.@example.test>': ADDRESS,
    '<joe@example.test>,<victim@remote.test>': ADDRESS,
    # Tricks of those who look for an open relay.
    '<victim@remote.test>': NO_RELAY,
    '<victim%remote.test@example.test>': NO_USER,
    '<victim%remote.test>': ADDRESS,
    '<remote.test!victim@example.test>': NO_USER,
    '<remote.test!victim>': ADDRESS,
    '<"victim@remote.test"@example.test>': NO_USER,
    '<"victim@remote.test">': ADDRESS,
    '<"victim@remote.test"@mx.nuncio.test>': r'550 5\.[17]\.1 ',
    '<victim@remote.test@example.test>': ADDRESS,
    '<@mx.nuncio.test:victim@remote.test>': NO_RELAY,
    '<@example.test:victim@remote.test>': NO_RELAY,
    '<victim@[127.0.0.1]>': r'550 5\.1\.1 ',  # the address of this connection: ours, no such user
    '<victim@[127.0.0.9]>': NO_RELAY,
    '<victim@[IPv6:::1]>': NO_RELAY,
    '<victim@[IPv6:2001:db8::1]>': NO_RELAY,
    '<victim@localhost>': NO_RELAY,
    '<victim@bücher.test>': r'553 5\.6\.7 ',
}


def chunk(data, last=False):
    return b'BDAT %d%s\r\n%s' % (len(data), b' LAST' if last else b'', data)


MESSAGE = b'Subject: x\r\n\r\nhello\r\n'
BDAT = {
    'one': [*READY, (chunk(MESSAGE, True), TAKEN), MAIL],
    'several, pipelined': [*READY, (chunk(MESSAGE) + chunk(b'') + chunk(b'more\r\n', True), *[TAKEN] * 3)],
    'a last of nothing': [*READY, (chunk(MESSAGE), TAKEN), (chunk(b'', True), TAKEN), MAIL],
    'in any case': [*READY, (b'bdat 2 last\r\n\r\n', TAKEN)],
    'before mail': [EHLO, (chunk(b'NOOP\r\n' * 3, True), ORDER), MAIL],
    'before rcpt': [EHLO, MAIL, (chunk(b'NOOP\r\n' * 3, True), r'(503|554) 5\.5\.1 '), NOOP],
    'after a data': [*READY, DATA, TEXT, (chunk(MESSAGE, True), ORDER), MAIL],
    'after its last': [*READY, (chunk(MESSAGE, True), TAKEN), (chunk(b'QUIT\r\n', True), ORDER), NOOP],
    'then data': [*READY, (chunk(MESSAGE), TAKEN), ('DATA', ORDER), ('RSET', TAKEN), MAIL],
    'then mail or rcpt': [*READY, (chunk(MESSAGE), TAKEN), (MAIL[0], ORDER), (RCPT[0], ORDER)],
    'then rset': [*READY, (chunk(MESSAGE), TAKEN), ('RSET', TAKEN), (chunk(MESSAGE, True), ORDER), MAIL],
    'a CRLF across chunks': [*READY, (chunk(b'Subject: x\r'), TAKEN),
                             (chunk(b'\n\r\nhello\r\n', True), TAKEN)],
    'no size': [*READY, ('BDAT', r'501 5\.5\.[24] ')],
    'no number': [*READY, ('BDAT x LAST', r'501 5\.5\.[24] ')],
    'a wrong end': [*READY, (b'BDAT 6 FIRST\r\n', r'501 5\.5\.[24] ')],
    'more than 64 bits': [*READY, ('BDAT 18446744073709551617 LAST', r'(501 5\.5\.[24]|552 5\.3\.4) ')],
    'too large at once': [*READY, (chunk(b'x\r\n' * 100000, True), r'552 5\.3\.4 '), NOOP],
    'too large in sum': [*READY, (chunk(b'x\r\n' * 60000), TAKEN), (chunk(b'x\r\n' * 60000), r'552 5\.3\.4 '),
                         (chunk(b'NOOP\r\n', True), '5(03|52) '), ('RSET', TAKEN), MAIL],
    'bare LF': [*READY, (chunk(b'a: b\r\n\r\nx\ny\r\n', True), BAD_TEXT), NOOP],
    'bare CR': [*READY, (chunk(b'a: b\r\n\r\nx\ry\r\n', True), BAD_TEXT), NOOP],
    'bare CR at the end': [*READY, (chunk(b'a: b\r\n\r\nx\r', True), BAD_TEXT), NOOP],
    'bare CR before a chunk': [*READY, (chunk(b'a: b\r'), '[25]50 '), (chunk(b'x\r\n', True), '5[05][034] ')],
    'NUL': [*READY, (chunk(b'a: b\r\n\r\nx\0y\r\n', True), r'55[04] 5\.6\.\d '), NOOP],
}

SMUGGLED = b'MAIL FROM:<evil@client.test>\r\nRCPT TO:<joe@example.test>\r\nDATA\r\nSubject: evil\r\n\r\n'
ENDS = [b'\n.\r\n', b'\r\n.\n', b'\n.\n', b'\r.\r', b'\r\n.\r', b'\r.\r\n', b'\n.\r', b'\r\n\0.\r\n',
        b'\r\n.\0\r\n', b'\r\r\n.\r\r\n', b'\r\n.\r\r\n']

PIPELINING = {
    'a whole envelope': [EHLO, (b'RSET\r\nMAIL FROM:<>\r\nRCPT TO:<no@example.test>\r\n'
                                b'RCPT TO:<joe@example.test>\r\nDATA\r\n',
                                TAKEN, TAKEN, NO_USER, TAKEN, '354'),
                         TEXT],
    'text and the next envelope': [*READY, DATA, (MESSAGE + b'.\r\nMAIL FROM:<>\r\nRCPT TO:<joe@example.test>'
                                                  b'\r\nDATA\r\n', TAKEN, TAKEN, TAKEN, '354'), TEXT],
    'bdat and quit': [EHLO, (b'MAIL FROM:<>\r\nRCPT TO:<joe@example.test>\r\n' + chunk(MESSAGE, True)
                             + b'QUIT\r\n', TAKEN, TAKEN, TAKEN, '221', CLOSED)],
    'past quit': [EHLO, (b'QUIT\r\nNOOP\r\n', '221', CLOSED)],
    'past ehlo': [(b'EHLO client.test\r\nMAIL FROM:<>\r\n', '(503|554)', CLOSED)],
    'past data': [*READY, (b'DATA\r\n' + MESSAGE + b'.\r\n', '(503|554) 5', CLOSED)],
}


@table(ORDERS)
def test_order(connect, steps):
    connect().run(steps)


@table(SIMPLE)
def test_commands(connect, steps):
    connect().run(steps)


@table(PARAMETERS)
def test_parameters(connect, steps):
    connect().run(steps)


@table(BDAT)
def test_bdat(connect, steps):
    connect().run(steps)


@table(PIPELINING)
def test_pipelining(connect, steps):
    connect().run(steps)


@pytest.mark.parametrize('path', SENDERS)
def test_reverse_path(connect, path):
    connect().run([EHLO, (f'MAIL FROM:{path}', SENDERS[path]), NOOP])


@pytest.mark.parametrize('path', RECIPIENTS)
def test_forward_path(connect, path):
    connect().run([EHLO, MAIL, (f'RCPT TO:{path}', RECIPIENTS[path]), NOOP])


@pytest.mark.parametrize('end', ENDS, ids=repr)
def test_no_second_message_is_smuggled(connect, end):
    """One reply for the whole, and the session goes on behind the true end."""
    connect().run([*READY, DATA, (MESSAGE[:-2] + end + SMUGGLED + b'x\r\n.\r\n', BAD_TEXT),
                   NOOP, (RCPT[0], ORDER), QUIT])


def test_extensions_that_are_offered(connect):
    offered = connect().say(*EHLO).split('\n')
    assert offered[0].startswith('250-mx.nuncio.test')
    words = {line.split()[0]: line.split()[1:] for line in offered[1:]}
    assert {'PIPELINING', '8BITMIME', 'CHUNKING', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'DSN',
            'LIMITS'} <= words.keys()
    assert words['SIZE'] == [str(SIZE_MAX)] and 'RCPTMAX=150' in words['LIMITS']
    assert not {'BINARYMIME', 'XCLIENT', 'AUTH'} & words.keys()


def test_utf8_recipient(connect):
    connect().run([EHLO, ('MAIL FROM:<ä@client.test> SMTPUTF8', TAKEN),
                   ('RCPT TO:<postmaster@bücher.test>', TAKEN),
                   ('RCPT TO:<ä@example.test>', NO_USER),
                   (b'RCPT TO:<\xff@example.test>\r\n', r'(501|553) 5\.\d\.\d ')])


def test_recipients_up_to_the_limit(connect):
    client = connect()
    client.run([EHLO, MAIL, *[(f'RCPT TO:<joe+{i}@example.test>', TAKEN) for i in range(150)],
                ('RCPT TO:<joe+x@example.test>', r'452 4\.5\.3 '), DATA, TEXT])


def test_data_too_large(connect):
    connect().run([*READY, DATA, (b'x\r\n' * 100000 + b'.\r\n', r'552 5\.3\.4 '), MAIL])


def test_text_line_too_long(connect):
    connect().run([*READY, DATA, (b'a: b\r\n\r\n' + b'x' * 160000 + b'\r\n.\r\n', LONG), NOOP])


def test_early_talker(connect):
    connect(first=b'EHLO client.test\r\n', greeting=r'5(54|03) ').say(b'', CLOSED)


LHLO = ('LHLO client.test', '250')
OTHER = ('RCPT TO:<other@example.test>', TAKEN)
LMTP = {
    'no other hello': [('EHLO client.test', '50[0123]'), ('HELO client.test', '50[0123]'), LHLO],
    'a reply each': [LHLO, MAIL, RCPT, ('RCPT TO:<no@example.test>', NO_USER), OTHER, DATA,
                     (TEXT[0], TAKEN, TAKEN), MAIL],
    'twice the same': [LHLO, MAIL, RCPT, RCPT, DATA, (TEXT[0], TAKEN, TAKEN), NOOP],
    'no recipient': [LHLO, MAIL, ('RCPT TO:<no@example.test>', NO_USER), ('DATA', ORDER), NOOP],
    'bdat': [LHLO, MAIL, RCPT, OTHER, (chunk(MESSAGE), TAKEN), (chunk(b'', True), TAKEN, TAKEN), NOOP],
    'refused text': [LHLO, MAIL, RCPT, OTHER, DATA, (b'a: b\r\n\r\nx\ny\r\n.\r\n', BAD_TEXT, BAD_TEXT), NOOP],
    'too large': [LHLO, MAIL, RCPT, OTHER, DATA,
                  (b'x\r\n' * 100000 + b'.\r\n', *[r'552 5\.3\.4 '] * 2), NOOP],
}


@table(LMTP)
def test_lmtp(connect, steps):
    connect('lmtp').run(steps)


RELAY = ('RCPT TO:<victim@remote.test>', TAKEN)
V2 = b'\r\n\r\n\0\r\nQUIT\n'
ADDRESSES = socket.inet_aton('192.0.2.5') + socket.inet_aton('127.0.0.1') + b'\x10\0\0\x19'
PROXIES = {
    'v1 tcp4': (b'PROXY TCP4 192.0.2.5 127.0.0.1 4096 25\r\n', TAKEN),
    'v1 tcp6': (b'PROXY TCP6 2001:db8::5 ::1 4096 25\r\n', TAKEN),
    'v1 a stranger': (b'PROXY TCP4 203.0.113.5 127.0.0.1 4096 25\r\n', NO_RELAY),
    'v1 unknown': (b'PROXY UNKNOWN\r\n', NO_RELAY),
    'v2 tcp4': (V2 + b'\x21\x11\0\x0c' + ADDRESSES, TAKEN),
    'v2 with more behind': (V2 + b'\x21\x11\0\x10' + ADDRESSES + b'\x04\0\x01x', TAKEN),
    'v2 local': (V2 + b'\x20\0\0\0', NO_RELAY),
}
NO_PROXIES = {
    'no header': b'EHLO client.test\r\n',
    'v1 bad address': b'PROXY TCP4 192.0.2.555 127.0.0.1 4096 25\r\n',
    'v1 without an end': b'PROXY TCP4 ' + b'1' * 200,
    'v2 version 3': V2 + b'\x31\x11\0\x0c' + ADDRESSES,
    'v2 too short': V2 + b'\x21\x11\0\x04' + ADDRESSES[:4],
}


@pytest.mark.parametrize('header, may_relay', PROXIES.values(), ids=PROXIES)
def test_proxy(connect, header, may_relay):
    connect(source='127.0.0.2', first=header).run([EHLO, MAIL, (RELAY[0], may_relay), QUIT])


@pytest.mark.parametrize('header', NO_PROXIES.values(), ids=NO_PROXIES)
def test_proxy_without_a_right_header(connect, header):
    connect(source='127.0.0.2', first=header, greeting=None).say(b'', CLOSED)


def test_proxy_from_elsewhere_is_an_early_talker(connect):
    connect(first=PROXIES['v1 tcp4'][0], greeting='5(54|03) ').say(b'', CLOSED)


def test_xclient(connect):
    client = connect(source='127.0.0.3')
    assert 'XCLIENT' in client.say(*EHLO)
    client.run([MAIL, ('XCLIENT ADDR=192.0.2.5', '503'), ('RSET', TAKEN), ('XCLIENT ADDR=junk', '501'),
                ('XCLIENT FROB=1', '501'), ('XCLIENT ADDR=192.0.2.5 NAME=c.test', '220'),
                (MAIL[0], ORDER), EHLO, MAIL, RELAY])


@pytest.mark.parametrize('source', ['127.0.0.1', '127.0.0.4'])
def test_xclient_from_elsewhere(connect, source):
    connect(source=source).run([EHLO, ('XCLIENT ADDR=192.0.2.5', '5(00|02|03|50)'), MAIL,
                                (RELAY[0], NO_RELAY)])


def test_the_proxys_client_is_in_received(server, connect):
    client = connect(source='127.0.0.2', first=PROXIES['v1 tcp4'][0])
    client.run([EHLO, MAIL, ('RCPT TO:<proxy@example.test>', TAKEN), DATA, TEXT, QUIT])
    [mail] = server.wait_for_mail('proxy@example.test')
    assert re.search(rb'Received: from client\.test \(.*\[192\.0\.2\.5\]', mail), mail


def test_unix_socket(server, connect):
    connect('unix').run([EHLO, MAIL, ('RCPT TO:<near@example.test>', TAKEN), (RELAY[0], NO_RELAY),
                         DATA, TEXT, QUIT])
    [mail] = server.wait_for_mail('near@example.test')
    assert mail.replace(b'\r\n', b'\n').endswith(b'Subject: x\n\nhello\n')


EXACT = {
    'dots': b'a: b\r\n\r\n.\r\n..\r\n...x\r\n.x\r\nx.\r\n. \r\n',
    'long lines': b'a: b\r\n\r\n' + b'x' * 998 + b'\r\n' + b'.' * 5000 + b'\r\n' + b'y' * 140000 + b'\r\n',
    'blanks': b'a: b \r\nc:\t\r\n\r\n \r\n\t \r\nx \t\r\n\r\n\r\n',
    'eight bits': b'a: b\r\n\r\n' + bytes(i for i in range(1, 256) if i not in b'\r\n') + b'\r\n',
    'no body': b'a: b\r\n\r\n',
    'no blank line': b'a: b\r\n',
    'folded header': b'a: b\r\n c\r\n\td\r\n  \r\nE: f\r\n\r\nx\r\n',
    'mbox lines': b'a: b\r\n\r\nFrom x\r\n>From y\r\n',
    'no header': b'\r\nFrom: x\r\n',
}


@pytest.mark.parametrize('way', ['DATA', 'BDAT'])
def test_what_arrives_is_what_was_sent(server, connect, way):
    """In order over one session, so that the n-th mail in the box is the n-th message."""
    client = connect()
    client.run([EHLO])
    for name, message in EXACT.items():
        client.run([MAIL, ('RCPT TO:<exact@example.test>', TAKEN)])
        if way == 'BDAT':
            client.say(chunk(message[:7]) + chunk(message[7:], True), TAKEN, TAKEN)
        else:
            stuffed = re.sub(rb'(?m)^\.', b'..', message)
            client.run([DATA, (stuffed + b'.\r\n', TAKEN)])
        [mail] = server.wait_for_mail('exact@example.test')
        assert mail.replace(b'\r\n', b'\n').endswith(b'\n' + message.replace(b'\r\n', b'\n')), (name, mail)
        [box] = (server.mailbox('exact@example.test') / 'new').iterdir()
        box.unlink()
