"""Forwarded mail under a sender of ours (SRS): SPF passes at the next server, and what that one
sends back reaches who wrote.

One server of ours, a Postfix that finds out too late that a mailbox is not there, a server that
refuses, and one for the sender's domain. What is written into an address is read again by
python3-srs, and the hash is made here a second time.
"""
import base64
import hashlib
import hmac
import re
import smtplib
import time

import peers
import pytest
from names import Names
from peers import Postfix, Sink, available, short_folder, wait_until
from server import Server

CONF = '''
default_route world
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
trusted {{{{ 127.0.0.9/32 }}}}
domain example.test {{{{ deliver maildir; catch_all joe@example.test }}}}
domain second.test
domain other.test {{{{ alias_of second.test }}}}
domain files.test {{{{ accounts files }}}}
domain any.test {{{{ deliver route lmtp; recipients any }}}}
route lmtp {{{{ lmtp 127.0.0.1:{lmtp} }}}}
accounts files {{{{ passwd_file {{folder}}/passwd; alias_file {{folder}}/aliases }}}}
route world {{{{ mx; port {port} }}}}
queue {{{{ retry_first 1s; retry_max 2s; gather 0 }}}}
'''
ALIASES = {'away@example.test': 'remote@far.test', 'late@example.test': 'missing@late.test',
           'shut@example.test': 'remote@shut.test', 'second@second.test': 'remote@far.test',
           'both@example.test': 'joe@example.test remote@far.test'}
SRS0 = re.compile(r'MAIL FROM:<(SRS0=([A-Z2-7]{8})=([A-Z2-7]{2})=([^=]+)=(.+)@([^@>]+))>')


class World:
    """All servers, for all tests of this file."""

    def __init__(self, folder, stack):
        self.port, lmtp = peers.free_port(), stack(Sink(lmtp=True))
        hosts = ('far', 'write', 'shut')
        self.far, self.write, self.shut = (
            stack(Sink(host=f'127.0.0.{at}', port=self.port)) for at in (2, 3, 4))
        self.shut.final = '554 5.7.1 not that'
        names = stack(Names(folder))
        for at, host in enumerate(hosts, 2):
            names.zone(f'{host}.test', f'@ MX 10 mx\n@ TXT "v=spf1 ip4:192.0.2.{at} -all"\n'
                                       f'mx A 127.0.0.{at}\n')
        names.zone('late.test', '@ MX 10 mx\nmx A 127.0.0.5\n')
        names.start()
        self.server = Server(folder / 'server', names.statement
                             + CONF.format(port=self.port, lmtp=lmtp.port), start=False)
        (self.server.folder / 'passwd').write_text('ann:{PLAIN}secret\n')
        (self.server.folder / 'aliases').write_text('away: remote@far.test\n')
        self.server.start()
        self.server.account('joe@example.test')
        for alias, targets in ALIASES.items():
            self.server.run('alias', 'add', alias, *targets.split())
        self.folder = folder

    def send(self, sender, *recipients, options=(), rcpt_options=(), client=None):
        """The replies to RCPT, and to the text."""
        with smtplib.SMTP('127.0.0.1', self.server.port(), local_hostname='client.test',
                          source_address=client and (client, 0)) as smtp:
            smtp.ehlo()
            smtp.mail(sender, options)
            replies = [smtp.rcpt(to, rcpt_options) for to in recipients]
            if any(code == 250 for code, _ in replies):
                assert smtp.data(f'From: {sender or "mailer"}\r\nSubject: x\r\n\r\nhello\r\n')[0] == 250
        return [(code, text.decode()) for code, text in replies]

    def forwarded(self, sink, sender, *recipients, **options):
        """The commands for a message that a server got."""
        before = len(sink.messages)
        assert self.send(sender, *recipients, **options)[0][0] == 250
        wait_until(lambda: len(sink.messages) > before)
        return sink.messages[before]

    def rewritten(self, sender, to='away@example.test', **options):
        match = SRS0.match(self.forwarded(self.far, sender, to, **options)[0])
        assert match, self.far.messages[-1][0]
        return match

    def secret(self):
        text = (self.server.state / 'srs.secret').read_text()
        return next(line for line in text.splitlines() if not line.startswith('#'))


@pytest.fixture(scope='module')
def world():
    stack = []

    def enter(manager):
        stack.append(manager)
        return manager.__enter__()
    with short_folder() as folder:
        one = World(folder, enter)
        yield one
        one.server.stop()
        for manager in reversed(stack):
            manager.__exit__(None, None, None)


