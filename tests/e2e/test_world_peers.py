"""Postfix, Exim and OpenSMTPD on both ends: they send to Nuncio by MX, Nuncio sends to them by MX and
over routes, with and without each extension, and with TLS of several grades.

All of it lives in a network of its own with a name server on port 53. Each peer hands what it takes to
a sink, so that what it got can be compared byte for byte. What a peer does not offer is told by the
domain: no-dsn.postfix.test is a Postfix that has not heard of DSN.
"""
import contextlib
import email
import re
import smtplib
import subprocess

import pytest

import peers
from company import own_network
from exim import Exim
from names import Names
from peers import OpenSMTPD, Postfix, Sink, short_folder, wait_until
from pki import Authority
from server import Server

KINDS = ('postfix', 'exim', 'opensmtpd')
PORT = 2525
OURS = '127.0.0.10'
# What can be left out, and at which address each peer leaves it out.
POSTFIX = {'all': ('127.0.0.11', ''), 'no-pipelining': ('127.0.0.21', 'pipelining'),
           'no-chunking': ('127.0.0.22', 'chunking'), 'no-8bitmime': ('127.0.0.23', '8bitmime'),
           'no-smtputf8': ('127.0.0.24', 'smtputf8'), 'no-dsn': ('127.0.0.25', 'dsn'),
           'no-size': ('127.0.0.26', 'size'), 'no-starttls': ('127.0.0.27', 'starttls'),
           'nothing': ('127.0.0.28', 'pipelining,chunking,8bitmime,smtputf8,dsn,size,starttls,'
                       'enhancedstatuscodes,etrn,vrfy')}
EXIM = {'all': '127.0.0.12', 'no-pipelining': '127.0.0.31', 'no-chunking': '127.0.0.32',
        'no-smtputf8': '127.0.0.34', 'no-dsn': '127.0.0.35', 'no-starttls': '127.0.0.37'}
OPENSMTPD = {'all': '127.0.0.13', 'no-dsn': '127.0.0.45', 'no-starttls': '127.0.0.47'}
VARIANTS = ([('postfix', v) for v in POSTFIX] + [('exim', v) for v in EXIM]
            + [('opensmtpd', v) for v in OPENSMTPD])
# Postfix with TLS of one grade each.
GRADES = {'tls12': ('127.0.0.51', 'smtpd_tls_protocols=TLSv1.2'),
          'tls13': ('127.0.0.52', 'smtpd_tls_protocols=TLSv1.3'),
          'cbc': ('127.0.0.53', 'smtpd_tls_protocols=TLSv1.2 -o tls_medium_cipherlist=ECDHE-ECDSA-AES128-SHA '
                                '-o smtpd_tls_ciphers=medium'),
          'stranger': ('127.0.0.54', 'smtpd_tls_chain_files={pki}/stranger.key,{pki}/stranger.pem'),
          'clear': ('127.0.0.55', 'smtpd_tls_security_level=none')}

