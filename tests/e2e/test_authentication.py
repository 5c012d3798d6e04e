"""Whose mail is it: SPF, DKIM, DMARC, ARC, iprev and HELO on the way in, and what follows.

One server and one name server for all cases. Between the two stands a little proxy that keeps
silent about never.test, is slow about slow.test, and fails for fail.test. The client's address is
told by XCLIENT.
"""
import re
import select
import smtplib
import socket
import subprocess
import threading
import time

import pytest

import peers
from names import Names
from server import Server

dkim = pytest.importorskip('dkim')

CONF = """
    listen mx {{ service mx; address 127.0.0.1:{mx}; tls off; xclient {{ 127.0.0.1 }} }}
    listen lmtp {{ service lmtp; address 127.0.0.1:{lmtp}; xclient {{ 127.0.0.1 }}
        checks {{ dmarc enforce; spf tag; dkim tag }} }}
    checks {{ defer 1h; unchecked {{ 192.0.2.77 }}; trusted_sealer sealer.test }}
    trusted {{ 192.0.2.99 }}
    domain here.test {{ deliver maildir }}
    domain lax.test {{ deliver maildir; checks {{ dmarc tag }} }}
    domain spam.test {{ deliver maildir; junk_folder Spam; checks {{ dmarc quarantine }} }}
    domain strict.test {{ deliver maildir
        checks {{ spf reject; dkim quarantine; iprev reject; helo reject; dmarc tag }} }}
    author exempt.test {{ dmarc tag }}
"""
GOOD, OTHER = '192.0.2.1', '198.51.100.9'


class Proxy(threading.Thread):
    """UDP in front of the name server."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.port, self.to, self.open = self.socket.getsockname()[1], to, True

    def run(self):
        while self.open:
            if not select.select([self.socket], [], [], 0.2)[0]:
                continue
            question, client = self.socket.recvfrom(4096)
            name = question[12:question.index(b'\0', 12)].lower()
            if b'\x04fail' in name:
                self.socket.sendto(question[:2] + b'\x81\x82' + question[4:6] + bytes(6)
                                   + question[12:question.index(b'\0', 12) + 5], client)
            elif b'\x05never' not in name:
                threading.Thread(target=self.ask, args=(question, client),
                                 kwargs={'wait': 0.7 if b'\x04slow' in name else 0},
                                 daemon=True).start()

    def ask(self, question, client, wait):
        time.sleep(wait)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(5)
            upstream.sendto(question, ('127.0.0.1', self.to))
            self.socket.sendto(upstream.recv(65536), client)

    def stop(self):
        self.open = False
        self.join()
        self.socket.close()


def make_key():
    pem = subprocess.run(['openssl', 'genrsa', '-traditional', '1024'], capture_output=True,
                         check=True).stdout
    public = subprocess.run(['openssl', 'rsa', '-pubout'], input=pem, capture_output=True,
                            check=True).stdout.decode()
    return pem, ''.join(public.splitlines()[1:-1])


class World:
    def __init__(self, folder):
        self.key, public = make_key()
        record = f's._domainkey TXT "v=DKIM1; p={public}"'
        self.names = Names(folder, signed_root=False)
        zone = self.names.zone
        for name in ('good.test', 'quarantine.test', 'none.test', 'exempt.test', 'fresh.test'):
            policy = name.split('.')[0] if name[0] in 'qn' else 'reject'
            zone(name, f'@ TXT "v=spf1 ip4:{GOOD} -all"\n@ MX 10 mail\nmail A {GOOD}\nmail TXT "v=spf1 a -all"\n'
                       f'_dmarc TXT "v=DMARC1; p={policy}"\n{record}')
        zone('slow.test', f'@ TXT "v=spf1 ip4:{GOOD} -all"\n_dmarc TXT "v=DMARC1; p=reject"')
        zone('list.test', f'@ TXT "v=spf1 ip4:{OTHER} -all"\nmail A {OTHER}')
        zone('sealer.test', f'mail A {OTHER}\n{record}')
        zone('2.0.192.in-addr.arpa', '1 PTR mail.good.test.\n2 PTR mail.good.test.')
        self.names.start()
        self.proxy = Proxy(self.names.port)
        self.proxy.start()
        self.server = Server(folder / 'server',
                             f'dns {{{{ server 127.0.0.1:{self.proxy.port}; validate no }}}}\n' + CONF)
        for address in ('joe@here.test', 'ann@lax.test', 'bob@spam.test', 'eve@strict.test',
                        'postmaster@here.test'):
            self.server.account(address)
        self.count = 0

    def stop(self):
        self.server.stop()
        self.proxy.stop()
        self.names.stop()

    def client(self, address=GOOD, helo='mail.good.test', port='mx'):
        client = (smtplib.LMTP if port == 'lmtp' else smtplib.SMTP)(
            '127.0.0.1', self.server.port(port), local_hostname=helo, timeout=30)
        client.ehlo()
        assert client.docmd('XCLIENT', f'ADDR={address}')[0] == 220
        client.ehlo()
        return client

    def text(self, author='joe@good.test', more='', body='hello\r\n'):
        self.count += 1
        return (f'From: {author}\r\nTo: joe@here.test\r\nSubject: {self.count}\r\n'
                f'Message-ID: <{self.count}@case.test>\r\n{more}\r\n{body}').encode()

    def send(self, text, sender='joe@good.test', to='joe@here.test', address=GOOD,
             helo='mail.good.test', port='mx'):
        """(code, text) of the reply to the text."""
        with self.client(address, helo, port) as client:
            assert client.mail(sender)[0] == 250
            for recipient in to.split():
                assert client.rcpt(recipient)[0] == 250, recipient
            code, reply = client.data(text)
            if port == 'lmtp':
                for _ in to.split()[1:]:
                    assert client.getreply()[0] == code
        return code, reply.decode()

    def find(self, text, box='joe@here.test', folder='.'):
        """The delivered message with this one's Message-ID."""
        mark = re.search(rb'Message-ID: (<[^>]+>)', text).group(1)

        def found():
            return [mail for mail in self.server.mail(box, folder) if mark in mail]
        peers.wait_until(found, 15, f'{mark} in {box}/{folder}')
        return found()[0]

    def accepted(self, text, box='joe@here.test', folder='.', **how):
        code, reply = self.send(text, **how)
        assert code == 250, reply
        return self.find(text, box, folder)

    def sign(self, text, domain='good.test'):
        return dkim.sign(text, b's', domain.encode(), self.key) + text


