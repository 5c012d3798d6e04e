"""nuncio account: passwords, second factors, grants, limits, freezes, blocks and tables."""
import base64
import hashlib
import hmac
import json
import os
import pty
import re
import sqlite3
import subprocess
import time

import peers
import pytest

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ quota 1G }}
'''
JOE = 'joe@example.test'
EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_NOUSER, EX_CANTCREAT, EX_NOPERM = 64, 65, 66, 67, 73, 77


@pytest.fixture
def idle(make_server):
    server = make_server(CONF, start=False)
    server.account(JOE)
    return server


def rows(server, table):
    with sqlite3.connect(server.state / 'accounts' / 'accounts.db') as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f'SELECT * FROM {table}')]


def passwords(server, account=JOE):
    [row] = [row for row in rows(server, 'passwords') if row['account'] == account]
    return row


def crypt3(form, password):
    """Does crypt(3), through another program, make the same of it?"""
    return subprocess.run(['perl', '-e', 'print crypt($ARGV[0], $ARGV[1])', password, form],
                          capture_output=True, text=True, check=True).stdout


def scram_of(form, password, digest='sha256'):
    iterations, salt, _, _ = form.split(',')
    salted = hashlib.pbkdf2_hmac(digest, password, base64.b64decode(salt), int(iterations))
    keys = [hmac.digest(salted, name, digest) for name in (b'Client Key', b'Server Key')]
    stored = hashlib.new(digest, keys[0]).digest()
    return ','.join([iterations, salt, *(base64.b64encode(key).decode()
                                         for key in (stored, keys[1]))])


def fails(server, command, code, words, input=None):
    done = server.run(*command, check=False, input=input)
    assert done.returncode == code, done.stderr.decode()
    assert words in done.stderr.decode()


def test_a_password_from_standard_input_is_kept_as_hashes(idle):
    idle.run('account', 'passwd', JOE, '--stdin', input=b'correct horse\r\nnot this\n')
    row = passwords(idle)
    assert row['password'].startswith('$y$')
    assert crypt3(row['password'], 'correct horse') == row['password']
    assert row['scram_sha_256'] == scram_of(row['scram_sha_256'], b'correct horse')
    assert row['scram_sha_1'] is None and row['cram_secret'] is None
    assert idle.json('account', 'list')[0]['password'] is True
    assert b'password' in idle.run('account', 'list').stdout


def test_sha_1_verifiers_are_made_only_where_the_configuration_wants_them(idle):
    idle.configure(CONF + 'auth {{ mechanisms PLAIN SCRAM-SHA-1 }}\n')
    idle.run('account', 'passwd', JOE, '--stdin', input=b'correct horse\n')
    form = passwords(idle)['scram_sha_1']
    assert form == scram_of(form, b'correct horse', 'sha1')


def test_an_account_can_begin_with_a_password(idle):
    idle.run('account', 'add', 'ann@example.test', '--password-stdin', input=b'correct horse\n')
    assert passwords(idle, 'ann@example.test')['password'].startswith('$y$')
    account, shown = idle.json('account', 'add', 'bob@example.test', '--generate')
    assert re.fullmatch('([a-z2-9]{4}-){3}[a-z2-9]{4}', shown['generated'])
    form = passwords(idle, 'bob@example.test')['password']
    assert crypt3(form, shown['generated']) == form and account['password'] is True
    form = '{SSHA}8b5e1iQWxMwVPFD5nu/vkTnp7SuXtf7x'
    idle.run('account', 'add', 'eve@example.test', '--hash', form)
    assert passwords(idle, 'eve@example.test')['password'] == form
    idle.run('account', 'passwd', 'eve@example.test', '--none')
    assert not [row for row in rows(idle, 'passwords') if row['account'] == 'eve@example.test']


def test_a_weak_password_leaves_no_account_behind(idle):
    fails(idle, ['account', 'add', 'ann@example.test', '--password-stdin'], EX_DATAERR,
          'less than 8 characters', b'short\n')
    assert [account['address'] for account in idle.json('account', 'list')] == [JOE]


@pytest.mark.parametrize('password, words', [
    (b'\n', 'an empty password'), (b'', 'an empty password'), (b'1234567\n', 'less than 8'),
    ('üüüü\n'.encode(), 'less than 8'), (b'JOE@example.test\n', "the account's name"),
    (b'Password1\n', 'everybody tries'), (b'xxxxxxxxxx\n', 'everybody tries'),
    (b'x' * 2000, 'longer than 1024'), (b'x\x07y12345678\n', 'RFC 4013'),
])
def test_bad_passwords_are_refused(idle, password, words):
    fails(idle, ['account', 'passwd', JOE, '--stdin'], EX_DATAERR, words, password)
    assert rows(idle, 'passwords') == []


def test_force_takes_a_weak_one(idle):
    idle.run('account', 'passwd', JOE, '--stdin', '--force', input=b'joe\n')
    assert passwords(idle)['password']


def type_into(server, command, *lines):
    """The command on a terminal; types each line when a prompt is there. Its output."""
    master, slave = pty.openpty()
    process = subprocess.Popen([server.binary, *command], env=server.environment, stdin=slave,
                               stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    said = b''
    typed = 0
    while True:
        try:
            said += os.read(master, 4096)
        except OSError:
            break
        if said.count(b': ') > typed and typed < len(lines):
            time.sleep(0.05)  # echo goes off right behind the prompt
            os.write(master, lines[typed] + b'\n')
            typed += 1
    os.close(master)
    return process.wait(30), said


def test_on_a_terminal_it_asks_twice_without_echo(idle):
    code, said = type_into(idle, ['account', 'passwd', JOE], b'correct horse', b'correct horse')
    assert code == 0 and b'correct horse' not in said and b'Once more: ' in said
    form = passwords(idle)['password']
    assert crypt3(form, 'correct horse') == form
    code, said = type_into(idle, ['account', 'passwd', JOE], b'correct horse', b'battery staple')
    assert code == EX_DATAERR and b'two different passwords' in said
    assert passwords(idle)['password'] == form


def test_an_empty_line_makes_an_account_without_a_password(idle):
    code, said = type_into(idle, ['account', 'add', 'ann@example.test'], b'')
    assert code == 0 and b'no password' in said and rows(idle, 'passwords') == []
    code, said = type_into(idle, ['account', 'passwd', 'ann@example.test'], b'')
    assert code == EX_DATAERR and b'an empty password is none' in said


def test_cram_needs_the_password_and_follows_its_changes(idle):
    fails(idle, ['account', 'cram', JOE, 'on', '--stdin'], EX_NOPERM, 'not the password', b'x\n')
    idle.run('account', 'passwd', JOE, '--stdin', input=b'correct horse\n')
    fails(idle, ['account', 'cram', JOE, 'on', '--stdin'], EX_NOPERM, 'not the password', b'x\n')
    done = idle.run('account', 'cram', JOE, 'on', '--stdin', input=b'correct horse\n')
    assert b'as good as the password' in done.stderr
    assert passwords(idle)['cram_secret'] == 'correct horse'
    idle.run('account', 'passwd', JOE, '--stdin', input=b'battery staple\n')
    assert passwords(idle)['cram_secret'] == 'battery staple'
    generated = idle.json('account', 'passwd', JOE, '--generate')[0]['generated']
    assert passwords(idle)['cram_secret'] == generated
    idle.run('account', 'cram', JOE, 'off')
    assert passwords(idle)['cram_secret'] is None and passwords(idle)['password']


def test_app_passwords_are_shown_once_and_taken_away_by_name(idle):
    [made] = idle.json('account', 'app-password', JOE, 'add', 'phone', '--network', '192.0.2.0/24',
                       '--network', '2001:db8::1')
    [row] = rows(idle, 'app_passwords')
    stored = base64.b64decode(row['password'].removeprefix('{SSHA512}'), validate=True)
    assert hashlib.sha512(made['password'].encode() + stored[64:]).digest() == stored[:64]
    assert row['networks'].split() == ['192.0.2.0/24', '2001:db8::1/128']
    listed = idle.run('account', 'app-password', JOE, 'list').stdout.decode()
    assert made['password'] not in listed and 'phone' in listed and 'used never' in listed
    fails(idle, ['account', 'app-password', JOE, 'add', 'phone'], EX_CANTCREAT, 'already')
    assert idle.json('account', 'list')[0]['app_passwords'] == 1
    idle.run('account', 'app-password', JOE, 'remove', 'phone')
    assert idle.json('account', 'app-password', JOE, 'list') == []
    fails(idle, ['account', 'app-password', JOE, 'remove', 'phone'], EX_NOUSER, 'no app password')


def test_app_passwords_have_a_bound(idle):
    with sqlite3.connect(idle.state / 'accounts' / 'accounts.db') as db:
        db.executemany("INSERT INTO app_passwords VALUES (?, ?, '{PLAIN}x', '', 0, NULL, NULL)",
                       [(JOE, f'app{i}') for i in range(100)])
    fails(idle, ['account', 'app-password', JOE, 'add', 'phone'], EX_CANTCREAT, 'may have 100')


def test_totp_prints_what_an_app_needs(idle):
    [shown] = idle.json('account', 'totp', JOE, 'on')
    assert shown['uri'].startswith('otpauth://totp/mx.nuncio.test:joe%40example.test?secret=')
    assert shown['key'] in shown['uri'] and 'issuer=mx.nuncio.test' in shown['uri']
    [row] = rows(idle, 'factors')
    assert base64.b32decode(shown['key']) == row['totp_key'] and len(row['totp_key']) == 20
    assert idle.json('account', 'totp', JOE, 'show')[0]['key'] == shown['key']
    fails(idle, ['account', 'totp', JOE, 'on'], EX_CANTCREAT, 'has a key already')
    idle.run('account', 'second-factor', JOE, 'required')
    state = idle.json('account', 'list')[0]
    assert state['totp'] is True and state['second_factor_required'] is True
    idle.run('account', 'totp', JOE, 'off')
    assert rows(idle, 'factors')[0]['totp_key'] is None
    idle.run('account', 'second-factor', JOE, 'optional')
    assert rows(idle, 'factors') == []
    fails(idle, ['account', 'totp', JOE, 'show'], EX_NOUSER, 'has no key')


def test_who_would_lock_himself_out_is_warned(idle):
    done = idle.run('account', 'second-factor', JOE, 'required')
    assert b'it cannot log in now' in done.stderr
    idle.run('account', 'app-password', JOE, 'add', 'phone')
    assert idle.run('account', 'second-factor', JOE, 'required').stderr == b''


def test_certificates_are_known_by_their_fingerprint(idle, folder):
    pem = folder / 'joe.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=joe', '-keyout',
                    folder / 'key.pem', '-out', pem], check=True, capture_output=True)
    pem.chmod(0o600)  # of root, whom the command no longer is when it looks at it
    fingerprint = subprocess.run(['openssl', 'x509', '-in', pem, '-noout', '-fingerprint',
                                  '-sha256'], capture_output=True, text=True,
                                 check=True).stdout.strip().split('=')[1]
    [added] = idle.json('account', 'certificate', JOE, 'add', pem)
    assert added['fingerprint'] == fingerprint.replace(':', '').lower()
    idle.account('ann@example.test')
    fails(idle, ['account', 'certificate', 'ann@example.test', 'add', fingerprint], EX_CANTCREAT,
          "joe@example.test's already")
    fails(idle, ['account', 'certificate', 'ann@example.test', 'remove', fingerprint], EX_NOUSER,
          'has no such')
    assert len(idle.json('account', 'certificate', JOE, 'list')) == 1
    idle.run('account', 'certificate', JOE, 'remove', fingerprint)
    assert idle.json('account', 'certificate', JOE, 'list') == []
    fails(idle, ['account', 'certificate', JOE, 'add', folder / 'none.pem'], EX_NOINPUT,
          'No such file')
    fails(idle, ['account', 'certificate', JOE, 'add', idle.conf], EX_DATAERR, 'BEGIN CERTIFICATE')


def test_grants_are_addresses_or_domains(idle):
    idle.run('account', 'grant', JOE, 'add', 'Sales@Example.test')
    idle.run('account', 'grant', JOE, 'add', '@Bücher.test')
    assert [grant['sender'] for grant in idle.json('account', 'grant', JOE, 'list')] == [
        '@xn--bcher-kva.test', 'sales@example.test']
    fails(idle, ['account', 'grant', JOE, 'add', 'sales@example.test'], EX_CANTCREAT, 'already')
    idle.run('account', 'grant', JOE, 'remove', '@bücher.test')
    fails(idle, ['account', 'grant', JOE, 'remove', '@bücher.test'], EX_NOUSER, 'was not granted')
    fails(idle, ['account', 'grant', JOE, 'add', '@'], EX_DATAERR, 'is not a domain')


def test_limits_are_the_configurations_until_set(idle):
    [limits] = idle.json('account', 'limit', JOE)
    assert limits['messages_per_hour'] == {'limit': 500, 'own': False}
    [limits] = idle.json('account', 'limit', JOE, '--hour', '5000', '--size', '10M', '--bounces',
                         '0')
    assert limits['messages_per_hour'] == {'limit': 5000, 'own': True}
    assert limits['message_size'] == {'limit': 10 << 20, 'own': True}
    text = idle.run('account', 'limit', JOE).stdout.decode()
    assert re.search('bounces an hour +no limit$', text, re.M)
    assert re.search(r"messages a minute +100 \(the configuration's\)$", text, re.M)
    [limits] = idle.json('account', 'limit', JOE, '--hour', 'default')
    assert limits['messages_per_hour'] == {'limit': 500, 'own': False}
    fails(idle, ['account', 'limit', JOE, '--hour', 'many', '--minute', '3'], EX_USAGE,
          'is not a number')
    assert idle.json('account', 'limit', JOE)[0]['messages_per_minute']['own'] is False


def test_freezing_and_thawing(idle):
    idle.run('account', 'freeze', JOE, 'password was stolen')
    assert rows(idle, 'freezes')[0]['why'] == 'password was stolen'
    assert idle.json('account', 'list')[0]['frozen'] is True
    fails(idle, ['account', 'freeze', JOE], EX_CANTCREAT, 'password was stolen')
    assert b'queue release --sender joe@' in idle.run('account', 'thaw', JOE).stdout
    fails(idle, ['account', 'thaw', JOE], EX_NOUSER, 'is not frozen')
    assert rows(idle, 'freezes') == []


def test_blocks_are_listed_and_lifted(idle):
    later, now = int(time.time() * 1000) + 600000, int(time.time() * 1000)
    with sqlite3.connect(idle.state / 'accounts' / 'accounts.db') as db:
        db.executemany('INSERT INTO blocks VALUES (?, ?, 7, ?, ?)', [
            ('address', '192.0.2.1', now, later), ('address', '2001:db8:1:2::/64', now, later),
            ('account', JOE, now, later), ('address', '192.0.2.9', 1, 2)])
    assert [block['subject'] for block in idle.json('account', 'blocked')] == [
        JOE, '192.0.2.1', '2001:db8:1:2::/64']
    assert '192.0.2.1  7 failures' in idle.run('account', 'blocked').stdout.decode()
    idle.run('account', 'blocked', '--lift', '2001:db8:1:2:3::4')
    idle.run('account', 'blocked', '--lift', 'Joe@example.test')
    fails(idle, ['account', 'blocked', '--lift', JOE], EX_NOUSER, 'is not blocked')
    assert [block['subject'] for block in idle.json('account', 'blocked')] == ['192.0.2.1']
    idle.run('account', 'blocked', '--lift-all')
    assert rows(idle, 'blocks') == []


def test_a_table_of_another_server_is_taken_whole(idle, folder):
    table = folder / 'users'
    table.write_text('# made by hand\n\n'
                     'ann:{SSHA}8b5e1iQWxMwVPFD5nu/vkTnp7SuXtf7x:1000:1000::/home/ann::x=y\n'
                     'Bob@Example.test:$6$abcdefgh$'
                     'KW3jG25xykRkJCHDPNueAv1FqtcZAyCmPuEz6GI6pJRVDc4UMq/2qG3axWUBKfvutXwJXbn7'
                     '/a6IwOVyqEidh/\n'
                     'eve:{PLAIN}correct horse\n')
    table.chmod(0o600)
    assert idle.json('account', 'import', table, '--domain', 'example.test') == [{'imported': 3}]
    assert passwords(idle, 'ann@example.test')['password'].startswith('{SSHA}')
    row = passwords(idle, 'eve@example.test')
    assert crypt3(row['password'], 'correct horse') == row['password'] and row['scram_sha_256']
    assert passwords(idle, 'bob@example.test')['password'].startswith('$6$')


def test_a_table_with_mistakes_changes_nothing(idle, folder):
    table = folder / 'users'
    table.write_text('new@example.test:{PLAIN}correct horse\n'
                     'joe:x\n'
                     'root@example.test:*:19000:0\n'
                     'nobody\n'
                     'far@away.test:{PLAIN}correct horse\n'
                     'joe@example.test:{PLAIN}correct horse\n'
                     'a/b@example.test:{PLAIN}correct horse\n'
                     'new@example.test:{PLAIN}correct horse\n')
    done = idle.run('account', 'import', table, check=False)
    said = done.stderr.decode()
    assert done.returncode == EX_DATAERR
    for line, words in [(2, 'has no domain'), (3, 'cannot be verified'), (4, "no ':'"),
                        (5, 'is not a domain'), (6, 'exists already'), (7, 'cannot be an account'),
                        (8, 'exists already')]:
        assert re.search(f'^{table}:{line}: .*{words}', said, re.M), said
    assert [account['address'] for account in idle.json('account', 'list')] == [JOE]
    assert rows(idle, 'passwords') == []
    fails(idle, ['account', 'import', folder / 'none'], EX_NOINPUT, 'No such file')


def test_an_export_has_what_may_log_in_by_password_alone(idle):
    for user in 'ann', 'bob', 'eve':
        idle.run('account', 'add', f'{user}@example.test', '--stdin', input=b'correct horse\n')
    idle.run('account', 'disable', 'bob@example.test')
    idle.run('account', 'second-factor', 'eve@example.test', 'required')
    done = idle.run('account', 'export')
    form = passwords(idle, 'ann@example.test')['password']
    assert done.stdout.decode() == f'ann@example.test:{{CRYPT}}{form}\n'
    said = done.stderr.decode()
    assert 'joe@example.test is left out: it has no password' in said
    assert 'bob@example.test is left out: it is disabled' in said
    assert 'eve@example.test is left out: its password alone is not enough' in said
    assert idle.run('account', 'export', 'other.test').stdout == b''


def test_an_account_is_disabled_and_enabled(idle):
    idle.run('account', 'disable', JOE)
    assert idle.json('account', 'list')[0]['enabled'] is False
    assert b'disabled' in idle.run('account', 'list').stdout
    assert idle.json('account', 'enable', JOE)[0]['enabled'] is True


def test_nothing_of_a_removed_account_is_left_for_the_next_of_its_name(idle):
    idle.run('account', 'passwd', JOE, '--generate')
    idle.run('account', 'app-password', JOE, 'add', 'phone')
    idle.run('account', 'grant', JOE, 'add', '@example.test')
    idle.run('account', 'remove', JOE)
    idle.account(JOE)
    state = idle.json('account', 'list')[0]
    assert state['password'] is False and state['app_passwords'] == 0
    assert rows(idle, 'grants') == []


@pytest.mark.parametrize('command, code, words', [
    ('passwd nobody@example.test --generate', EX_NOUSER, 'there is no account'),
    ('totp nobody@example.test on', EX_NOUSER, 'there is no account'),
    ('limit nobody@example.test', EX_NOUSER, 'there is no account'),
    ('freeze nobody@example.test', EX_NOUSER, 'there is no account'),
    (f'passwd {JOE} --generate --none', EX_USAGE, 'only one of'),
    (f'passwd {JOE} --hash nonsense', EX_DATAERR, 'no form of a password'),
    (f'passwd {JOE} --hash {{PLAIN}}secret', EX_DATAERR, 'is the password itself'),
    (f'passwd {JOE} --quota 1G', EX_USAGE, 'usage: nuncio account passwd'),
    (f'app-password {JOE} add a/b', EX_DATAERR, 'is no name'),
    (f'app-password {JOE} add phone --network x', EX_USAGE, "'x'"),
    (f'app-password {JOE} add', EX_USAGE, 'say add NAME'),
    (f'totp {JOE} maybe', EX_USAGE, 'none of on, off and show'),
    (f'second-factor {JOE} maybe', EX_USAGE, 'neither required nor optional'),
    (f'cram {JOE} maybe', EX_USAGE, 'neither on nor off'),
    (f'certificate {JOE} remove 12', EX_DATAERR, '64 hexadecimal digits'),
    (f'grant {JOE} take x', EX_USAGE, 'say add SENDER'),
    ('frobnicate', EX_USAGE, 'usage: nuncio account ACTION'),
])
def test_mistakes_are_told_with_their_exit_code(idle, command, code, words):
    fails(idle, ['account', *command.split()], code, words, b'')


def test_without_a_terminal_a_password_must_be_given(idle):
    fails(idle, ['account', 'passwd', JOE], EX_USAGE, '--stdin', b'')


def test_every_action_explains_itself_with_an_example(idle):
    listed = re.findall('^  ([a-z, -]+?) +(?:[A-Z]| )', idle.run('account', '--help').stdout.decode(),
                        re.M)
    actions = [name.strip(' ,') for entry in listed for name in entry.split(',')
               if not entry.startswith('-')]
    assert {'add', 'totp', 'thaw', 'enable', 'import', 'blocked'} <= set(actions)
    for action in actions:
        done = idle.run('account', action, '--help')
        assert b'Example: nuncio account ' in done.stdout, action


def test_domains_kept_elsewhere_have_their_limits_here_and_their_passwords_there(idle, folder):
    (folder / 'users').write_text('max@far.test:{PLAIN}x\n')
    idle.configure(CONF + f'accounts other {{{{ passwd_file {folder}/users }}}}\n'
                          'domain far.test {{ accounts other }}\n')
    idle.run('account', 'limit', 'max@far.test', '--hour', '7')
    idle.run('account', 'app-password', 'max@far.test', 'add', 'phone')
    fails(idle, ['account', 'passwd', 'max@far.test', '--generate'], EX_DATAERR, "'accounts other'")
    fails(idle, ['account', 'add', 'new@far.test'], EX_USAGE,
          f"'accounts other' of {idle.conf}; put it into {folder}/users")
    fails(idle, ['alias', 'add', 'all@far.test', 'max@far.test'], EX_USAGE,
          'give the section an alias_file')


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can act for another user')
def test_the_store_is_always_the_auth_users(idle, folder):
    import pwd
    (folder / 'users').write_text('ann@example.test:{PLAIN}correct horse\n')
    (folder / 'users').chmod(0o600)
    idle.run('account', 'import', folder / 'users')
    auth = pwd.getpwnam('nuncio-auth').pw_uid
    assert {path.stat().st_uid for path in (idle.state / 'accounts').iterdir()} == {auth}