CONF = '''
listen mx {{{{ service mx; address {ours}:25 }}}}
listen submit {{{{ service mx; address 127.0.0.1:{{submit}} }}}}
certificate main {{{{ chain {pki}/ours.pem; key {pki}/ours.key }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain ours.test {{{{ deliver maildir }}}}
default_route world
route world {{{{ mx; port {port}; tls_ca {pki}/ca.pem }}}}
destination fixed.postfix.test {{{{ host 127.0.0.11:{port} }}}}
destination fixed.exim.test {{{{ host 127.0.0.12:{port} }}}}
destination fixed.opensmtpd.test {{{{ host 127.0.0.13:{port} }}}}
destination verify.postfix.test verify.exim.test verify.opensmtpd.test tls12.postfix.test \
            tls13.postfix.test stranger.postfix.test {{{{
    mx; port {port}; tls verify; tls_ca {pki}/ca.pem }}}}
destination clear.postfix.test cbc.postfix.test {{{{ mx; port {port}; tls encrypt }}}}
destination never.postfix.test never.exim.test never.opensmtpd.test {{{{ mx; port {port}; tls none }}}}
queue {{{{ retry_first 1s; retry_max 2s; gather 1s }}}}
limits {{{{ message_size 20M }}}}
'''
EXIM_MAIN = '''
pipelining_advertise_hosts = ${{if eq{{$received_ip_address}}{{127.0.0.31}}{{}}{{*}}}}
chunking_advertise_hosts = ${{if eq{{$received_ip_address}}{{127.0.0.32}}{{}}{{*}}}}
smtputf8_advertise_hosts = ${{if eq{{$received_ip_address}}{{127.0.0.34}}{{}}{{*}}}}
dsn_advertise_hosts = ${{if eq{{$received_ip_address}}{{127.0.0.35}}{{}}{{*}}}}
tls_advertise_hosts = ${{if eq{{$received_ip_address}}{{127.0.0.37}}{{}}{{*}}}}
tls_certificate = {pki}/exim.pem
tls_privatekey = {pki}/exim.key
'''
EXIM_ROUTERS = '''
ours:
  driver = dnslookup
  domains = ours.test
  transport = world
  ignore_target_hosts = 0.0.0.0
  self = send
  no_more
rest:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = sink
'''
EXIM_TRANSPORTS = '''
world:
  driver = smtp
  hosts_require_tls = *
  tls_verify_hosts = *
  tls_verify_certificates = {pki}/ca.pem
  message_linelength_limit = 100000
sink:
  driver = smtp
  port = {sink}
  allow_localhost
  message_linelength_limit = 100000
'''
OPENSMTPD_CONF = '''
pki p cert "{pki}/opensmtpd.pem"
pki p key "{pki}/opensmtpd.key"
listen on 127.0.0.13 port 2525 tls pki p
listen on 127.0.0.45 port 2525 tls pki p no-dsn
listen on 127.0.0.47 port 2525
action ours relay tls
action rest relay host smtp://127.0.0.1:{sink}
match from any for domain "ours.test" action ours
match from any for any action rest
'''

pytestmark = pytest.mark.skipif(not peers.available(*KINDS), reason='needs root and the peers')


def head(subject, eightbit=False):
    mime = ('MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
            'Content-Transfer-Encoding: 8bit\r\n') if eightbit else ''
    return (f'From: Joe <joe@ours.test>\r\nTo: a@far.test\r\nSubject: {subject}\r\n'
            f'Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{subject}@ours.test>\r\n'
            f'{mime}\r\n').encode()


TEXTS = {
    'dots': b'.\r\n..\r\n.a\r\n...\r\n\r\n.\r\n',
    'blank': b'\r\n\r\n\r\n',
    'lines': b'x' * 998 + b'\r\n' + b'.' + b'y' * 5000 + b'\r\n.' + b'z' * 2047 + b'\r\n',
    'spaces': b' \r\n\t\r\n-- \r\nFrom here on\r\n>From\r\ntrailing \t\r\n',
    'utf8': 'Grüße, 你好, \U0001f40c\r\n.ü\r\n'.encode(),
    'latin': bytes(range(0xa0, 0x100)) + b'\r\n',
    'big': b''.join(b'%s%d %s\r\n' % (b'.' * (i % 3), i, b'b' * (i % 70)) for i in range(10000)),
}


def message(name):
    return head(name, name in ('utf8', 'latin')) + TEXTS[name]


def sink_answer(rcpt):
    return '550 5.1.1 no such user here' if 'nobody@' in rcpt else '250 2.1.5 ok'