@pytest.fixture(scope='module')
def world():
    with peers.short_folder() as folder:
        found = World(folder)
        yield found
        found.stop()


def results(mail):
    """Our Authentication-Results, unfolded; it stands right above our Received."""
    found = re.search(rb'^Authentication-Results: (mx\.nuncio\.test;(?:[^\r\n]|\r?\n[ \t])*)\r?\n'
                      rb'(?:X-Spam[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)*Received: ', mail, re.M)
    assert found, mail
    return re.sub(rb'\s+', b' ', found.group(1)).decode()


@pytest.fixture(scope='module')
def unanswered(world):
    """A client whose sender's domain nobody answers for; it waits while the others go on."""
    replies = []

    def wait():
        text = world.text('joe@none.test')
        replies.extend([time.monotonic(), world.send(text, 'joe@never.test'), time.monotonic(),
                        text])
    thread = threading.Thread(target=wait)
    thread.start()
    yield thread, replies


def test_what_passes_is_told(world, unanswered):
    told = results(world.accepted(world.sign(world.text())))
    assert 'spf=pass' in told and 'smtp.mailfrom=' in told
    assert 'dkim=pass' in told and 'header.d=good.test' in told
    assert 'dmarc=pass' in told and 'iprev=pass' in told


def test_dmarc_does_what_the_domain_asks(world):
    reply = world.send(world.text(), address=OTHER, helo='mail.list.test', sender='x@list.test')
    assert reply[0] == 550 and reply[1].startswith('5.7.1 ')
    assert 'good.test asks to reject mail that neither SPF nor DKIM backs' in reply[1]
    assert 'list.test' in reply[1] and 'http' not in reply[1]
    text = world.text('joe@quarantine.test')
    mail = world.accepted(text, address=OTHER, sender='x@list.test', folder='.Junk')
    assert 'dmarc=fail' in results(mail)
    assert b'X-Spam-Flag: YES' in mail and b'X-Spam-Reason: dmarc: quarantine.test asks' in mail
    mail = world.accepted(world.text('joe@none.test'), address=OTHER, sender='x@list.test')
    assert 'dmarc=fail' in results(mail) and b'X-Spam' not in mail