def address(secret, host, user, days=None, domain='example.test'):
    """Made here, by the description."""
    alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
    days = int(time.time() // 86400) if days is None else days
    text = f'{alphabet[days % 1024 >> 5]}{alphabet[days & 31]}={host}={user}'
    key = hashlib.sha256(secret.encode()).digest()
    mac = hmac.new(key, f'srs0={text}'.lower().encode(), 'sha256').digest()
    return f'SRS0={base64.b32encode(mac)[:8].decode()}={text}@{domain}'


def test_the_form_is_what_others_read(world):
    match = world.rewritten('joe.doe+x=1@write.test')
    assert match[1] == address(world.secret(), 'write.test', 'joe.doe+x=1')
    assert (world.server.state / 'srs.secret').stat().st_mode & 0o777 == 0o600
    srs = pytest.importorskip('SRS.Guarded')

    class Reader(srs.Guarded):
        def hash_verify(self, hash, *data):
            return True
    assert Reader().reverse(match[1]) == 'joe.doe+x=1@write.test'
    assert Reader().timestamp_check(match[3])


def test_spf_passes_for_what_is_forwarded(world, monkeypatch):
    spf = pytest.importorskip('spf')
    records = {'write.test': 'v=spf1 ip4:192.0.2.3 -all', 'example.test': 'v=spf1 ip4:192.0.2.9 -all'}
    monkeypatch.setattr(spf, 'DNSLookup', lambda name, kind, *_args, **_named: [
        ((name, 'TXT'), (records[name].encode(),))] if kind == 'TXT' and name in records else [])

    def verdict(sender):
        return spf.check2(i='192.0.2.9', s=sender, h='mx.nuncio.test')[0]
    assert verdict('joe@write.test') == 'fail'
    assert verdict(world.rewritten('joe@write.test')[1]) == 'pass'


def test_what_comes_back_goes_to_who_wrote(world):
    match = world.rewritten('joe@write.test')
    # As the next server, and through others that change the case or know another separator.
    for to in (match[1], match[1].lower(), match[1].replace('SRS0=', 'SRS0+', 1)):
        mail, rcpt, text = world.forwarded(world.write, '', to)
        assert mail.startswith('MAIL FROM:<>') and rcpt[0].lower().startswith('rcpt to:<joe@write.test>')
        assert b'hello' in text
    # An answer by a person or a program is forwarded like other mail.
    mail, rcpt, _ = world.forwarded(world.write, 'ann@far.test', match[1])
    assert SRS0.match(mail)[4] == 'far.test' and 'joe@write.test' in rcpt[0]


def test_forged_and_old_ones_are_nobody(world):
    today, secret = int(time.time() // 86400), world.secret()
    good = address(secret, 'write.test', 'joe', today - 21)
    old = address(secret, 'write.test', 'joe', today - 22)
    forged = good.replace('=joe@', '=eve@')
    cases = [(good, 250, ''), (old, 550, 'expired'), (forged, 550, 'not made here'),
             (address('another secret of ours', 'write.test', 'joe'), 550, 'not made here'),
             (forged.replace('example.test', 'files.test'), 550, 'not made here'),
             (forged.replace('example.test', 'any.test'), 550, 'not made here'),
             (forged.replace('example.test', 'other.test'), 550, 'not made here'),
             (good.replace('example.test', 'any.test'), 250, ''),
             ('srs0-team@example.test', 250, ''), ('SRS0=x=y@example.test', 250, ''),
             ('SRS1=ABCDEFGH=far.test==x=y=z=w@example.test', 550, 'not made here')]
    with smtplib.SMTP('127.0.0.1', world.server.port(), local_hostname='client.test') as smtp:
        smtp.ehlo()
        smtp.mail('')
        for to, code, words in cases:
            reply = smtp.rcpt(to)
            assert reply[0] == code and words in reply[1].decode(), (to, reply)
            assert code == 250 or b'5.1.1' in reply[1]


def test_who_is_rewritten_and_who_is_not(world):
    # At the domain of the address that forwards, whatever the directory.
    assert world.rewritten('joe@write.test', 'second@second.test')[6] == 'second.test'
    assert world.rewritten('joe@write.test', 'second@other.test')[6] == 'other.test'
    assert world.rewritten('joe@write.test', 'away@files.test')[6] == 'files.test'
    # Senders that others have rewritten, signed (BATV), or made for one recipient each (VERP).
    again = world.forwarded(world.far, 'SRS0=abcd=XY=a.test=joe@write.test', 'away@example.test')[0]
    assert re.match(r'MAIL FROM:<SRS1=[A-Z2-7]{8}=write.test==abcd=XY=a.test=joe@example.test>', again)
    assert world.rewritten('prvs=1234abcdef=joe@write.test')[5] == 'prvs=1234abcdef=joe'
    long_one = 'bounces-12345678-remote=far.test-abcdefgh@write.test'
    back = world.rewritten(long_one)[1]
    assert len(back.split('@')[0]) > 64
    assert long_one in world.forwarded(world.write, '', back)[1][0]
    quoted = world.forwarded(world.far, '"joe doe"@write.test', 'away@example.test')[0]
    assert re.match(r'MAIL FROM:<"SRS0=[^"]*=write.test=joe doe"@example.test>', quoted)
    # Our own users, and bounces.
    assert 'FROM:<joe@example.test>' in world.forwarded(
        world.far, 'joe@example.test', 'away@example.test', client='127.0.0.9')[0]
    assert 'FROM:<>' in world.forwarded(world.far, '', 'away@example.test')[0]
    # What a client may relay is not forwarded, also in one message with what is.
    before = len(world.far.messages)
    world.send('joe@write.test', 'direct@far.test', 'away@example.test', 'both@example.test',
               client='127.0.0.9')
    wait_until(lambda: len(world.far.messages) >= before + 2)
    came = {to: mail for mail, rcpts, _ in world.far.messages[before:] for to in rcpts}
    assert len(came) == 2 and len(world.far.messages) == before + 2
    assert 'FROM:<joe@write.test>' in next(mail for to, mail in came.items() if 'direct' in to)
    assert SRS0.match(next(mail for to, mail in came.items() if 'remote' in to))


def test_a_utf8_sender_is_rewritten_too(world):
    with smtplib.SMTP('127.0.0.1', world.server.port(), local_hostname='client.test') as smtp:
        smtp.ehlo()
        smtp.command_encoding = 'utf-8'
        before = len(world.far.messages)
        smtp.docmd('MAIL', 'FROM:<jürgen@write.test> SMTPUTF8')
        smtp.docmd('RCPT', 'TO:<away@example.test>')
        smtp.data('Subject: x\r\n\r\nhello\r\n')
    wait_until(lambda: len(world.far.messages) > before)
    mail = world.far.messages[before][0]
    assert re.match(r'MAIL FROM:<SRS0=[^>]*=write.test=jürgen@example.test> .*SMTPUTF8', mail)


def test_our_own_bounce_goes_to_who_wrote(world):
    before = len(world.write.messages)
    shut = world.forwarded(world.shut, 'joe@write.test', 'shut@example.test', options=('ENVID=abc',),
                           rcpt_options=('ORCPT=rfc822;orig@a.test', 'NOTIFY=FAILURE'))
    assert SRS0.match(shut[0]) and 'ENVID=abc' in shut[0] and 'ORCPT=rfc822;orig@a.test' in shut[1][0]
    wait_until(lambda: len(world.write.messages) > before)
    mail, rcpt, text = world.write.messages[before]
    assert mail.startswith('MAIL FROM:<>') and 'joe@write.test' in rcpt[0]
    assert b'Original-Envelope-Id: abc' in text and b'SRS0' not in text.split(b'Content-Type: message')[1]


def test_queue_show_and_why_tell_both(world):
    world.server.run('queue', 'suspend', '--domain', 'far.test')
    world.send('joe@write.test', 'away@example.test')
    wait_until(lambda: world.server.queue_ids())
    [number] = world.server.queue_ids()
    shown = world.server.run('queue', 'show', number).stdout.decode()
    assert 'joe@write.test' in shown and re.search('goes out as: SRS0=.*=joe@example.test', shown)
    world.server.run('queue', 'resume', '--domain', 'far.test')
    world.server.wait_for_empty_queue()
    wait_until(lambda: 'goes out as <SRS0=' in world.server.run('why', number).stdout.decode())


@pytest.mark.skipif(not available('postfix'), reason='no postfix')
def test_a_server_that_finds_out_too_late(world):
    """Its bounce comes through port 25, to the address that we made."""
    main = {'mydestination': 'late.test', 'local_recipient_maps': '', 'relayhost': f'[127.0.0.1]:{world.server.port()}'}
    services = f'127.0.0.5:{world.port} inet n - n - - smtpd\n'
    before = len(world.write.messages)
    with Postfix(world.folder / 'postfix', main, services=services):
        assert world.send('joe@write.test', 'late@example.test')[0][0] == 250
        wait_until(lambda: len(world.write.messages) > before)
    mail, rcpt, text = world.write.messages[before]
    assert mail.startswith('MAIL FROM:<>') and 'joe@write.test' in rcpt[0]
    assert b'missing@late.test' in text and b'postfix.test' in text


def test_a_new_secret_leaves_the_old_one_good(world):
    path = world.server.state / 'srs.secret'
    old, before = world.secret(), path.read_text()
    path.write_text('a new passphrase of ours\n' + before)
    world.server.run('reload')
    match = world.rewritten('joe@write.test')
    assert match[1] == address('a new passphrase of ours', 'write.test', 'joe')
    for to in (match[1], address(old, 'write.test', 'joe')):
        assert 'joe@write.test' in world.forwarded(world.write, '', to)[1][0]


def test_off_and_a_domain_of_its_own(world):
    conf = world.server.conf.read_text()
    back = world.rewritten('joe@write.test')[1]
    world.server.conf.write_text(conf + 'srs { domain second.test; max_age 1d }\n')
    world.server.run('reload')
    assert world.rewritten('joe@write.test')[6] == 'second.test'
    world.server.conf.write_text(conf + 'srs off\n')
    world.server.run('reload')
    assert 'FROM:<joe@write.test>' in world.forwarded(world.far, 'joe@write.test',
                                                      'away@example.test')[0]
    assert 'joe@write.test' in world.forwarded(world.write, '', back)[1][0]