class World:
    def __init__(self, folder, stack):
        self.folder, self.stack, self.pki = folder, stack, folder / 'pki'
        self.issue()
        (folder / 'resolv.conf').write_text('nameserver 127.0.0.1\n')
        self.resolver = folder / 'resolv.conf'
        self.names = stack.enter_context(Names(folder))
        self.names.port = 53
        self.make_zones()
        self.names.start()
        self.sinks = {kind: stack.enter_context(Sink(answer=sink_answer)) for kind in KINDS}
        self.peers = {kind: stack.enter_context(getattr(self, kind)()) for kind in KINDS}
        conf = CONF.format(ours=OURS, pki=self.pki, port=PORT)
        self.server = Server(folder / 'server', self.names.statement + conf)
        for name in ('joe', 'ann', 'bounced', 'told', 'refused'):
            self.server.account(f'{name}@ours.test')
        self.send_variants()

    def issue(self):
        authority = Authority(self.pki)
        authority.issue('ours', ['mx.ours.test'])
        for kind in KINDS:
            authority.issue(kind, [f'mx.{kind}.test', f'mx.tls12.{kind}.test',
                                   f'mx.tls13.{kind}.test'])
        Authority(self.folder / 'other').issue('stranger', ['mx.stranger.postfix.test'])
        for name in ('stranger.key', 'stranger.pem'):
            (self.folder / 'other' / name).rename(self.pki / name)
        for path in self.pki.iterdir():
            path.chmod(0o644)
        # OpenSMTPD wants its key to be nobody else's, Exim reads its own as its user.
        (self.pki / 'opensmtpd.key').chmod(0o600)

    def make_zones(self):
        self.names.zone('ours.test', f'@ MX 10 mx\nmx A {OURS}')
        grades = {name: address for name, (address, _) in GRADES.items()}
        tables = {'postfix': {name: address for name, (address, _) in POSTFIX.items()} | grades,
                  'exim': EXIM, 'opensmtpd': OPENSMTPD}
        for kind, table in tables.items():
            lines = [f'mx A {table["all"]}', 'verify MX 10 mx', 'never MX 10 mx']
            for name, address in table.items():
                lines.append(f'{name} MX 10 mx.{name}\nmx.{name} A {address}')
            self.names.zone(f'{kind}.test', '\n'.join(lines))

    def postfix(self):
        services = ''.join(f'{address}:{PORT} inet n - n - - smtpd\n'
                           + (f'  -o smtpd_discard_ehlo_keywords={left}\n' if left else '')
                           for address, left in POSTFIX.values())
        services += ''.join(f'{address}:{PORT} inet n - n - - smtpd\n'
                            f'  -o {option.format(pki=self.pki)}\n'
                            for address, option in GRADES.values())
        return Postfix(self.folder / 'postfix', services=services, resolver=self.resolver, main={
            'disable_dns_lookups': 'no', 'smtp_host_lookup': 'dns', 'smtp_line_length_limit': '0',
            'transport_maps': 'inline:{ours.test=smtp:ours.test}',
            'relayhost': f'[127.0.0.1]:{self.sinks["postfix"].port}',
            'smtpd_tls_security_level': 'may', 'smtp_tls_policy_maps':
            'inline:{ours.test=verify}', 'smtp_tls_CAfile': self.pki / 'ca.pem',
            'smtpd_tls_chain_files': f'{self.pki}/postfix.key,{self.pki}/postfix.pem',
            'smtputf8_autodetect_classes': 'all', 'bounce_queue_lifetime': '30s'})

    def exim(self):
        return Exim(self.folder / 'exim', [f'{address}.{PORT}' for address in EXIM.values()],
                    main=EXIM_MAIN.format(pki=self.pki), routers=EXIM_ROUTERS,
                    transports=EXIM_TRANSPORTS.format(pki=self.pki, sink=self.sinks['exim'].port),
                    resolver=self.resolver)

    def opensmtpd(self):
        conf = OPENSMTPD_CONF.format(pki=self.pki, sink=self.sinks['opensmtpd'].port)
        return OpenSMTPD(self.folder / 'opensmtpd', conf, ca=self.pki / 'ca.pem',
                         resolver=self.resolver)

    def send_variants(self):
        """To every one at once, so that the tests do not wait for one after the other."""
        self.variants = {}
        for kind, variant in VARIANTS:
            recipients = [f'r{i}@{variant}.{kind}.test' for i in range(12)]
            self.variants[kind, variant] = recipients
            self.send(recipients, message('utf8'), mail=['BODY=8BITMIME'])
            self.send([f'told@{variant}.{kind}.test'], message('dots'), sender='told@ours.test',
                      mail=['RET=HDRS', f'ENVID={kind}-{variant}'],
                      rcpt=['NOTIFY=SUCCESS,FAILURE', f'ORCPT=rfc822;first+2B@{kind}.test'])

    def send(self, recipients, text, sender='joe@ours.test', mail=(), rcpt=()):
        with smtplib.SMTP('127.0.0.1', self.server.port('submit')) as client:
            return client.sendmail(sender, recipients, text, mail_options=mail, rcpt_options=rcpt)

    def at(self, kind, recipient):
        """What the sink behind a peer has got for a recipient: (MAIL, RCPT, text) each."""
        return [(mail, line, text) for mail, lines, text in list(self.sinks[kind].messages)
                for line in lines if f'<{recipient}>'.lower() in line.lower()]

    def wait_for(self, kind, recipient, count=1, seconds=30):
        wait_until(lambda: len(self.at(kind, recipient)) >= count, seconds,
                   f'{count} for {recipient}: {self.server.run("queue", "list").stdout.decode()}')
        return self.at(kind, recipient)

    def submit_to(self, kind, recipients, text, **options):
        """A client of the peer's."""
        host, port = ('127.0.0.12', PORT) if kind == 'exim' else ('127.0.0.1', self.peers[kind].port)
        with smtplib.SMTP(host, port, local_hostname='client.test') as client:
            client.sendmail(options.pop('sender', f'sue@{kind}.test'), recipients, text, **options)