def test_a_signature_alone_or_spf_alone_is_enough(world):
    told = results(world.accepted(world.sign(world.text()), address=OTHER, sender='x@list.test'))
    assert 'dkim=pass' in told and 'dmarc=pass' in told
    told = results(world.accepted(world.text()))
    assert 'dmarc=pass' in told
    broken = world.sign(world.text()).replace(b'hello', b'hullo')
    assert world.send(broken, address=OTHER, sender='x@list.test')[0] == 550


def test_settings_of_recipients_and_authors(world):
    how = {'address': OTHER, 'sender': 'x@list.test'}
    assert b'X-Spam' not in world.accepted(world.text(), 'ann@lax.test', to='ann@lax.test', **how)
    world.accepted(world.text(), 'bob@spam.test', '.Spam', to='bob@spam.test', **how)
    world.accepted(world.text('a@exempt.test'), **how)
    assert world.send(world.text(), to='bob@spam.test joe@here.test', **how)[0] == 250


def test_several_recipients_and_the_postmaster(world):
    how = {'address': OTHER, 'sender': 'x@list.test'}
    text = world.text()
    assert world.send(text, to='joe@here.test ann@lax.test', **how)[0] == 250
    world.find(text, 'joe@here.test', '.Junk')
    world.find(text, 'ann@lax.test')
    text = world.text()
    assert world.send(text, to='postmaster@here.test joe@here.test', **how)[0] == 250
    world.find(text, 'postmaster@here.test')
    world.find(text, 'joe@here.test', '.Junk')


def test_the_other_checks_where_they_are_set(world):
    to = {'to': 'eve@strict.test'}
    assert '5.7.23' in world.send(world.text(), address='192.0.2.2', **to)[1] or \
        '5.7.25' in world.send(world.text(), address='192.0.2.2', **to)[1]
    code, reply = world.send(world.text('x@list.test'), sender='x@list.test', address=OTHER,
                             helo='mail.list.test', **to)
    assert (code, '5.7.25' in reply) == (550, True), reply
    code, reply = world.send(world.text(), helo='nowhere', **to)
    assert code == 550 and 'introduces itself as "nowhere"' in reply
    broken = world.sign(world.text()).replace(b'hello', b'hullo')
    world.accepted(broken, 'eve@strict.test', '.Junk', **to)
    world.accepted(world.text(), 'eve@strict.test', **to)


def test_bounces_are_judged_by_helo(world):
    told = results(world.accepted(world.text('x@mail.good.test'), sender=''))
    assert 'smtp.helo=mail.good.test' in told and 'dmarc=pass' in told


def test_forged_results_go_and_others_stay(world):
    more = ('Authentication-Results: mx.nuncio.test; spf=pass\r\n'
            'AUTHENTICATION-RESULTS:\r\n (x) MX.nuncio.test 1;\r\n\tdkim=pass\r\n'
            'Authentication-Results: other.test; spf=pass reason="kept"\r\n')
    text = world.sign(world.text(more=more))
    mail = world.accepted(text)
    assert len(re.findall(rb'mx\.nuncio\.test;|nuncio\.test 1;', mail, re.I)) == 1
    assert b'other.test; spf=pass reason="kept"' in mail
    assert 'dkim=pass' in results(mail)
    assert 'forged-results' in world.server.log()
    told = world.accepted(world.text(more=more), address='192.0.2.77')
    assert b'mx.nuncio.test; spf=pass' in told  # our own relay's word


def test_who_is_not_checked(world):
    for address in ('192.0.2.77', '192.0.2.99'):
        mail = world.accepted(world.text(), address=address, sender='x@list.test')
        assert b'Authentication-Results' not in mail


def test_large_and_odd_texts(world):
    body = 'x' * 70 + '\r\n'
    text = world.sign(world.text(body=body * 30000))
    mail = world.accepted(text)
    assert 'dkim=pass' in results(mail) and mail.endswith(body.encode().replace(b'\r\n', b'\n')) \
        or mail.endswith(body.encode())
    forged = 'Authentication-Results: mx.nuncio.test; spf=pass\r\n'
    text = world.sign(world.text(more=forged, body='.dots\r\n..\r\n'))
    wire = re.sub(rb'(?m)^\.', b'..', text) + b'.\r\n'
    with world.client() as client:
        client.mail('joe@good.test'), client.rcpt('joe@here.test')
        assert client.docmd('DATA')[0] == 354
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(wire), 7):
            client.sock.sendall(wire[at:at + 7])
        assert client.getreply()[0] == 250
    mail = world.find(text)
    assert 'dkim=pass' in results(mail) and b'mx.nuncio.test; spf=pass\n' not in mail


