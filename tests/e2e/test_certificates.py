"""Certificates: our own, renewed ones, broken ones; what status, check-config and the log say."""
import array
import itertools
import os
import pathlib
import pwd
import shutil
import ssl
import subprocess
import time

import peers
import pytest

from pki import Authority
from session import Client, client_context

OWN = """
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test
"""
CONFIGURED = """
certificate one {{ chain {folder}/one.pem; key {folder}/one.key }}
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test
"""


@pytest.fixture
def authority(folder):
    return Authority(folder / 'pki')


def install(pair, folder, name='one'):
    """As an ACME client does it: the chain, then the key, each by a rename."""
    folder.mkdir(exist_ok=True)
    for file, suffix in ((pair.chain, 'pem'), (pair.key, 'key')):
        shutil.copy(file, folder / 'new')
        (folder / 'new').chmod(0o600)
        (folder / 'new').rename(folder / f'{name}.{suffix}')


def starttls(server, context, name='mx.nuncio.test'):
    """A session under TLS, and the host names of the certificate that was shown."""
    client = Client(('127.0.0.1', server.port()))
    client.run([(b'', '220'), ('EHLO client.test', '250'), ('STARTTLS', '220')])
    client.start_tls(context, name)
    client.run([('EHLO client.test', '250')])
    shown = client.tls.getpeercert()
    return client, [host for _, host in shown.get('subjectAltName', ())]


def certificates(server):
    return server.status()['certificates']


def warnings(server):
    return server.status()['certificate_warnings']


def logged(server, event):
    return [line for line in server.log().splitlines() if f' {event} ' in line]


def test_without_a_certificate_one_is_made_and_kept(make_server):
    server = make_server(OWN)
    [made] = certificates(server)
    assert made['self_signed'] and made['hosts'] == ['mx.nuncio.test']
    assert made['key'] == 'ECDSA P-256' and made['days_left'] > 3000
    assert warnings(server) == []
    text = server.run('status').stdout.decode()
    assert 'certificate self-signed (ECDSA P-256), until 20' in text
    assert 'mail clients will warn; configure `certificate`' in text
    folder = server.state / 'tls'
    kept = (folder / 'self-signed.pem').read_bytes()
    assert folder.stat().st_mode & 0o7777 == 0o700
    assert (folder / 'self-signed.pem').stat().st_mode & 0o7777 == 0o600
    server.stop()
    server.start()
    assert (folder / 'self-signed.pem').read_bytes() == kept
    server.conf.write_text(server.conf.read_text().replace('mx.nuncio.test', 'mx2.nuncio.test'))
    server.run('reload')
    [made] = certificates(server)
    assert made['hosts'] == ['mx2.nuncio.test']
    assert (folder / 'self-signed.pem').read_bytes() != kept


@pytest.mark.skipif(os.getuid() != 0, reason='only root can ask what other users may read')
def test_no_user_of_a_role_can_read_the_key(make_server):
    server = make_server(OWN)
    key = server.state / 'tls' / 'self-signed.pem'
    for role in ('receive', 'auth', 'queue', 'relay', 'local', 'history'):
        user = f'nuncio-{role}'
        assert pwd.getpwnam(user).pw_uid != 0
        done = subprocess.run(['cat', key], user=user, group=user, extra_groups=[],
                              capture_output=True, text=True)
        assert done.returncode != 0 and 'Permission denied' in done.stderr, role
        told = {line['name']: line['state'] for entry in server.status()['roles']
                if entry['role'] == role for line in entry['protections']}
        assert told['open-tls'] == 'holds', role


@pytest.mark.skipif(os.getuid() != 0, reason='only root can look into other processes')
def test_only_receive_has_the_key_in_its_memory(make_server):
    """Looked for is the encoded private key; the PEM would be a copy as well."""
    server = make_server(OWN)
    pem = (server.state / 'tls' / 'self-signed.pem').read_text()
    lines = pem.split('-----BEGIN PRIVATE KEY-----')[1].split('-----END')[0].split()
    needles = [max(lines, key=len).encode(), secret_number(server.state / 'tls/self-signed.pem')]
    assert all(len(needle) >= 32 for needle in needles)
    # Its threads map and unmap memory while it is read, so that some of it may be missed.
    peers.wait_until(lambda: needles[1] in written_by(server.role_pid('receive')), 10, 'the key')
    for role in ('auth', 'queue', 'relay', 'local', 'history', 'keys'):
        memory = written_by(server.role_pid(role))
        assert b'mx.nuncio.test' in memory, role
        assert not any(needle in memory for needle in needles), role
    memory = written_by(server.process.pid)
    assert b'mx.nuncio.test' in memory and not any(needle in memory for needle in needles)


