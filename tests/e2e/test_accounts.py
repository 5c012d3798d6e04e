"""check-config, account and alias: what they say, what they leave behind, and to whom it belongs."""
import json
import os
import smtplib
import time

import pytest

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ quota 1G }}
domain old.test {{ alias_of example.test }}
program archive {{ command /bin/true; user archive }}
'''
EX_USAGE, EX_DATAERR, EX_NOUSER, EX_CANTCREAT, EX_NOPERM, EX_CONFIG = 64, 65, 67, 73, 77, 78


@pytest.fixture
def idle(make_server):
    """A configuration whose server does not run."""
    return make_server(CONF, start=False)


def test_accounts_are_added_listed_changed_and_removed(idle):
    idle.account('Joe@Example.test', '--quota', '2G')
    idle.account('ann@example.test', '--messages', '10')
    ann, joe = idle.json('account', 'list')
    assert joe['address'] == 'joe@example.test' and joe['quota_bytes'] == 2 << 30
    assert joe['quota_from'] == 'account' and joe['enabled'] is True
    assert ann['quota_bytes'] == 1 << 30 and ann['quota_from'] == 'domain'
    assert ann['quota_messages'] == 10
    assert idle.json('account', 'quota', 'joe@example.test', '5M')[0]['quota_bytes'] == 5 << 20
    assert idle.json('account', 'quota', 'joe@example.test', 'default')[0]['quota_from'] == 'domain'
    said = idle.run('account', 'remove', 'joe@example.test').stdout.decode()
    assert str(idle.state / 'mail' / 'example.test' / 'joe') in said
    assert [account['address'] for account in idle.json('account', 'list')] == ['ann@example.test']


def test_aliases_are_added_listed_and_removed(idle):
    idle.run('alias', 'add', 'all@example.test', 'Joe@example.test', 'Far@Away.test',
             'program:archive')
    [alias] = idle.json('alias', 'list')
    assert alias == {'address': 'all@example.test',
                     'targets': ['joe@example.test', 'Far@Away.test', 'program:archive']}
    idle.run('alias', 'remove', 'all@example.test', 'Far@Away.test')
    assert len(idle.json('alias', 'list', 'all@example.test')[0]['targets']) == 2
    idle.run('alias', 'remove', 'all@example.test')
    assert idle.json('alias', 'list') == []


@pytest.mark.parametrize('command, code, words', [
    ('account add joe@example.test', EX_CANTCREAT, 'exists already'),
    ('account add joe@nowhere.test', EX_DATAERR, "put 'domain nowhere.test { deliver maildir }'"),
    ('account add joe@old.test', EX_DATAERR, 'use joe@example.test'),
    ('account add joe', EX_DATAERR, 'the domain is missing'),
    ('account add a/b@example.test', EX_DATAERR, 'cannot be an account'),
    ('account add new@example.test --quota lots', EX_USAGE, 'is not a size'),
    ('account remove nobody@example.test', EX_NOUSER, 'there is no account'),
    ('account quota nobody@example.test', EX_NOUSER, 'there is no account'),
    ('account', EX_USAGE, 'usage: nuncio account'),
    ('account add', EX_USAGE, 'usage: nuncio account'),
    ('account list --quota 1G', EX_USAGE, 'usage: nuncio account'),
    ('alias add a@example.test program:none', EX_DATAERR, 'there is no program none'),
    ('alias add a@example.test nonsense', EX_DATAERR, 'neither an address'),
    ('alias add a@nowhere.test joe@example.test', EX_DATAERR, 'not a domain of this server'),
    ('alias remove a@example.test', EX_NOUSER, 'there is no alias'),
])
def test_mistakes_are_told_with_their_exit_code(idle, command, code, words):
    idle.account('joe@example.test')
    done = idle.run(*command.split(), check=False)
    assert done.returncode == code
    assert words in done.stderr.decode()
    assert len(idle.json('account', 'list')) == 1


def test_what_left_the_configuration_can_still_be_removed(idle):
    idle.account('joe@example.test')
    idle.run('alias', 'add', 'all@example.test', 'program:archive', 'joe@example.test')
    idle.configure('domain other.test\n')
    idle.run('account', 'remove', 'joe@example.test')
    idle.run('alias', 'remove', 'all@example.test', 'program:archive')
    idle.run('alias', 'remove', 'all@example.test')


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can act for another user')
def test_nothing_in_the_folder_is_ever_roots(idle):
    accounts = idle.state / 'accounts'
    accounts.mkdir(parents=True)
    os.chown(accounts, 65534, 65534)
    accounts.chmod(0o700)
    idle.account('joe@example.test')
    assert {path.stat().st_uid for path in accounts.iterdir()} == {65534}
    assert (accounts / 'accounts.db').stat().st_mode & 0o777 == 0o600
    os.chown(accounts / 'accounts.db', 0, 0)
    assert idle.run('account', 'list', check=False).returncode == EX_CANTCREAT


def test_state_can_be_another_folder(idle, folder):
    other = folder / 'elsewhere'
    idle.run('account', 'add', 'joe@example.test', '--state', other)
    assert (other / 'accounts' / 'accounts.db').exists()
    assert not idle.state.exists()


def test_a_running_server_sees_changes(make_server):
    server = make_server(CONF)
    with smtplib.SMTP('127.0.0.1', server.port()) as client:
        client.ehlo()
        client.mail('a@else.test')
        assert client.rcpt('new@example.test')[0] == 550
        server.account('new@example.test')
        time.sleep(1.5)  # receive keeps an answer for a second, auth for a tenth of one
        assert client.rcpt('new@example.test')[0] == 250


def test_check_config_tells_what_it_means(idle):
    done = idle.run('check-config')
    text = done.stdout.decode()
    assert f'{idle.conf}: ok' in text
    assert 'example.test: ours, known recipients' in text
    assert 'old.test: the same as example.test' in text
    [facts] = idle.json('check-config')
    assert facts['ok'] and facts['problems'] == [] and facts['listeners'][0]['service'] == 'mx'


def test_check_config_tells_where_mail_goes(idle):
    idle.conf.write_text(idle.conf.read_text().replace('default_route none\n', '')
                         + 'route corp { host gw.corp.test:465; fallback world }\n'
                         + 'destination corp.test *.corp.test { route corp }\n'
                         + 'destination partner.test { tls verify; port 26 }\n'
                         + 'domain second.test { backup }\n')
    told = idle.run('check-config', 'a.corp.test', 'PARTNER.test', 'second.test', 'x.test',
                    'example.test').stdout.decode().splitlines()
    assert told[1].startswith('  mail from it: spf ignore (')
    told = [line for line in told if not line.startswith('  ')]
    assert told[:4] == [
        f'a.corp.test: foreign, destination *.corp.test, route corp (gw.corp.test:465, else route '
        f'world) ({idle.line("destination corp.test")})',
        f"PARTNER.test: foreign, destination partner.test, route partner.test (the domain's "
        f'servers, port 26, tls verify) ({idle.line("partner.test")})',
        f"second.test: backup for better servers, any recipient, route world (the domain's "
        f'servers) ({idle.line("second.test")})',
        "x.test: foreign, route world (the domain's servers)"]
    assert told[4].startswith('example.test: ours, known recipients')
    summary = idle.run('check-config').stdout.decode()
    assert "*.corp.test: foreign, route corp" in summary
    assert "all others: route world (the domain's servers)" in summary
    [facts] = idle.json('check-config', 'x.test')
    assert facts['destinations'][0] == {'pattern': 'corp.test', 'route': 'corp',
                                        'rule': idle.line('destination corp.test')}
    assert [route['name'] for route in facts['routes'] if route['mx']] == ['partner.test', 'world']
    [where] = facts['where']
    assert where['domain'] == 'x.test'
    assert where['handled'] == "foreign, route world (the domain's servers)"
    [one] = where['checks']['from']
    assert one['listener'] == 'mx' and one['checks']['spf']['action'] == 'ignore'


def test_check_config_tells_all_mistakes_at_once(idle):
    idle.conf.write_text('hostnam a.test\ninclude none.conf\ntrusted { ::/0 }\n')
    done = idle.run('check-config', check=False)
    assert done.returncode == EX_CONFIG and done.stdout == b''
    lines = done.stderr.decode().splitlines()
    assert f"{idle.conf}:1: unknown setting 'hostnam', did you mean 'hostname'?" in lines
    assert any(line.startswith(f'{idle.conf}:2: ') and 'No such file' in line for line in lines)
    assert any(line.startswith(f'{idle.conf}:3: ::/0 would make this an open relay')
               for line in lines)
    facts = json.loads(idle.run('check-config', '--json', check=False).stdout)
    assert facts['ok'] is False and len(facts['problems']) == len(lines)


@pytest.mark.parametrize('command', ['check-config', 'account', 'alias'])
def test_help_has_an_example(idle, command):
    done = idle.run(command, '--help')
    assert b'Example: nuncio ' + command.encode() in done.stdout
