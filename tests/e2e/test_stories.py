"""Whole stories that `nuncio why` tells, word for word: what an administrator reads under stress.

What differs from run to run is replaced: times, ids, ports, and where the configuration stands.
"""
import contextlib
import getpass
import os
import pwd
import re
import smtplib
import socket
import subprocess

import peers
import pytest
from names import Names
from peers import Sink, wait_until
from pki import Authority
from tls_peer import TlsSink, tls_context

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
trusted {{ 127.0.0.1/32 }}
domain example.test {{ deliver maildir }}
queue {{ retry_first 1s; retry_max 2s; gather 1s }}
'''
TEXT = b'Subject: x\r\nMessage-ID: <one@b.test>\r\n\r\nhello\r\n'
PLACES = [
    (r'\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b', 'TIME'), (r'\b\d{4}-\d\d-\d\d\b', 'DATE'),
    (r'\b\d\d:\d\d:\d\d\b', 'CLOCK'), (r' after \d+\.\d\d s', ' after N s'),
    (r'stored as \S+', 'stored as FILE'), (r'Session [0-9a-f]+', 'Session N'),
    (r'\]:\d+', ']:PORT'), (r'\b' + getpass.getuser() + r'\b', 'USER'), (r'\b\d+ bytes', 'N bytes'), (r'userid \d+', 'userid N'), (r'TLS_\w+', 'CIPHER'),
]


def plain(server, text):
    """The story, with the same words for what is never the same."""
    for number, message in enumerate(dict.fromkeys(re.findall(r'\b[0-9A-Z]{13}\b', text)), 1):
        text = text.replace(message, f'ID{number}')
    text = re.sub(re.escape(str(server.conf)) + r':\d+', 'CONF', text)
    for what, name in PLACES:
        text = re.sub(what, name, text)
    return text


def story(server, what, end, *args):
    """Once it has those words in it."""
    def told():
        text = server.run('why', what, *args, check=False).stdout.decode()
        return text if end in text else None
    try:
        return plain(server, wait_until(told, 20, end))
    except TimeoutError:
        raise AssertionError(server.run('why', what, check=False)) from None


def is_story(got, want):
    """Line by line; what two processes wrote in the same millisecond may change places."""
    got, want = got.strip().splitlines(), want.strip().splitlines()
    assert (got[0], got[-1]) == (want[0], want[-1]), got
    assert sorted(got) == sorted(want), '\n'.join(got)


def local(make_server, more='', **options):
    server = make_server(CONF + more, **options)
    server.account('joe@example.test')
    return server


def test_relayed_over_mx_with_tls(make_server, folder):
    port = peers.free_port()
    pair = Authority(folder / 'ca').issue('mx', ['mx.far.test'])
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(Names(folder))
        names.zone('far.test', '@ MX 10 mx\nmx A 127.0.0.2')
        names.start()
        stack.enter_context(TlsSink(tls_context(pair, '1.3'), host='127.0.0.2', port=port))
        server = local(make_server, names.statement + f'default_route world\n'
                                                      f'route world {{{{ mx; port {port} }}}}\n')
        server.send('joe@example.test', ['ann@far.test'], TEXT)
        is_story(story(server, 'ann@far.test', 'delivered to'), '''
Message ID1
  DATE
    CLOCK  127.0.0.1 connected to listener mx
    CLOCK  accepted as ID1: from <joe@example.test> to <ann@far.test>, N bytes, Message-ID one@b.test; allowed by rcpt authorised CONF
    CLOCK  connection to mx.far.test[127.0.0.2]:PORT: TLSv1.3, CIPHER (opportunistic, certificate: unable to get local issuer certificate)
    CLOCK  ready to send to mx.far.test [127.0.0.2] after N s
    CLOCK  delivered to <ann@far.test> by mx.far.test[127.0.0.2]:PORT over TLSv1.3 CIPHER encrypted after N s: 250 2.0.0 taken
  Last: <ann@far.test> delivered.
''')


def test_refused_at_rcpt(make_server):
    server = local(make_server)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        server.send('x@b.test', ['nobody@example.test'], TEXT)
    is_story(story(server, 'nobody@example.test', 'goodbye'), '''
Session N
  DATE
    CLOCK  127.0.0.1 connected to listener mx
    CLOCK  recipient <nobody@example.test> refused: 550 5.1.1 no such user here, decided by CONF
    CLOCK  the client said goodbye, messages accepted: 0
