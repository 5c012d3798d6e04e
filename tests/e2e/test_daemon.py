"""The server as a whole: starting, stopping, its roles and what locks them in."""
import os
import pathlib
import pwd
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

from peers import free_port, wait_until
from server import RELEASE

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
'''
ROLES = {'receive', 'auth', 'queue', 'relay', 'local', 'history', 'keys'}
needs_root = pytest.mark.skipif(os.getuid() != 0, reason='needs root')


def roles(server):
    return {role['role']: role for role in server.status()['roles']}


def serve(server):
    """The outcome of a start that must fail."""
    return subprocess.run([server.binary, 'serve', '-c', server.conf], capture_output=True,
                          text=True, timeout=30, env=server.environment)


def processes_of(pid):
    done = subprocess.run(['pgrep', '-P', str(pid)], capture_output=True, text=True)
    return [int(line) for line in done.stdout.split()]


def is_alive(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def test_status_shows_every_role_ready(make_server):
    server = make_server(CONF)
    status = server.status()
    assert {role['role'] for role in status['roles']} == ROLES
    assert all(role['state'] == 'ready' and role['restarts'] == 0 for role in status['roles'])
    assert status['pid'] == server.process.pid and status['state'] == str(server.state)
    text = server.run('status').stdout.decode()
    assert all(f'{role} ' in text for role in ROLES)


def test_stop_ends_every_process_and_frees_the_port(make_server):
    server = make_server(CONF)
    family = [server.process.pid, *processes_of(server.process.pid)]
    assert len(family) == 1 + len(ROLES)
    server.run('stop')
    assert server.process.wait(5) == 0
    assert not any(is_alive(pid) for pid in family[1:])
    assert not (server.state / 'run/control.sock').exists()
    server.process = None
    server.start()
    assert server.status()['roles']


def test_stop_sent_to_every_process_at_once_is_orderly_all_the_same(make_server):
    server = make_server(CONF)
    for pid in [*processes_of(server.process.pid), server.process.pid]:
        os.kill(pid, signal.SIGTERM)
    server.process.wait(20)
    server.stop()
    assert 'role-died' not in server.log()


def test_commands_without_a_server_say_so(make_server):
    server = make_server(CONF, start=False)
    for command in 'status', 'reload', 'stop':
        done = server.run(command, check=False)
        assert done.returncode == 69 and b'nuncio' in done.stderr


def test_second_server_on_the_same_state_is_refused_by_pid(make_server):
    server = make_server(CONF)
    done = serve(server)
    assert done.returncode == 75
    assert f'process {server.process.pid}' in done.stderr and str(server.state) in done.stderr
    assert server.status()['roles']  # the first one is well


def test_taken_port_is_told_with_its_holder_and_line(make_server):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        server = make_server(CONF, start=False)
        server.ports['mx'] = taken.getsockname()[1]
        server.configure(CONF)
        done = serve(server)
    assert done.returncode == 69
    assert f'127.0.0.1:{server.port()} (listener \'mx\') is taken by' in done.stderr
    assert f'process {os.getpid()}' in done.stderr
    assert server.line('listen mx') + ': ' in done.stderr


def test_all_mistakes_of_a_configuration_are_told_at_once(make_server):
    server = make_server('hostnmae x\ndomain a.test {{ deliver mailbox }}\n', start=False)
    done = serve(server)
    assert done.returncode == 78
    for mistake in 'hostnmae', 'mailbox':
        assert server.line(mistake) + ': ' in done.stderr


def test_a_parent_that_is_killed_takes_its_roles_along(make_server):
    server = make_server(CONF)
    family = processes_of(server.process.pid)
    assert len(family) == len(ROLES)
    server.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in family), 5, 'the end of all roles')
    server.start()  # nothing that the dead left is in the way
    assert server.status()['roles']


@pytest.mark.parametrize('role', sorted(ROLES))
def test_a_killed_role_comes_back_and_the_others_go_on(make_server, role):
    server = make_server(CONF)
    server.may_die = True
    before = roles(server)
    os.kill(before[role]['pid'], signal.SIGKILL)

    def is_back():
        done = server.run('status', check=False)
        return done.returncode == 0 and roles(server)[role]['pid'] != before[role]['pid']
    wait_until(is_back, 10, f'a new {role}')
    after = roles(server)
    assert after[role]['restarts'] == 1
    assert all(after[name]['pid'] == before[name]['pid'] for name in ROLES - {role})
    server.account('joe@example.test')
    assert not server.send('a@b.test', ['joe@example.test'], b'Subject: x\r\n\r\nhello\r\n')
    server.wait_for_mail('joe@example.test')


def test_reload_takes_a_new_domain_without_dropping_a_session(make_server):
    server = make_server(CONF)
    pids = {name: role['pid'] for name, role in roles(server).items()}
    with socket.create_connection(('127.0.0.1', server.port())) as client:
        client.settimeout(10)
        assert client.recv(1000).startswith(b'220')
        server.configure(CONF + 'domain new.test {{ deliver maildir }}\n')
        server.run('reload')
        server.account('joe@new.test')
        client.sendall(b'QUIT\r\n')
        assert client.recv(1000).startswith(b'221')
    assert not server.send('a@b.test', ['joe@new.test'], b'Subject: x\r\n\r\nhello\r\n')
    server.wait_for_mail('joe@new.test')
    assert {name: role['pid'] for name, role in roles(server).items()} == pids


def test_reload_by_signal(make_server):
    server = make_server(CONF)
    server.configure(CONF + 'domain new.test {{ deliver maildir }}\n')
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: 'reloaded' in server.log(), 10, 'the reload')
    server.account('joe@new.test')
    wait_until(lambda: not refused(server, 'joe@new.test'), 10, 'the new domain')


def refused(server, recipient):
    done = server.run('send', '--quiet', '--to', recipient, f'127.0.0.1:{server.port()}',
                      check=False)
    return done.returncode != 0


def test_broken_reload_keeps_the_old_configuration_and_tells_all(make_server):
    server = make_server(CONF)
    server.account('joe@example.test')
    server.configure(CONF + 'hostnmae x\nquota y\n')
    done = server.run('reload', check=False)
    assert done.returncode == 78
    for mistake in 'hostnmae', 'quota':
        assert server.line(mistake) + ': ' in done.stderr.decode()
    assert not refused(server, 'joe@example.test')


def test_reload_says_what_needs_a_restart_and_a_role_that_dies_keeps_its_port(make_server):
    server = make_server(CONF)
    server.may_die = True
    server.account('joe@example.test')
    old = server.port()
    server.ports['mx'] = free_port()
    server.configure(CONF)
    assert b'needs a restart' in server.run('reload').stderr
    server.ports['mx'] = old
    os.kill(server.role_pid('receive'), signal.SIGKILL)
    wait_until(lambda: server.run('status', check=False).returncode == 0
               and roles(server)['receive']['restarts'] == 1, 10, 'a new receive')
    assert not refused(server, 'joe@example.test')


def protections(server, role):
    return {p['name']: p['state'] for p in roles(server)[role]['protections']}


@pytest.mark.parametrize('release', [False, True], ids=['sanitized', 'release'])
def test_roles_are_refused_what_they_must_not_do(make_server, release):
    server = make_server(CONF, release=release)
    shut = {'receive': ['exec', 'tcp', 'open-accounts', 'open-spool/queue', 'open-mail',
                        'open-tls'],
            'auth': ['exec', 'tcp', 'open-spool/receive', 'open-spool/queue', 'open-mail'],
            'queue': ['exec', 'tcp', 'open-accounts', 'open-mail'],
            'relay': ['exec', 'open-accounts', 'open-spool/receive', 'open-spool/queue',
                      'open-mail'],
            'local': ['exec', 'tcp', 'open-accounts', 'open-spool/receive', 'open-spool/queue']}
    for role, names in shut.items():
        found = protections(server, role)
        assert {name: found.get(name) for name in names} == dict.fromkeys(names, 'holds'), role
        if release:
            assert found['seccomp'] == found['exec-call'] == 'holds', role
            assert role in ('receive', 'relay') or found['socket'] == 'holds'
        else:
            assert found['seccomp'] == 'off'


@pytest.mark.parametrize('release', [False, True], ids=['sanitized', 'release'])
def test_auth_reaches_the_back_ends_of_its_configuration_alone(make_server, release):
    server = make_server(CONF + """
        accounts d {{ dovecot_auth {folder}/auth; dovecot_userdb {folder}/userdb }}
        domain dovecot.test {{ accounts d }}
    """, release=release)
    found = protections(server, 'auth')
    assert found['tcp'] == 'holds'
    if release:  # no socket but a unix one
        assert found['seccomp'] == found['socket'] == 'holds'
    server.conf.write_text(server.conf.read_text() + 'auth { oauth { introspection '
                           'https://127.0.0.1:8443/introspect } }\n')
    assert b'oauth: auth may not connect to port 8443 yet: needs a restart' in \
        server.run('reload', check=False).stdout + server.run('reload', check=False).stderr
    server.stop()
    server.start()
    found = protections(server, 'auth')
    assert found['tcp'] == 'holds'  # the probe is for another port
    assert 'socket' not in found


def field(pid, name):
    for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith(name + ':'):
            return line.split(':', 1)[1].split()
    raise LookupError(name)


@needs_root
def test_started_by_root_each_role_is_a_user_of_its_own_without_rights(make_server):
    server = make_server(CONF, release=True)
    for name, role in roles(server).items():
        pid = role['pid']
        uid = pwd.getpwnam(f'nuncio-{name}').pw_uid
        assert field(pid, 'Uid') == [str(uid)] * 4
        assert all(int(value, 16) == 0 for value in field(pid, 'CapEff') + field(pid, 'CapPrm'))
        assert field(pid, 'NoNewPrivs') == ['1'] and field(pid, 'Seccomp') == ['2']
        assert os.stat(f'/proc/{pid}/mem').st_uid == 0  # not dumpable
    owners = {path: pwd.getpwuid(os.stat(server.state / path).st_uid).pw_name
              for path in ('accounts', 'mail', 'spool/receive', 'spool/queue', 'maildrop')}
    assert owners == {'accounts': 'nuncio-auth', 'mail': 'nuncio-local',
                      'spool/receive': 'nuncio-receive', 'spool/queue': 'nuncio-queue',
                      'maildrop': 'nuncio-receive'}
    assert stat.S_IMODE(os.stat(server.state / 'maildrop').st_mode) == 0o3733


@needs_root
def test_started_by_an_ordinary_user_all_is_his_and_the_fences_hold(make_server, folder):
    nobody = pwd.getpwnam('nobody')
    home = folder / 'home'
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    os.chmod(folder, 0o755)
    server = make_server(CONF, release=True, start=False, user=nobody.pw_uid)
    os.chown(server.folder, nobody.pw_uid, nobody.pw_gid)
    server.start()
    server.account('joe@example.test')
    assert not server.send('a@b.test', ['joe@example.test'], b'Subject: x\r\n\r\nhello\r\n')
    server.wait_for_mail('joe@example.test')
    for name, role in roles(server).items():
        assert field(role['pid'], 'Uid') == [str(nobody.pw_uid)] * 4
        found = protections(server, name)
        assert found['landlock'] == found['seccomp'] == found['exec'] == 'holds'


@needs_root
def test_a_path_that_a_role_cannot_reach_is_told_at_start(make_server):
    server = make_server(CONF, start=False)
    shut = server.folder / 'shut'
    shut.mkdir(mode=0o700)
    server.state = shut / 'state'
    server.configure(CONF)
    done = serve(server)
    assert done.returncode == 77
    assert f'{server.state}/accounts cannot be used' in done.stderr
    assert f'{shut} is shut to it' in done.stderr


@needs_root
def test_started_by_root_without_the_users_it_says_how_to_make_them(make_server, folder):
    (folder / 'passwd').write_text('root:x:0:0:root:/root:/bin/sh\n')
    server = make_server(CONF, start=False)
    done = subprocess.run(['unshare', '-m', 'sh', '-ec',
                           f'mount --bind {folder}/passwd /etc/passwd\n'
                           f'exec {server.binary} serve -c {server.conf}'],
                          capture_output=True, text=True, timeout=30, env=server.environment)
    assert done.returncode == 67
    assert "no user 'nuncio-receive'" in done.stderr and 'systemd-sysusers' in done.stderr


def test_trial_serves_at_once_and_finds_its_state_again(folder):
    binary = RELEASE / 'nuncio'
    if is_listening(2525):
        pytest.skip('port 2525 is taken on this machine')
    environment = {**os.environ, 'NUNCIO_CONFIG': ''}
    password = None
    for round_ in 1, 2:
        process = subprocess.Popen([binary, 'serve', '--try'], cwd=folder, env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            text = ''.join(read_banner(process))
            [with_login] = re.findall(r'^  printf .*\n.*curl .*\n.*$', text, re.M)
            [shown] = re.findall(r"localhost\.test:([^']+)'", with_login)
            assert text.count(shown) == 1 if round_ == 1 else shown == 'PASSWORD'
            password = password or shown
            [as_stranger] = re.findall(r'^  .* send --from .*$', text, re.M)
            for command in with_login.replace(shown, password), as_stranger:
                subprocess.run(command, shell=True, check=True, cwd=folder, timeout=30,
                               stdout=subprocess.DEVNULL)
            new = folder / 'var/mail/localhost.test/me/new'
            wait_until(lambda: new.is_dir() and len(list(new.iterdir())) == 2 * round_, 10,
                       'the mail')
            # What a stranger sends from here has no SPF in anybody's name.
            assert not any(b'Authentication-Results' in mail.read_bytes() for mail in new.iterdir())
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0
        process.stdout.close()


def is_listening(port):
    with socket.socket() as client:
        return client.connect_ex(('127.0.0.1', port)) == 0


def read_banner(process):
    lines = []
    while not any('queue list' in line for line in lines):
        line = process.stdout.readline()
        assert line, ''.join(lines)
        lines.append(line)
    return lines


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(make_server, folder):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(folder / 'notify'))
        notify.settimeout(20)
        server = make_server(CONF, start=False)
        os.environ['NOTIFY_SOCKET'] = str(folder / 'notify')
        try:
            server.start()
        finally:
            del os.environ['NOTIFY_SOCKET']
        assert notify.recv(1000).startswith(b'READY=1')
        server.run('stop')
        assert notify.recv(1000).startswith(b'STOPPING=1')
        assert server.process.wait(5) == 0
        server.process = None


def test_install_puts_everything_in_its_place(folder):
    if not (RELEASE / 'nuncio').exists():
        pytest.skip('no release build')
    to = folder / 'root'
    subprocess.run(['meson', 'install', '-C', RELEASE, '--no-rebuild', '--quiet'], check=True,
                   env={**os.environ, 'DESTDIR': str(to)})
    for path in ('usr/bin/nuncio', 'usr/lib/systemd/system/nuncio.service',
                 'usr/lib/sysusers.d/nuncio.conf', 'usr/lib/tmpfiles.d/nuncio.conf',
                 'usr/share/man/man1/nuncio.1', 'etc/nuncio/nuncio.conf'):
        assert (to / path).is_file(), path
    for path in 'usr/sbin/sendmail', 'usr/bin/mailq':
        assert os.readlink(to / path).endswith('nuncio'), path
    for name in 'usr/sbin/sendmail', 'usr/bin/mailq':
        done = subprocess.run([to / name, '--help'], capture_output=True, text=True, timeout=10)
        assert done.stdout.startswith(f'usage: {pathlib.Path(name).name}'), name
    # A second installation leaves the administrator's configuration alone.
    (to / 'etc/nuncio/nuncio.conf').write_text('mine\n')
    subprocess.run(['meson', 'install', '-C', RELEASE, '--no-rebuild', '--quiet'], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, 'DESTDIR': str(to)})
    assert (to / 'etc/nuncio/nuncio.conf').read_text() == 'mine\n'