def secret_number(key):
    """The private key's 32 bytes, as OpenSSL keeps them: least significant first."""
    text = Authority.openssl('pkey', '-in', key, '-noout', '-text')
    digits = text.split('priv:')[1].split('pub:')[0].replace(':', '').split()
    return bytes.fromhex(''.join(digits))[-32:][::-1]


def written_by(pid):
    """All memory that the process can write and has written, in one piece."""
    page, pieces = os.sysconf('SC_PAGESIZE'), []
    with open(f'/proc/{pid}/mem', 'rb', 0) as memory, open(f'/proc/{pid}/pagemap', 'rb', 0) as map_:
        for line in pathlib.Path(f'/proc/{pid}/maps').read_text().splitlines():
            area, rights = line.split()[:2]
            first, end = (int(bound, 16) for bound in area.split('-'))
            # AddressSanitizer reserves terabytes that are not there.
            if not rights.startswith('rw') or end - first > 1 << 30:
                continue
            entries = array.array('Q', os.pread(map_.fileno(), (end - first) // page * 8,
                                                first // page * 8))
            exists = itertools.groupby(enumerate(entries), lambda entry: entry[1] >> 62 != 0)
            for pages in (list(group) for there, group in exists if there):
                try:
                    pieces.append(os.pread(memory.fileno(), len(pages) * page,
                                           first + pages[0][0] * page))
                except OSError:
                    pass
    return b''.join(pieces)


def test_a_renewed_certificate_is_in_force_within_a_minute(make_server, authority, folder):
    files = folder / 'server0'
    install(authority.issue('a', ['mx.nuncio.test']), files)
    server = make_server(CONFIGURED)
    context = client_context(ca=authority.ca)
    client, shown = starttls(server, context)
    assert shown == ['mx.nuncio.test']
    with client:
        receive = server.role_pid('receive')
        install(authority.issue('b', ['mx.nuncio.test', 'renewed.nuncio.test'], kind='rsa'), files)
        began = time.monotonic()
        peers.wait_until(lambda: 'renewed.nuncio.test' in certificates(server)[0]['hosts'], 60)
        assert time.monotonic() - began < 60
        client.run([('NOOP', '250')])
        assert server.role_pid('receive') == receive
    client, shown = starttls(server, context)
    with client:
        assert shown == ['mx.nuncio.test', 'renewed.nuncio.test']
    assert certificates(server)[0]['key'] == 'RSA 2048'
    assert warnings(server) == []
    # Half of the renewal, which lay there for a moment, was not complained about.
    assert not logged(server, 'certificate-warning')


def test_each_name_gets_its_certificate(make_server, authority, folder):
    files = folder / 'server0'
    install(authority.issue('a', ['mx.nuncio.test']), files)
    install(authority.issue('b', ['two.nuncio.test', '*.more.test'], kind='rsa'), files, 'two')
    server = make_server('certificate two {{ chain {folder}/two.pem; key {folder}/two.key }}\n'
                         + CONFIGURED)
    context = client_context(ca=authority.ca)
    for asked, shown in (('two.nuncio.test', 'two.nuncio.test'), ('a.more.test', 'two.nuncio.test'),
                         ('MX.nuncio.test', 'mx.nuncio.test')):
        client, hosts = starttls(server, context, asked)
        with client:
            assert hosts[0] == shown, asked
    # Whoever asks for another name, or none, gets the first of the kind that he can read.
    context.check_hostname = False
    for ciphers, shown in (('ECDHE-RSA-AES128-GCM-SHA256', 'two.nuncio.test'),
                           ('ECDHE-ECDSA-AES128-GCM-SHA256', 'mx.nuncio.test')):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        client, hosts = starttls(server, context, 'unknown.test')
        with client:
            assert hosts[0] == shown, ciphers


def test_a_broken_renewal_keeps_the_old_pair_and_says_why(make_server, authority, folder):
    files = folder / 'server0'
    install(authority.issue('a', ['mx.nuncio.test']), files)
    server = make_server(CONFIGURED)
    shutil.copy(authority.issue('b', ['other.nuncio.test']).key, files / 'one.key')
    server.run('reload')
    [kept] = certificates(server)
    assert kept['hosts'] == ['mx.nuncio.test'] and not kept['self_signed']
    [warning] = warnings(server)
    assert f'{server.line("certificate one")}: certificate one: the older one stays, because: ' \
        'the key does not belong to the first certificate of the chain' in warning
    assert f'warning: {warning}' in server.run('status').stdout.decode()
    assert any('the older one stays' in line for line in logged(server, 'certificate-warning'))
    # receive gets the kept pair again when it is restarted.
    server.may_die = True
    receive = server.role_pid('receive')
    os.kill(receive, 9)
    peers.wait_until(lambda: server.log().count('role-ready name=receive') == 2)
    assert len(warnings(server)) == 1
    client, shown = starttls(server, client_context(ca=authority.ca))
    with client:
        assert shown == ['mx.nuncio.test']
    (files / 'one.key').unlink()
    server.run('reload')
    assert 'No such file' in warnings(server)[0]
    install(authority.issue('c', ['mx.nuncio.test', 'again.nuncio.test']), files)
    server.run('reload')
    assert warnings(server) == []
    assert 'again.nuncio.test' in certificates(server)[0]['hosts']


def test_a_broken_pair_is_a_mistake_at_the_start(make_server, authority, folder):
    files = folder / 'server0'
    install(authority.issue('a', ['mx.nuncio.test']), files)
    server = make_server(CONFIGURED, start=False)
    shutil.copy(authority.issue('b', ['mx.nuncio.test']).key, files / 'one.key')
    wrong = f'{server.line("certificate one")}: certificate one: the key does not belong'
    done = server.run('check-config', '-c', server.conf, check=False)
    assert done.returncode == 78 and wrong in done.stderr.decode()
    done = server.run('serve', '-c', server.conf, check=False)
    assert done.returncode == 78 and wrong in done.stderr.decode()
    Authority.openssl('pkey', '-in', authority.folder / 'a.key', '-aes128', '-passout', 'pass:x',
                      '-out', files / 'one.key')
    done = server.run('check-config', '-c', server.conf, check=False)
    assert done.returncode == 78 and 'take it off: openssl pkey' in done.stderr.decode()
    install(authority.issue('c', ['mx.nuncio.test']), files)
    assert server.run('check-config', '-c', server.conf).stderr == b''
    (files / 'one.key').chmod(0o644)
    assert 'may be read by every user' in server.run('check-config', '-c',
                                                     server.conf).stderr.decode()


def test_a_reload_that_names_a_broken_pair_changes_nothing(make_server, authority, folder):
    files = folder / 'server0'
    install(authority.issue('a', ['mx.nuncio.test']), files)
    server = make_server(CONFIGURED)
    before = server.conf.read_text()
    server.conf.write_text(before + 'certificate two { chain /not/there; key /not/there }\n'
                           'domain second.test\n')
    done = server.run('reload', check=False)
    assert done.returncode != 0
    assert 'certificate two: chain: /not/there: No such file' in done.stderr.decode()
    assert [entry['name'] for entry in certificates(server)] == ['one']
    install(authority.issue('b', ['two.nuncio.test'], kind='rsa'), files, 'two')
    server.conf.write_text(before.replace('certificate one', f'certificate two {{ chain {files}/'
                                          f'two.pem; key {files}/two.key }}\ncertificate one'))
    server.run('reload')
    assert [entry['name'] for entry in certificates(server)] == ['two', 'one']


def test_the_end_is_warned_of_and_one_that_is_over_is_used(make_server, authority, folder):
    files = folder / 'server0'
    install(authority.issue('a', ['elsewhere.test'], days=13), files)
    server = make_server(CONFIGURED)
    [end, name] = warnings(server)
    assert 'certificate one: its time is over in 12 days; renew it' in end
    assert 'no certificate has the name mx.nuncio.test (hostname)' in name
    assert len(logged(server, 'certificate-warning')) == 2
    server.stop()
    install(authority.issue('b', ['mx.nuncio.test'], days=0), files)
    time.sleep(1.1)
    server.start()
    assert 'its time is over: clients refuse it' in warnings(server)[0]
    assert certificates(server)[0]['days_left'] == -1


def problems(server):
    return {pathlib.Path(file['path']).name: file['problem'] for file in server.status()['files']}


def test_files_of_accounts_that_cannot_be_read_are_told(make_server, folder):
    server = make_server(OWN + 'accounts staff {{ passwd_file {folder}/passwd }}\n'
                         'domain staff.test {{ accounts staff }}\n')
    assert problems(server) == {'srs.secret': '', 'passwd': 'No such file or directory'}
    assert f'{folder}/server0/passwd: No such file' in server.run('status').stdout.decode()
    assert f'{folder}/server0/passwd: No such file or directory: the accounts that need it cannot ' \
        'log in' in server.run('check-config', '-c', server.conf).stderr.decode()
    (folder / 'server0/passwd').write_text('joe:{PLAIN}secret\n')
    server.run('reload')
    assert problems(server) == {'srs.secret': '', 'passwd': ''}