def test_bdat_pipelining_and_lmtp(world):
    text = world.sign(world.text())
    with world.client() as client:
        client.sock.sendall(b'MAIL FROM:<joe@good.test>\r\nRCPT TO:<joe@here.test>\r\n'
                            b'BDAT 9\r\n' + text[:9] +
                            b'BDAT %d LAST\r\n' % (len(text) - 9) + text[9:] +
                            b'MAIL FROM:<joe@good.test>\r\nRSET\r\n')
        assert [client.getreply()[0] for _ in range(6)] == [250] * 6
    assert 'dkim=pass' in results(world.find(text))
    assert world.send(world.text(), address=OTHER, sender='x@list.test', port='lmtp',
                      to='joe@here.test joe@here.test')[0] == 550
    told = results(world.accepted(world.text(), port='lmtp'))
    assert 'spf=pass' in told and 'iprev' not in told


def test_a_trusted_sealer_saves_what_forwarding_breaks(world):
    how = {'address': OTHER, 'sender': 'x@list.test'}
    text = (b'Authentication-Results: sealer.test; dmarc=pass header.from=good.test\r\n'
            + world.text())

    def seal(domain):
        return b''.join(dkim.arc_sign(text, b's', domain, world.key, b'sealer.test',
                                      linesep=b'\r\n')) + text
    mail = world.accepted(seal(b'sealer.test'), **how)
    assert 'arc=pass' in results(mail) and 'trusted forwarder' in results(mail)
    assert world.send(seal(b'good.test'), **how)[0] == 550


def test_a_trusted_sealer_saves_a_broken_signature(world):
    text = (b'Authentication-Results: sealer.test; dmarc=pass header.from=none.test\r\n'
            + world.sign(world.text('joe@none.test')) + b'of the list\r\n')
    seals = b''.join(dkim.arc_sign(text, b's', b'sealer.test', world.key, b'sealer.test',
                                   include_headers=[b'from', b'subject', b'message-id']))
    mail = world.accepted(seals + text, 'eve@strict.test', to='eve@strict.test')
    assert 'dkim=fail' in results(mail) and 'trusted forwarder' in results(mail)


def test_what_the_dns_does_not_say_is_put_off_only_where_it_matters(world):
    text = world.text('joe@fail.test')
    code, reply = world.send(text, 'joe@good.test')
    assert code == 451 and reply.startswith('4.7.1 ') and 'dmarc' in reply
    told = results(world.accepted(world.text('joe@fail.test'), 'ann@lax.test', to='ann@lax.test'))
    assert 'dmarc=temperror' in told
    told = results(world.accepted(world.text('joe@none.test'), sender='joe@fail.test'))
    assert 'spf=temperror' in told


def test_the_session_waits_for_slow_names(world):
    begun = time.monotonic()
    text = world.text('joe@slow.test')
    told = results(world.accepted(text, sender='joe@slow.test'))
    assert 'spf=pass' in told and 'dmarc=pass' in told and time.monotonic() - begun > 0.5
    time.sleep(1.1)  # the answers' time to live
    text = world.text('joe@slow.test')
    client = world.client()
    client.mail('joe@slow.test'), client.rcpt('joe@here.test')
    assert client.docmd('DATA')[0] == 354
    client.sock.sendall(text + b'\r\n.\r\n')
    client.close()  # it came whole, so it is ours
    world.find(text)


def test_why_tells_what_was_found(world):
    text = world.text()
    world.send(text, address=OTHER, sender='x@list.test', helo='mail.list.test')
    mark = re.search(rb'Message-ID: <([^>]+)>', text).group(1).decode()

    def told():
        done = world.server.run('why', mark, check=False)
        return (done.stdout + done.stderr).decode()
    peers.wait_until(lambda: 'DMARC of good.test' in told(), 10)
    assert 'SPF of the sender\'s domain list.test: pass' in told()
    assert 'v=DMARC1; p=reject' in told() and 'refused because of dmarc' in told()


def test_nobody_waits_for_ever(world, unanswered):
    thread, replies = unanswered
    thread.join(30)
    begun, reply, ended, text = replies
    told = results(world.find(text))
    assert 'spf=temperror' in told and ended - begun < 20, (reply, told)
