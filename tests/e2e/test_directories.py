"""Accounts that are kept elsewhere: in files that change while the server runs, and in a real
Dovecot that stops and comes back."""
import os
import smtplib
import time

import pytest

import peers
from peers import Dovecot, wait_until

FILES = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
accounts staff {{ passwd_file {folder}/users; alias_file {folder}/aliases }}
domain files.test {{ accounts staff }}
domain second.test {{ accounts staff }}
domain own.test
'''

needs_dovecot = pytest.mark.skipif(not peers.available('dovecot'), reason='needs root and Dovecot')


def rcpt(server, address):
    with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='client.test') as client:
        client.ehlo()
        client.mail('a@else.test')
        return client.rcpt(address)[0]


def becomes(server, address, code, seconds=30):
    """Receive keeps an answer for a second, so a change takes that long at least."""
    wait_until(lambda: rcpt(server, address) == code, seconds, f'{code} for {address}')


@pytest.fixture
def files(make_server):
    server = make_server(FILES, start=False)
    (server.folder / 'users').write_text('joe@files.test:{PLAIN}secret\n'
                                         'ann:{PLAIN}secret::::::userdb_quota_rule=*:storage=1M\n')
    (server.folder / 'aliases').write_text('team: joe@files.test, ann\n')
    server.start()
    return server


def test_users_and_aliases_of_files_get_mail(files):
    files.send('a@else.test', ['joe@files.test', 'team@second.test', 'ann+x@second.test'],
               b'Subject: x\r\n\r\nhello\r\n')
    files.wait_for_mail('joe@files.test')
    files.wait_for_mail('ann@second.test')
    assert rcpt(files, 'joe@second.test') == 550
    assert rcpt(files, 'nobody@files.test') == 550
    assert rcpt(files, 'joe@own.test') == 550
    files.wait_for_empty_queue()


def test_a_changed_file_counts_and_a_damaged_one_does_not(files):
    users, aliases = files.folder / 'users', files.folder / 'aliases'
    assert rcpt(files, 'new@files.test') == 550
    users.write_text(users.read_text() + 'new@files.test:{PLAIN}secret\n')
    becomes(files, 'new@files.test', 250, 90)
    aliases.write_text('team: joe@files.test\nhook: |/bin/sh\n')
    users.write_text('joe@files.test:x\njoe@files.test:y\n')
    wait_until(lambda: files.log().count('table-not-taken') >= 2, 90, 'two complaints')
    log = files.log()
    assert f'{users}:2: joe@files.test is there already, in line 1' in log
    assert f"{aliases}:2: '|/bin/sh' is a command" in log
    assert rcpt(files, 'new@files.test') == 250
    assert rcpt(files, 'team@second.test') == 250
    users.write_text('ann:x\n')
    becomes(files, 'joe@files.test', 550, 90)


def test_without_its_file_nobody_is_unknown(make_server):
    server = make_server(FILES, start=False)
    (server.folder / 'users').write_text('joe@files.test:x\n')
    server.start()
    assert rcpt(server, 'joe@files.test') == 451
    assert rcpt(server, 'nobody@files.test') == 451
    (server.folder / 'aliases').write_text('')
    becomes(server, 'joe@files.test', 250, 90)
    assert rcpt(server, 'nobody@files.test') == 550


USERS = '''
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
  default_fields = uid={uid} gid={gid} home={folder}/home/%d/%n
}}
service auth {{
  unix_listener auth-nuncio {{
    user = {owner}
    mode = 0600
  }}
  unix_listener auth-nuncio-userdb {{
    user = {owner}
    mode = 0600
  }}
}}
'''
DOVECOT = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
accounts theirs {{ dovecot_auth {dovecot}/run/auth-nuncio; dovecot_userdb {dovecot}/run/auth-nuncio-userdb; alias_file {folder}/aliases }}
domain kept.test {{ accounts theirs }}
domain handed.test {{ accounts theirs; deliver route dovecot }}
route dovecot {{ lmtp unix:{dovecot}/lmtp.sock }}
'''
"""In this form {dovecot} stands for Dovecot's folder."""


@pytest.fixture
def dovecot(folder):
    home = folder / 'dovecot'
    mail = folder / 'theirs'
    mail.mkdir()
    os.chown(mail, 65534, 65534)
    home.mkdir()
    (home / 'users').write_text(''.join(
        f'{user}:{{SSHA256}}8zbeRJQxGhFw2bCPWs9cLh1JYV0DQhOJtQn7mXjD2TLbSgbk:::::\n'
        for user in ('joe@kept.test', 'joe@handed.test')))
    # Which user a locked-in role runs as; root's socket would be closed to it.
    users = USERS.replace('{owner}', 'nuncio-auth')
    with Dovecot(home, f'{mail}/%d/%n', 65534, 65534, users=users) as peer:
        os.chown(home / 'home', 65534, 65534)
        peer.mail = mail
        yield peer


@pytest.fixture
def beside_dovecot(dovecot, make_server):
    server = make_server(DOVECOT.replace('{dovecot}', str(dovecot.folder)), start=False)
    (server.folder / 'aliases').write_text('team@handed.test  joe@handed.test, joe@kept.test\n')
    server.start()
    return server


@needs_dovecot
def test_recipients_of_a_dovecot_are_known_and_unknown(beside_dovecot, dovecot):
    server = beside_dovecot
    assert rcpt(server, 'nobody@kept.test') == 550
    assert rcpt(server, 'nobody@handed.test') == 550
    server.send('a@else.test', ['joe@kept.test', 'joe+tag@handed.test', 'team@handed.test'],
                b'Subject: x\r\n\r\nhello\r\n')
    server.wait_for_mail('joe@kept.test')
    wait_until(lambda: len(list((dovecot.mail / 'handed.test/joe/new').glob('*'))) == 2)
    server.wait_for_empty_queue()


@needs_dovecot
def test_a_stopped_dovecot_makes_mail_wait_and_not_bounce(beside_dovecot, dovecot):
    server = beside_dovecot
    assert rcpt(server, 'nobody@kept.test') == 550
    dovecot.stop()
    assert rcpt(server, 'joe@kept.test') == 451
    assert rcpt(server, 'somebody@handed.test') == 451
    assert 'dovecot-away' in server.log()
    dovecot.run()
    becomes(server, 'joe@kept.test', 250)
    assert rcpt(server, 'somebody@handed.test') == 550
    assert 'dovecot-back' in server.log()
    server.send('a@else.test', ['joe@kept.test'], b'Subject: x\r\n\r\nhello\r\n')
    server.wait_for_mail('joe@kept.test')


@needs_dovecot
def test_mail_that_was_taken_waits_for_dovecot(beside_dovecot, dovecot):
    server = beside_dovecot
    assert rcpt(server, 'joe@handed.test') == 250
    dovecot.stop()
    server.send('a@else.test', ['joe@handed.test'], b'Subject: x\r\n\r\nhello\r\n')
    time.sleep(1)
    [queued] = server.queue_ids()
    dovecot.run()
    server.run('queue', 'retry', queued)
    wait_until(lambda: list((dovecot.mail / 'handed.test/joe/new').glob('*')), 60)


@needs_dovecot
def test_a_new_user_of_dovecot_is_known_after_ten_seconds(beside_dovecot, dovecot):
    server = beside_dovecot
    assert rcpt(server, 'new@kept.test') == 550
    users = dovecot.folder / 'users'
    users.write_text(users.read_text() + 'new@kept.test:{PLAIN}x:::::\n')
    becomes(server, 'new@kept.test', 250, 25)
