"""`nuncio dkim` and the keys role: keys made, published, seen, rotated, retired and removed."""
import base64
import itertools
import json
import os
import pwd
import re
import stat
import subprocess

import pytest

from names import Names
from peers import wait_until

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
'''


@pytest.fixture
def site(folder, make_server):
    """A running server, and a name server that knows no keys yet."""
    with Names(folder) as names:
        names.zone('example.test', '')
        names.start()
        server = make_server(names.statement + CONF)
        server.names = names
        yield server


def keys(server, *args):
    """What `list` says, by selector."""
    lines = server.run('dkim', 'list', *args, '--json', check=False).stdout.decode().splitlines()
    return {key['selector']: key for key in map(json.loads, lines)}


def states(server):
    return {name: key['state'] for name, key in keys(server).items()}


def publish(server, domain='example.test'):
    """As an administrator would: what `record` says, in the form for zone files."""
    records = server.json('dkim', 'record', domain)
    server.names.zone(domain, '\n'.join(record['zone'] for record in records))
    server.names.load()
    return records


def known(server):
    """How many keys the role has taken up."""
    [status] = server.json('status')
    return next(role.get('facts', {}).get('keys') for role in status['roles']
                if role['role'] == 'keys')


def wait_for(server, expected):
    """Until the keys are in these states. The answer that there is no such record may be known for
    a second, so the server is told to look more than once."""
    def reached():
        if next(turns) % 3 == 0:
            server.run('reload')
        return states(server) == expected
    turns = itertools.count(1)
    wait_until(reached, 20)


def pem_of(server, selector, domain='example.test'):
    return server.state / 'keys' / domain / f'{selector}.pem'


def test_keys_sign_once_they_are_seen_and_give_way_to_new_ones(site):
    made = site.json('dkim', 'keygen', 'Example.TEST', '--selector', 'one')
    assert [(key['selector'], key['algorithm'], key['bits']) for key in made] == \
        [('oner', 'rsa', 2048), ('onee', 'ed25519', 256)]
    assert states(site) == {'oner': 'unseen', 'onee': 'unseen'}
    wait_until(lambda: known(site) == 2, 10)
    publish(site)
    wait_for(site, {'oner': 'in-use', 'onee': 'in-use'})

    # A rotation: the old sign until the new are seen.
    refused = site.run('dkim', 'keygen', 'example.test', check=False)
    assert refused.returncode == 65 and b'nuncio dkim rotate' in refused.stderr
    new = {key['selector'] for key in site.json('dkim', 'rotate', 'example.test')}
    assert all(re.fullmatch(r'20\d{4}[re]', name) for name in new)
    assert states(site) == {'oner': 'in-use', 'onee': 'in-use', **dict.fromkeys(new, 'unseen')}
    again = site.run('dkim', 'rotate', 'example.test', check=False)
    assert again.returncode == 65 and b'has not been seen in the DNS' in again.stderr
    # keys has them within seconds, relay looks at the next reload.
    wait_until(lambda: known(site) == 4, 10)
    assert len(publish(site)) == 4
    wait_for(site, {'oner': 'retired', 'onee': 'retired', **dict.fromkeys(new, 'in-use')})

    # What is retired stays until no mail under way needs it.
    text = site.run('dkim', 'list').stdout.decode()
    assert text.count('keep its record until') == 2
    for selector in ('oner', *new):
        assert site.run('dkim', 'remove', 'example.test', selector, check=False).returncode == 65
    facts = pem_of(site, 'oner').with_suffix('.json')
    facts.write_text(json.dumps({**json.loads(facts.read_text()), 'retired': 1000000000}))
    assert states(site)['oner'] == 'removable'
    site.run('dkim', 'remove', 'example.test', 'oner')
    site.run('dkim', 'remove', 'example.test', 'onee', '--force')
    assert set(states(site)) == new and not pem_of(site, 'oner').exists()
    assert site.run('dkim', 'remove', 'example.test', 'oner', check=False).returncode == 66

    # A record that goes is noticed, too.
    site.names.zone('example.test', '')
    site.names.load()
    wait_for(site, dict.fromkeys(new, 'unseen'))
    assert 'dkim-key-gone' in site.log()


def test_keys_are_their_roles_alone(site):
    site.run('dkim', 'keygen', 'example.test', '--selector', 's', '--algorithm', 'ed25519')
    pem = pem_of(site, 's')
    owner = pwd.getpwnam('nuncio-keys').pw_uid if os.getuid() == 0 else os.getuid()
    for path, mode in ((pem, 0o600), (pem.with_suffix('.json'), 0o600), (pem.parent, 0o700),
                       (pem.parent.parent, 0o700)):
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (mode, owner), path
    wait_until(lambda: known(site) == 1, 10)
    pem.chmod(0o640)
    wait_until(lambda: 'dkim-key-refused' in site.log(), 10)
    listed = site.run('dkim', 'list', check=False)
    assert listed.returncode == 65 and b'chmod 600' in listed.stdout
    pem.chmod(0o600)
    assert states(site) == {'s': 'unseen'}
    if os.getuid() == 0:
        done = subprocess.run([site.binary, 'dkim', 'list'], env=site.environment, user=65534,
                              group=65534, extra_groups=[], capture_output=True)
        assert done.returncode == 77 and b'belongs to nuncio-keys' in done.stderr


def public_half(pem):
    """p= by somebody else's reckoning."""
    der = subprocess.run(['openssl', 'pkey', '-in', pem, '-pubout', '-outform', 'DER'], check=True,
                         capture_output=True).stdout
    return der if len(der) > 100 else der[-32:]


def test_records_are_what_the_dns_wants(make_server):
    server = make_server(CONF, start=False)  # all of it without a server, too
    made = server.json('dkim', 'keygen', 'bücher.test', '--bits', '3072')
    assert {key['domain'] for key in made} == {'xn--bcher-kva.test'}
    again = server.json('dkim', 'record', 'BÜCHER.test')
    assert sorted(again, key=str) == sorted(made, key=str)
    for key in made:
        tags = dict(tag.split('=', 1) for tag in key['value'].split('; '))
        assert (tags['v'], tags['k']) == ('DKIM1', key['algorithm'])
        pem = pem_of(server, key['selector'], 'xn--bcher-kva.test')
        assert base64.b64decode(tags['p']) == public_half(pem)
        assert key['name'] == f'{key["selector"]}._domainkey.xn--bcher-kva.test'
        assert ''.join(key['strings']) == key['value']
        assert all(len(string) <= 255 for string in key['strings'])
        assert re.findall(r'"([^"]*)"', key['zone']) == key['strings']
        one = server.run('dkim', 'record', 'bücher.test', key['selector']).stdout.decode()
        assert f'Value: {key["value"]}\n' in one and key['zone'] in one
    # A key that came from elsewhere counts as well.
    own = server.state / 'keys' / 'own.test'
    own.mkdir(mode=0o700)
    subprocess.run(['openssl', 'genrsa', '-traditional', '-out', own / 'mail.2020.pem', '1024'],
                   check=True, capture_output=True)
    if os.getuid() == 0:
        subprocess.run(['chown', '-R', '--reference', own.parent, own], check=True)
    assert keys(server, 'own.test')['mail.2020']['bits'] == 1024


def test_mistakes_are_told(make_server):
    server = make_server(CONF, start=False)
    for args, code, words in (
            (('keygen', 'nodomain'), 65, 'no domain'),
            (('keygen', 'a/b.test'), 65, 'no domain'),
            (('keygen', '../x.test'), 65, 'no domain'),
            (('keygen', '[192.0.2.1]'), 65, 'no domain'),
            (('keygen', 'a.test', '--selector', '../x'), 65, 'no selector'),
            (('keygen', 'a.test', '--bits', '1024'), 65, '2048 to 4096'),
            (('keygen', 'a.test', '--bits', '9999'), 65, '2048 to 4096'),
            (('keygen', 'a.test', '--algorithm', 'dsa'), 65, 'rsa, ed25519 or both'),
            (('keygen', 'a.test', '--sender', 'joe'), 65, 'no address'),
            (('keygen', 'a.test', '--sender', 'joe@b.test'), 65, 'cannot sign for'),
            (('keygen', 'a.test', '--force'), 64, 'usage'),
            (('keygen',), 64, 'usage'),
            (('rotate', 'a.test'), 66, 'nuncio dkim keygen'),
            (('record', 'a.test'), 66, 'nuncio dkim keygen'),
            (('list', 'a.test'), 66, 'has no keys'),
            (('retire', 'a.test', 's'), 66, 'has no key'),
            (('sing', 'a.test'), 64, 'usage')):
        done = server.run('dkim', *args, check=False)
        assert (done.returncode, words in done.stderr.decode()) == (code, True), (args, done)
    assert b'There are no keys' in server.run('dkim', 'list').stdout
    # Facts that cannot be read are not written over: the key could be a sender's alone.
    server.run('dkim', 'keygen', 'a.test', '--algorithm', 'ed25519', '--selector', 's')
    facts = pem_of(server, 's', 'a.test').with_suffix('.json')
    facts.write_text('{"made": 1, "sender": ')
    done = server.run('dkim', 'retire', 'a.test', 's', check=False)
    assert (done.returncode, b's.json cannot be understood' in done.stderr) == (65, True)
    assert facts.read_text() == '{"made": 1, "sender": '


def test_two_at_once_and_keys_of_a_sender(make_server):
    server = make_server(CONF, start=False)
    server.run('dkim', 'list')
    args = [server.binary, 'dkim', 'keygen', 'example.test', '--algorithm', 'ed25519']
    running = [subprocess.Popen(args, env=server.environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for _ in range(4)]
    assert sorted(process.wait(30) for process in running) == [0, 65, 65, 65]
    server.run('dkim', 'keygen', 'example.test', '--sender', 'News@Example.test', '--algorithm',
               'ed25519')
    made = keys(server)
    assert len(made) == 2
    assert [key.get('sender') for key in made.values() if 'sender' in key] == ['news@example.test']
    # One that is the last of its kind goes on.
    [own] = [name for name, key in made.items() if 'sender' in key]
    done = server.run('dkim', 'retire', 'example.test', own)
    assert b'nothing else of its kind' in done.stderr
    assert keys(server)[own]['state'] == 'retired' and 'removable_from' in keys(server)[own]