''')


def test_greylisted_then_delivered(make_server):
    asked = []

    def answer(rcpt):
        asked.append(rcpt)
        return '450 4.2.0 Greylisted, please try again in 1 seconds' if len(asked) == 1 else '250 ok'
    with Sink(answer=answer) as sink:
        server = local(make_server, f'relay 127.0.0.1:{sink.port}\n')
        server.send('joe@example.test', ['ann@far.test'], TEXT)
        story(server, 'ann@far.test', 'deferred')
        server.run('queue', 'retry', '--all')
        is_story(story(server, 'ann@far.test', 'delivered to'), '''
Message ID1
  DATE
    CLOCK  127.0.0.1 connected to listener mx
    CLOCK  accepted as ID1: from <joe@example.test> to <ann@far.test>, N bytes, Message-ID one@b.test; allowed by rcpt authorised CONF
    CLOCK  connection to 127.0.0.1[127.0.0.1]:PORT: no TLS, because STARTTLS is not offered (opportunistic)
    CLOCK  ready to send to 127.0.0.1 [127.0.0.1] after N s
    CLOCK  deferred for <ann@far.test> by 127.0.0.1[127.0.0.1]:PORT after N s: 450 4.2.0 Greylisted, please try again in 1 seconds; understood as greylisted; next try at TIME
    CLOCK  USER said: nuncio queue retry, for 1 recipient
    CLOCK  delivered to <ann@far.test> by 127.0.0.1[127.0.0.1]:PORT after N s: 250 2.0.0 taken
  Last: <ann@far.test> delivered.
''')


def test_bounced_and_the_bounce_knows_why(make_server):
    with Sink(answer=lambda rcpt: '550 5.1.1 no such user') as sink:
        server = local(make_server, f'relay 127.0.0.1:{sink.port}\n')
        server.send('joe@example.test', ['ann@far.test'], TEXT)
        text = story(server, 'ann@far.test', 'notification about it')
        is_story(text, '''
Message ID1
  DATE
    CLOCK  127.0.0.1 connected to listener mx
    CLOCK  accepted as ID1: from <joe@example.test> to <ann@far.test>, N bytes, Message-ID one@b.test; allowed by rcpt authorised CONF
    CLOCK  connection to 127.0.0.1[127.0.0.1]:PORT: no TLS, because STARTTLS is not offered (opportunistic)
    CLOCK  ready to send to 127.0.0.1 [127.0.0.1] after N s
    CLOCK  failed for good for <ann@far.test> by 127.0.0.1[127.0.0.1]:PORT after N s: 550 5.1.1 no such user; understood as unknown_user
    CLOCK  notification about it sent to <joe@example.test>, as message ID2
  Last: <ann@far.test> failed for good.
''')


def test_the_story_of_a_bounce(make_server):
    with Sink(answer=lambda rcpt: '550 5.1.1 no such user') as sink:
        server = local(make_server, f'relay 127.0.0.1:{sink.port}\n')
        server.send('joe@example.test', ['ann@far.test'], TEXT)
        story(server, 'ann@far.test', 'notification about it')
        said = server.run('why', 'ann@far.test').stdout.decode()
        bounce = re.search(r'as message (\w+)', said)[1]
        is_story(story(server, bounce, 'delivered to'), '''
Message ID1
  It is a notification about message ID2 (nuncio why ID2).
  DATE
    CLOCK  delivered to <joe@example.test> after N s: stored as FILE
  Last: <joe@example.test> delivered.
''')


def test_by_sendmail(make_server):
    server = local(make_server)
    server.run('sendmail', '-i', '-f', 'ann@example.test', 'joe@example.test',
               input=b'Message-ID: <two@b.test>\n\nhello\n')
    is_story(story(server, 'joe@example.test', 'delivered to'), '''
Message ID1
  DATE
    CLOCK  accepted as ID1, handed in by sendmail (userid N): from <ann@example.test> to <joe@example.test>, N bytes, Message-ID two@b.test
    CLOCK  delivered to <joe@example.test> after N s: stored as FILE
  Last: <joe@example.test> delivered.
''')


def test_held_and_released_by_the_administrator(make_server):
    with socket.create_server(('127.0.0.1', 0)) as nobody:
        port = nobody.getsockname()[1]
    server = local(make_server, f'relay 127.0.0.1:{port}\n')
    server.send('joe@example.test', ['ann@far.test'], TEXT)
    story(server, 'ann@far.test', 'no server reached')
    server.run('queue', 'hold', '--all')
    is_story(story(server, 'ann@far.test', 'queue hold'), '''