@pytest.fixture(scope='module')
def world(users):
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        stack.enter_context(own_network())
        # OpenSMTPD looks up no addresses where there is nothing but a loopback.
        subprocess.run(['ip', 'address', 'add', '192.0.2.1/32', 'dev', 'lo'], check=True)
        made = World(folder, stack)
        yield made
        made.server.stop()


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('way', ['all', 'fixed', 'never'])
def test_out_every_text_arrives_unchanged(world, kind, way):
    recipient = f'texts@{way}.{kind}.test'
    for name in TEXTS:
        world.send([recipient], message(name), mail=['BODY=8BITMIME'])
    got = world.wait_for(kind, recipient, len(TEXTS))
    assert len(got) == len(TEXTS)
    for name in TEXTS:
        [text] = [text for _, _, text in got if f'\r\nSubject: {name}\r\n'.encode() in text]
        assert text.endswith(message(name)), (name, text[:3000])


@pytest.mark.parametrize('kind', KINDS)
def test_in_every_text_arrives_unchanged_under_verified_tls(world, kind):
    before = len(world.server.mail('ann@ours.test'))
    for name in TEXTS:
        world.submit_to(kind, ['ann@ours.test'], message(name), mail_options=['BODY=8BITMIME'])
    got = world.server.wait_for_mail('ann@ours.test', before + len(TEXTS))[before:]
    for name in TEXTS:
        wanted = message(name).replace(b'\r\n', b'\n')
        [text] = [text.replace(b'\r\n', b'\n') for text in got
                  if f'Subject: {name}'.encode() in text[:4000]]
        assert text.endswith(wanted), (name, text[:3000])
        assert b'with ESMTPS' in text[:2000] or b'with UTF8SMTPS' in text[:2000], text[:2000]


@pytest.mark.parametrize('kind, variant', VARIANTS)
def test_out_with_and_without_each_extension(world, kind, variant):
    for recipient in world.variants[kind, variant]:
        [(_, _, text)] = world.wait_for(kind, recipient)
    if POSTFIX.get(variant, ('', ''))[1].find('8bitmime') < 0:
        assert text.endswith(message('utf8'))
    else:
        assert max(text) < 128
        assert email.message_from_bytes(text).get_payload(decode=True) == TEXTS['utf8']


@pytest.mark.parametrize('kind, variant', VARIANTS)
def test_dsn_is_passed_on_or_told_by_us(world, kind, variant):
    """Success is told by the sink's side where the peer knows DSN, by us where it does not."""
    recipient, envid = f'told@{variant}.{kind}.test', f'{kind}-{variant}'
    [(mail, line, _)] = world.wait_for(kind, recipient)
    reports = [text for text in world.server.mail('told@ours.test') if envid.encode() in text]
    if variant in ('no-dsn', 'nothing'):
        report = wait_until(lambda: [text for text in world.server.mail('told@ours.test')
                                     if f'Original-Envelope-Id: {envid}'.encode() in text])[0]
        assert b'Action: relayed' in report and b'first+@' in report
    else:
        assert not reports
        assert f'ENVID={envid}' in mail and 'RET=HDRS' in mail
        assert f'ORCPT=rfc822;first+2B@{kind}.test' in line and 'SUCCESS' in line


