"""What we sign, other people's programs verify: dkimpy, Mail::DKIM, and opendkim as a milter of
Postfix; straight, and behind Postfix and Exim. Signatures outlive failures, kills and restarts."""
import json
import os
import re
import signal
import smtplib
import subprocess

import dkim
import pytest

import peers
from dkim_keys import Keys, OpenDkim
from exim import Exim
from names import Names
from peers import Postfix, Sink, free_port, wait_until

DOMAINS = ['example.test', 'nuncio.test']
CONF = '''
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain example.test {{{{ deliver maildir }}}}
relay 127.0.0.1:{port}
queue {{{{ retry_first 1s; retry_max 1s; gather 1s }}}}
'''
SEVEN = '''
route seven {{{{ host 127.0.0.1:{port} }}}}
domain seven.test {{{{ route seven }}}}
'''
HEADER = (b'From: Joe <joe@example.test>\r\nTo: <away@far.test>\r\nSubject: folded\r\n and  spaced\r\n'
          b'Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%d@example.test>\r\n')
BODIES = [b'\r\nhello \r\n.dots\r\n..\r\n\r\n\r\n', b'\r\n', b'', b'\r\n' + b'x' * 990 + b'\r\n',
          b'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
          b'Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n',
          b'\r\n' + b'0123456789 abcdefghijklmnopqrstuvwxyz\r\n' * 20000]


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp('keys'), DOMAINS)


@pytest.fixture(scope='module')
def dns(tmp_path_factory, keys):
    with Names(tmp_path_factory.mktemp('dns'), signed_root=False) as names:
        for domain in DOMAINS:
            names.zone(domain, keys.zone(domain))
        names.start()
        yield names


@pytest.fixture
def signing_server(make_server, dns, keys):
    def make(port, more=''):
        server = make_server(dns.statement + CONF.format(port=port) + more, start=False)
        keys.give(server)
        server.start()
        wait_until(lambda: server.log().count(' dkim-key-seen ') == 2 * len(DOMAINS), what='the keys')
        return server
    return make


def signatures(text):
    """The b= of its signatures, in their order."""
    header = re.sub(rb'\r?\n[ \t]+', b'', text.partition(b'\r\n\r\n')[0])
    fields = re.findall(rb'(?mi)^dkim-signature:(.*)$', header)
    return [re.search(rb'(?:^|;)\s*b=([^;]*)', field)[1].strip() for field in fields]


def judge(text, keys, number):
    try:
        return dkim.DKIM(text).verify(idx=number, dnsfunc=keys.txt)
    except dkim.DKIMException:
        return False


def assert_signed(text, keys, domain='example.test', count=2):
    assert len(signatures(text)) == count, text[:3000]
    assert [judge(text, keys, i) for i in range(count)] == [True] * count, text[:3000]
    assert text.count(b'd=' + domain.encode() + b';') == count


MAIL_DKIM = r'''
use Mail::DKIM::Verifier; use Net::DNS;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $ARGV[0]));
binmode STDIN; local $/; my $v = Mail::DKIM::Verifier->new(); $v->PRINT(<STDIN>); $v->CLOSE;
print join(' ', map { $_->algorithm . '=' . $_->result } $v->signatures), "\n";
'''


def mail_dkim(text, dns):
    done = subprocess.run(['perl', '-e', MAIL_DKIM, str(dns.port)], input=text, capture_output=True,
                          check=True)
    return done.stdout.decode().split()


def as_a_list_does(text):
    """Subject with a prefix, text with a footer."""
    return text.replace(b'Subject: ', b'Subject: [list] ') + b'-- \r\nTo leave the list, ...\r\n'


def check_signed_mail(server, sink, keys, dns):
    for number, body in enumerate(BODIES):
        server.send('joe@example.test', ['away@far.test'], HEADER % number + body,
                    options=['BODY=8BITMIME'])
    wait_until(lambda: len(sink.messages) == len(BODIES), what='all of it')
    texts = [text for _, _, text in sink.messages]
    for text in texts:
        assert_signed(text, keys)
        assert [judge(as_a_list_does(text), keys, i) for i in range(2)] == [False, False]
    # As Debian 12 has it, it does not know Ed25519.
    assert mail_dkim(max(texts, key=len), dns) == ['rsa-sha256=pass', 'ed25519-sha256=invalid']
    assert mail_dkim(as_a_list_does(texts[0]), dns)[0] == 'rsa-sha256=fail'
    assert len(re.findall(r' relay signed message=\w+ domain=example.test '
                          r'selectors=test-rsa,test-ed25519 ', server.log())) == len(BODIES)


def check_reencoded_copy(server, sink, keys):
    """A server without 8BITMIME gets another text, so another signature."""
    server.send('joe@example.test', ['away@seven.test'], HEADER % 1 + BODIES[4],
                options=['BODY=8BITMIME'])
    wait_until(lambda: sink.messages, what='the copy')
    assert re.search(rb'quoted-printable|base64', sink.messages[0][2])
    assert_signed(sink.messages[0][2], keys)


def check_own_mail(server, sink, keys):
    """A bounce has the server's name in From, whose parent domain has keys."""
    server.send('away@far.test', ['gone@far.test'], HEADER % 1 + BODIES[0])
    wait_until(lambda: sink.messages, what='the bounce')
    [(_, _, text)] = sink.messages
    assert b'MAILER-DAEMON@mx.nuncio.test' in text
    assert_signed(text, keys, 'nuncio.test')


