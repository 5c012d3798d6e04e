"""The guides are followed to the letter: each ```sh block is run, in its order, against a server.

Only the server's own name is not ours: its `nuncio` blocks are configurations that must be right.
"""
import imaplib
import os
import re
import smtplib
import subprocess

import peers
import pytest

from guide import blocks, commands_of, follow, samples, shell
from names import Names
from server import ROOT

EX_NOPERM = 77
CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
listen smtps {{ service submission; address 127.0.0.1:{smtps}; tls implicit; auth required }}
domain example.org
'''


GUIDES = [path.name for path in sorted((ROOT / 'docs').glob('*.md')) if blocks(path.name, 'nuncio')]


@pytest.fixture
def desk(folder):
    (folder / 'desk').mkdir()
    return folder / 'desk'


def test_the_guide_to_accounts_does_what_it_says(make_server, desk):
    server = make_server(CONF)
    scripts = blocks('accounts.md', 'sh')
    said = [follow(server, script, desk) for script in scripts]
    assert len(said) > 10
    accounts = {account['address']: account for account in server.json('account', 'list')}
    assert set(accounts) == {f'{user}@example.org' for user in ('joe', 'ann', 'eve', 'max')}
    joe = accounts['joe@example.org']
    assert joe['totp'] and joe['second_factor_required'] and not joe['frozen']
    assert joe['app_passwords'] == 1 and not accounts['ann@example.org']['cram']
    assert any('otpauth://totp/' in text for text in said)
    assert [grant['sender'] for grant in server.json('account', 'grant', 'joe@example.org',
                                                     'list')] == ['@lists.example.org']
    table = (desk / 'users').read_text().splitlines()
    assert [line.split(':')[0] for line in table] == ['ann@example.org', 'eve@example.org',
                                                      'max@example.org']


WAITING = '''
domain example.net {{ route world }}
route world {{ host 127.0.0.1:1 }}
route smarthost {{ host 127.0.0.1:1 }}
'''
# What these say when they have found something that is not as it should be, or nothing.
MAY_SAY = {'nuncio dns': (0, 69, 75), 'nuncio report tls': (0, 65, 66)}


def messages_guide(server, desk):
    """Each ```sh block with what it printed. What it cannot know is filled in: the id of a message
    that waits, and where the log is."""
    (desk / 'bin').mkdir()
    (desk / 'bin' / 'journalctl').write_text(f'#!/bin/sh\nexec cat {server.folder}/log\n')
    (desk / 'bin' / 'journalctl').chmod(0o755)
    for block in blocks('where-is-my-message.md', 'sh'):
        for command in commands_of(block):
            waiting = server.queue_ids()
            line = re.sub(r'\bID\b', waiting[0] if waiting else 'none', command)
            line = re.sub(r'/var/log/nuncio\S*', f'{server.folder}/log', line)
            # --foreground: one signal. The second, which goes to the whole group, can meet the leak
            # checker of a program that ends already, and that one then waits for ever.
            line = f'timeout --foreground 2 {line}' if '--follow' in line else line
            done = shell(server, line, desk)
            expected = (124, 0) if '--follow' in line else next(
                (codes for start, codes in MAY_SAY.items() if line.startswith(start)), (0,))
            assert done.returncode in expected, (line, done.stdout, done.stderr)
            yield command, done.stdout


@pytest.fixture
def names(folder):
    """Without any, a command that asks the DNS waits until it gives up."""
    with Names(folder) as running:
        running.start()
        yield running


def test_the_guide_to_messages_finds_them(make_server, desk, names):
    server = make_server(names.statement + CONF + WAITING)
    server.account('joe@example.org')
    refused = server.send('ann@x.test', ['joe@example.org', 'nobody@example.org',
                                         'max@example.net'],
                          b'Message-ID: <one@example.net>\r\nSubject: x\r\n\r\nhello\r\n')
    assert set(refused) == {'nobody@example.org'}
    assert not server.send('joe@example.org', ['eve@example.net'], b'Subject: y\r\n\r\nhello\r\n')
    for what in ('delivered to', 'no server reached'):
        peers.wait_until(lambda: what.encode() in server.run('why', 'ann@x.test',
                                                             check=False).stdout, 10, what)
    said = dict(messages_guide(server, desk))
    assert 'delivered to <joe@example.org>' in said['nuncio why one@example.net\n']
    assert 'recipient <nobody@example.org> refused: 550 5.1.1' in said[
        'nuncio why nobody@example.org\n']
    assert 'no server reached for <max@example.net>' in said['nuncio why max@example.net\n']
    for words in ('rebuild', 'follow', 'dns', 'report tls', 'reroute', 'suspend', 'resume', 'stats',
                  'bounce', 'hold', 'release', 'retry', 'show', 'check-config'):
        assert any(words in command for command in said), words


@pytest.mark.parametrize('guide', GUIDES)
def test_configurations_in_guides_are_right(make_server, folder, guide):
    for part in blocks(guide, 'nuncio'):
        own = folder / 'guide.conf'
        head = '' if 'hostname ' in part else 'hostname mx1.example.org\n'
        head += '' if re.search('^domain ', part, re.M) else 'domain example.org\n'
        own.write_text(f'{head}state {folder}/state\n{part}')
        server = make_server(CONF, start=False)
        done = server.run('check-config', '-c', own, check=False)
        mistakes = [line for line in done.stderr.decode().splitlines()
                    if 'No such file' not in line]
        assert not mistakes, (part, mistakes)


@pytest.mark.skipif(os.geteuid() != 0, reason='Dovecot is started as root')
def test_dovecot_takes_the_same_passwords(make_server, desk, folder):
    server = make_server(CONF, start=False)
    server.run('account', 'add', 'ann@example.org', '--password-stdin', input=b'correct horse\n')
    server.run('account', 'add', 'joe@example.org', '--generate')
    export = next(script for script in blocks('accounts.md', 'sh') if 'account export' in script)
    follow(server, export, desk)
    [passdb] = [block for block in blocks('accounts.md', 'dovecot') if 'passdb' in block]
    passdb = passdb.replace('/etc/dovecot/users', str(desk / 'users'))
    users = passdb.replace('{', '{{').replace('}', '}}') + peers.ANY_USER[peers.ANY_USER.index(
        'userdb'):]
    desk.chmod(0o755)
    with peers.Dovecot(folder / 'dovecot', mail=f'{folder}/mail/%d/%n', users=users) as peer:
        client = imaplib.IMAP4('127.0.0.1', peer.imap_port)
        with pytest.raises(imaplib.IMAP4.error):
            client.login('ann@example.org', 'wrong')
        assert client.login('ann@example.org', 'correct horse')[0] == 'OK'
        client.logout()


def msmtp(server, desk, password):
    """Sends as joe to ann with the guide's configuration; the exit code."""
    [conf] = blocks('accounts.md', 'msmtprc')
    conf = conf.replace('host mx1.example.org', 'host 127.0.0.1').replace(
        'port 465', f'port {server.port("smtps")}')
    (desk / 'password').write_text(password)
    (desk / 'msmtprc').write_text(f'{conf}tls_certcheck off\npasswordeval cat {desk}/password\n')
    (desk / 'msmtprc').chmod(0o600)
    return subprocess.run(['msmtp', '-C', desk / 'msmtprc', 'ann@example.org'],
                          input=b'From: joe@example.org\nSubject: hello\n\nhello\n',
                          capture_output=True, timeout=60).returncode


def test_a_mail_program_sends_as_the_guide_says(make_server, desk):
    server = make_server(CONF)
    server.account('joe@example.org', '--generate')
    server.account('ann@example.org', '--none')
    server.run('account', 'second-factor', 'joe@example.org', 'required')
    [app] = server.json('account', 'app-password', 'joe@example.org', 'add', 'msmtp')
    assert msmtp(server, desk, app['password']) == 0
    [mail] = server.wait_for_mail('ann@example.org')
    assert b'From: joe@example.org' in mail and b'ESMTPSA' in mail
    [app] = server.json('account', 'app-password', 'joe@example.org', 'list')
    assert app['used'] != 'never' and app['used_from'] == '127.0.0.1'
    server.run('account', 'app-password', 'joe@example.org', 'remove', 'msmtp')
    assert msmtp(server, desk, 'wrong') == EX_NOPERM


def test_a_code_behind_the_password_counts_once(make_server, desk):
    server = make_server(CONF)
    password = server.json('account', 'add', 'joe@example.org', '--generate')[1]['generated']
    server.account('ann@example.org', '--none')
    key = server.json('account', 'totp', 'joe@example.org', 'on')[0]['key']
    server.run('account', 'second-factor', 'joe@example.org', 'required')
    assert msmtp(server, desk, password) == EX_NOPERM
    code = subprocess.run(['oathtool', '--totp', '--base32', key], capture_output=True, text=True,
                          check=True).stdout.strip()
    assert msmtp(server, desk, password + code) == 0
    assert msmtp(server, desk, password + code) == EX_NOPERM


AUTHENTICATION = CONF + '''
listen outside {{ service mx; address 127.0.0.1:{outside}; tls off; xclient {{ 127.0.0.1 }} }}
checks {{ defer 1h }}
'''
PUBLISHED = '''
@ MX 10 mx1
mx1 A 192.0.2.25
@ TXT "v=spf1 mx -all"
_dmarc TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.org"
'''
STRANGERS = '''
@ MX 10 mail
mail A 192.0.2.1
@ TXT "v=spf1 ip4:192.0.2.0/28 -all"
_dmarc TXT "v=DMARC1; p=reject"
'''
# Exit codes of what finds something that is not as it should be, in the guide's order of things.
FINDS = {'nuncio dns': (0, 69), 'nuncio dkim remove': (65,), 'nuncio report dmarc': (0, 66),
         'nuncio verify': (0, 1)}


@pytest.fixture
def site(folder, make_server):
    """The server of the guide to authentication, whose domain has published nothing but itself."""
    with Names(folder) as names:
        names.zone('example.org', '@ MX 10 mx1\nmx1 A 192.0.2.25')
        names.zone('example.net', STRANGERS)
        names.zone('example.com', 'mail A 198.51.100.9')
        names.zone('2.0.192.in-addr.arpa', '1 PTR mail.example.net.')
        names.start()
        server = make_server(names.statement + AUTHENTICATION)
        server.names = names
        server.account('joe@example.org')
        yield server


def keys_of(server):
    return {key['selector']: key['state'] for key in server.json('dkim', 'list')}


def publish_keys(server):
    """As `nuncio dkim record` says; waits until the server has seen them all."""
    records = server.json('dkim', 'record', 'example.org')
    server.names.zone('example.org', PUBLISHED + '\n'.join(record['zone'] for record in records))
    server.names.load()

    def seen():
        server.run('reload')
        return 'unseen' not in keys_of(server).values()
    peers.wait_until(seen, 20)


def bring(server, text, address='192.0.2.1', sender='ann@example.net', helo='mail.example.net'):
    """As a server out there; the reply to the text."""
    with smtplib.SMTP('127.0.0.1', server.port('outside'), helo, timeout=30) as client:
        client.ehlo()
        assert client.docmd('XCLIENT', f'ADDR={address}')[0] == 220
        client.ehlo()
        assert client.mail(sender)[0] == client.rcpt('joe@example.org')[0] == 250
        code, words = client.data(text)
    return code, words.decode()


def authentication_guide(server, desk):
    """What each ```sh block printed. When keys have been made their records are published."""
    for script in blocks('authentication.md', 'sh'):
        last = commands_of(script)[-1]
        old = next((name for name, state in keys_of(server).items() if state == 'retired'), 'none')
        done = shell(server, script.replace('SELECTOR', old), desk)
        expected = next((codes for start, codes in FINDS.items() if last.startswith(start)), (0,))
        assert done.returncode in expected, (script, done.stdout, done.stderr)
        if last.endswith(('dns example.org\n', 'rotate example.org\n')):
            publish_keys(server)
        yield script, done.stdout + done.stderr


def results_of(text):
    """Our Authentication-Results, a line for each method."""
    found = re.search(r'^Authentication-Results: .*\n(?:[ \t].*\n)+', text, re.M)
    return found.group(0).splitlines()[1:]


# Samples that this test has no message for: a signed one, one for Junk, a forwarded one. And the
# listener has another name.
ELSEWHERE = re.compile(
    r'Session|2026-11-22|198\S+ connected|Authentication-R|dkim=pass|header.a|X-Spam|SRS0=')


def test_the_guide_to_authentication_does_what_it_says(site, desk):
    code, refusal = bring(site, b'From: ann@example.net\r\n\r\nhello\r\n', '198.51.100.9',
                          'list@example.com', 'mail.example.com')
    assert code == 550
    said = ''.join(text for _, text in authentication_guide(site, desk))
    for words in 'ok       DKIM', '  in use  ', 'dmarc enforce', 'removes it now', 'dmarc: pass':
        assert words in said, words
    assert bring(site, b'From: ann@example.net\r\nSubject: x\r\n\r\nhello\r\n')[0] == 250
    [mail] = site.wait_for_mail('joe@example.org')
    real = [*said.splitlines(), *refusal.splitlines(), *results_of(mail.decode())]
    for line in ''.join(samples('authentication.md')).splitlines():
        # Without times, and as far as it is not cut short.
        words = re.sub(r'^(550[- ]| {4}\d\d:\d\d:\d\d  )', '', line).split('...')[0].strip()
        assert ELSEWHERE.match(words) or any(words in text for text in real), line