Message ID1
  DATE
    CLOCK  127.0.0.1 connected to listener mx
    CLOCK  accepted as ID1: from <joe@example.test> to <ann@far.test>, N bytes, Message-ID one@b.test; allowed by rcpt authorised CONF
    CLOCK  tried 127.0.0.1 [127.0.0.1], connect: cannot connect to 127.0.0.1[127.0.0.1]:PORT: Connection refused after N s
    CLOCK  no server reached for <ann@far.test> by 127.0.0.1[127.0.0.1]:PORT after N s: cannot connect to 127.0.0.1[127.0.0.1]:PORT: Connection refused; next try at TIME
    CLOCK  USER said: nuncio queue hold, for 1 recipient
  Now: <ann@far.test> is held.
''')


SUBMISSION = '''
listen sub {{ service submission; address 127.0.0.1:{sub}; tls off; insecure_auth yes }}
'''


def test_mail_of_a_frozen_account_is_held(make_server):
    server = make_server(CONF + SUBMISSION + 'relay 127.0.0.1:1\n')
    server.account('joe@example.test', password='correct horse')
    server.run('account', 'freeze', 'joe@example.test', 'stolen')
    with smtplib.SMTP('127.0.0.1', server.port('sub'), local_hostname='client.test') as client:
        client.login('joe@example.test', 'correct horse')
        client.sendmail('joe@example.test', ['ann@far.test'], TEXT)
    is_story(story(server, 'one@b.test', 'held'), '''
Message ID1
  DATE
    CLOCK  127.0.0.1 connected to listener sub
    CLOCK  logged in as joe@example.test by PLAIN
    CLOCK  accepted as ID1: from <joe@example.test> to <ann@far.test>, N bytes, Message-ID one@b.test, held: the account is frozen: stolen; allowed by rcpt authorised CONF
  Now: <ann@far.test> is held.
''')


def test_who_guessed_is_found_by_address(make_server):
    server = make_server(CONF + SUBMISSION + 'auth {{ failures 1 }}\n')
    for _ in range(3):
        with contextlib.suppress(smtplib.SMTPException), \
                smtplib.SMTP('127.0.0.1', server.port('sub')) as client:
            client.login('joe@example.test', 'wrong')
    text = story(server, '127.0.0.1', ' blocked for ')
    assert 'Beside that\n' in text and 'logins of 127.0.0.1 blocked for' in text


def test_a_gap_in_the_history_is_told(make_server):
    server = local(make_server)
    server.send('x@b.test', ['joe@example.test'], TEXT)
    story(server, 'x@b.test', 'delivered to')
    line = '2099-01-01T00:00:00.000Z warn relay history-dropped events=7\n'
    early = '2001-01-01T00:00:00.000Z warn relay history-dropped events=5\n'
    server.run('why', '--rebuild', '-', input=(early + line).encode())
    text = story(server, 'x@b.test', 'delivered to')
    assert '7 events were not written down here' in text and '5 events' not in text


def test_what_the_queue_does_not_know_is_told_in_plain_words(make_server):
    server = local(make_server)
    line = ('2026-11-22T00:00:00.000Z info receive accepted session=abc message=1000001000000 '
            'client=192.0.2.1 from=a@b.test to=joe@example.test recipients=1 size=1\n')
    server.run('why', '--rebuild', '-', input=line.encode())
    done = server.run('why', '1000001000000')
    assert not done.stderr and b'The queue does not have this message any more' in done.stdout
    server.stop()
    assert b'No server answers now' in server.run('why', '1000001000000').stdout


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root, to be somebody else')
def test_who_may_look_may_ask_why(make_server):
    server = local(make_server, 'control {{ read_group nogroup }}\n')
    server.folder.chmod(0o755)
    server.send('x@b.test', ['joe@example.test'], TEXT)
    story(server, 'x@b.test', 'delivered to')
    nobody = pwd.getpwnam('nobody').pw_uid

    def ask(group):
        return subprocess.run([server.binary, 'why', 'x@b.test', '--state', server.state],
                              env=server.environment, capture_output=True, text=True, user=nobody,
                              group=group, extra_groups=[])
    assert 'delivered to <joe@example.test>' in ask('nogroup').stdout
    done = ask('games')
    assert done.returncode == os.EX_NOPERM and 'read_group' in done.stderr, done