def check_mail_of_strangers(server, sink):
    """What is only forwarded has none of our signatures, whatever its From says."""
    with smtplib.SMTP('127.0.0.1', server.port(), source_address=('127.0.0.2', 0)) as client:
        client.sendmail('away@far.test', ['forward@example.test'],
                        b'From: joe@example.test\r\n\r\nforged\r\n')
    wait_until(lambda: sink.messages, what='the forwarded message')
    assert signatures(sink.messages[0][2]) == []


def test_dkimpy_and_mail_dkim_verify_what_is_ours(signing_server, keys, dns):
    def answer(rcpt):
        return '550 5.1.1 nobody' if 'gone@' in rcpt else '250 2.1.5 ok'
    with Sink(answer=answer) as sink, Sink(extensions=('sink.test', 'PIPELINING')) as seven:
        server = signing_server(sink.port, SEVEN.format(port=seven.port))
        server.run('alias', 'add', 'forward@example.test', 'end@far.test')
        check_signed_mail(server, sink, keys, dns)
        check_reencoded_copy(server, seven, keys)
        sink.messages.clear()
        check_own_mail(server, sink, keys)
        sink.messages.clear()
        check_mail_of_strangers(server, sink)
        server.wait_for_empty_queue()
    story = server.run('why', 'away@seven.test').stdout.decode()
    assert 'DKIM signature made for example.test, selectors test-rsa,test-ed25519' in story


EXIM_ROUTERS = """
on:
  driver = manualroute
  transport = smtp
  route_list = * 127.0.0.1 byname
  self = send
"""


@pytest.mark.skipif(not peers.available('postfix', 'exim', 'opendkim'), reason='needs root and peers')
def test_opendkim_verifies_it_and_it_survives_postfix_and_exim(signing_server, keys, folder):
    ports = [free_port()]
    with Sink() as sink, \
            Exim(folder / 'exim', [f'127.0.0.1.{ports[0]}'], EXIM_ROUTERS,
                 f'smtp:\n  driver = smtp\n  port = {sink.port}\n') as exim, \
            OpenDkim(folder / 'opendkim', keys) as milter, \
            Postfix(folder / 'postfix', {'relayhost': f'[127.0.0.1]:{exim.port}',
                                         'smtpd_milters': f'inet:127.0.0.1:{milter.port}'}) as postfix:
        server = signing_server(postfix.port)
        for number, body in enumerate(BODIES[:5]):
            server.send('joe@example.test', ['away@far.test'], HEADER % number + body,
                        options=['BODY=8BITMIME'])
        wait_until(lambda: len(sink.messages) == 5, what='all through Postfix and Exim')
    for _, _, text in sink.messages:
        assert_signed(text, keys)
        results = re.search(rb'Authentication-Results: opendkim.test;(.*?)\r\n\S', text, re.S)[1]
        assert results.count(b'dkim=pass') == 2, text[:2000]


def test_retries_have_the_same_signature_over_kills_and_without_keys(signing_server, keys):
    with Sink(final='451 4.3.0 not now') as sink:
        server = signing_server(sink.port)
        server.send('joe@example.test', ['away@far.test'], HEADER % 1 + BODIES[0])
        wait_until(lambda: len(sink.messages) >= 2, what='a second attempt')
        server.kill()
        for path in (server.state / 'keys').glob('*/*.pem'):
            path.unlink()
        server.start()
        sink.final = '250 2.0.0 taken'
        before = len(sink.messages)
        wait_until(lambda: len(sink.messages) > before, what='an attempt after the kill')
        server.wait_for_empty_queue()
    texts = [text for _, _, text in sink.messages]
    assert_signed(texts[0], keys)
    assert {tuple(signatures(text)) for text in texts} == {tuple(signatures(texts[0]))}
    assert set(texts) == {texts[0]}


def test_mail_waits_for_keys_that_are_killed(signing_server, keys):
    with Sink() as sink:
        server = signing_server(sink.port)
        server.may_die = True
        os.kill(server.role_pid('keys'), signal.SIGKILL)
        server.send('joe@example.test', ['away@far.test'], HEADER % 1 + BODIES[0])
        wait_until(lambda: sink.messages, what='the message')
        server.wait_for_empty_queue()
    assert_signed(sink.messages[0][2], keys)
    assert len(sink.messages) == 1


def shown(server, message):
    [line] = [line for line in server.json('queue', 'show', message) if line.get('id') == message]
    return line.get('ours', False)


def test_whose_mail_it_is_is_kept_and_told(make_server, folder):
    """By the envelope, which an alias does not change, over a restart, in the export too."""
    server = make_server(CONF.format(port=free_port()))
    server.run('alias', 'add', 'forward@example.test', 'end@far.test')
    server.send('joe@example.test', ['forward@example.test'], HEADER % 1)
    with smtplib.SMTP('127.0.0.1', server.port(), source_address=('127.0.0.2', 0)) as client:
        client.sendmail('away@far.test', ['forward@example.test'], HEADER % 2)
    server.run('sendmail', '-f', 'joe@example.test', 'away@far.test', input=HEADER % 3)
    wait_until(lambda: len(server.queue_ids()) == 3, what='all three')
    senders = {'joe@example.test': True, 'away@far.test': False}
    for _ in range(2):
        for message in server.json('queue', 'list'):
            assert shown(server, message['id']) == senders[message['sender']], message
        server.stop()
        server.start()
    server.stop()
    server.run('spool', 'export', folder / 'export')
    exported = [json.loads(path.read_text()) for path in (folder / 'export').glob('*.json')]
    assert sorted((m['reverse_path'], m.get('ours', False)) for m in exported) == [
        ('away@far.test', False), ('joe@example.test', True), ('joe@example.test', True)]