@pytest.mark.parametrize('kind', KINDS)
def test_bounces_of_the_peer_come_back(world, kind):
    world.send([f'nobody@all.{kind}.test'], message('dots'), sender='bounced@ours.test')

    def bounce():
        return [text for text in world.server.mail('bounced@ours.test')
                if f'nobody@all.{kind}.test'.encode() in text]
    [text] = wait_until(bounce, 30, 'the bounce')
    assert b'Return-Path: <>' in text
    if kind == 'opensmtpd':  # it tells people alone
        assert b'550 5.1.1 no such user here' in text
        return
    report = email.message_from_bytes(text)
    assert report.get_content_type() == 'multipart/report'
    assert re.search(r'^Status: 5\.\d\.\d', report.get_payload()[1].as_string(), re.M)


@pytest.mark.parametrize('kind', ['postfix', 'exim'])
def test_international_addresses_in_both_directions(world, kind):
    sent = head('Grüße') + 'ü\r\n'.encode()
    world.send([f'jürgen@all.{kind}.test'], sent, mail=['SMTPUTF8', 'BODY=8BITMIME'])
    [(_, _, text)] = world.wait_for(kind, f'jürgen@all.{kind}.test')
    assert text.endswith(sent)
    before = len(world.server.mail('ann@ours.test'))
    world.submit_to(kind, ['ann@ours.test'], sent, sender=f'jürgen@{kind}.test',
                    mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
    text = world.server.wait_for_mail('ann@ours.test', before + 1)[before]
    assert f'Return-Path: <jürgen@{kind}.test>'.encode() in text and b'UTF8SMTPS' in text


@pytest.mark.parametrize('kind, variant', [('postfix', 'no-smtputf8'), ('exim', 'no-smtputf8'),
                                           ('opensmtpd', 'all')])
def test_international_addresses_come_back_from_who_cannot_take_them(world, kind, variant):
    recipient = f'jürgen@{variant}.{kind}.test'
    world.send([recipient], b'Subject: x\r\n\r\nx\r\n', sender='refused@ours.test',
               mail=['SMTPUTF8'])
    text = wait_until(lambda: [text for text in world.server.mail('refused@ours.test')
                               if recipient.encode() in text], 30, 'the bounce')[0]
    assert b'5.6.7' in text and not world.at(kind, recipient)


def tls_of(world, recipient):
    """What the story says about the connection that took it."""
    return wait_until(lambda: re.search(r'^.*TLS.*$', world.server.run('why', recipient, check=False)
                                        .stdout.decode(), re.M), 10, 'TLS in the story')[0]


# Not OpenSMTPD: Debian's, built with OpenSSL 3, offers STARTTLS and fails in every handshake. It gets
# its mail in the clear where TLS is not demanded.
@pytest.mark.parametrize('recipient, grade', [
    ('a@verify.postfix.test', 'TLSv1.3'), ('a@verify.exim.test', 'TLSv1.3'),
    ('a@tls12.postfix.test', 'TLSv1.2'),
    ('a@tls13.postfix.test', 'TLSv1.3'), ('a@cbc.postfix.test', 'TLSv1.2')])
def test_tls_of_each_grade(world, recipient, grade):
    world.send([recipient], message('dots'))
    world.wait_for(recipient.split('.')[-2], recipient)
    assert grade in tls_of(world, recipient)


@pytest.mark.parametrize('peer, reason', [
    ('clear.postfix', 'STARTTLS is not offered'), ('stranger.postfix', 'certificate'),
    ('verify.opensmtpd', 'alert internal error')])
def test_less_than_the_demanded_tls_holds_the_mail(world, peer, reason):
    recipient = f'held@{peer}.test'
    world.send([recipient], message('dots'))
    text = wait_until(lambda: reason in (told := world.server.run('why', recipient, check=False)
                                         .stdout.decode()) and told, 20, 'the reason')
    assert 'next try' in text, text
    assert not world.at(peer.split('.')[1], recipient)
    world.server.run('queue', 'remove', '--recipient', recipient)


@pytest.mark.parametrize('kind', KINDS)
def test_many_recipients_each_once(world, kind):
    recipients = [f'many{i}@all.{kind}.test' for i in range(120)]
    world.send(recipients, message('dots'))
    wait_until(lambda: all(world.at(kind, r) for r in recipients), 30)
    assert all(len(world.at(kind, r)) == 1 for r in recipients)
