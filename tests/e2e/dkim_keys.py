"""Keys of DKIM for a server under test: made with openssl, put into its folder, published by a zone.

    keys = Keys(folder, ['example.test'])      # an RSA and an Ed25519 key for each domain
    names.zone('example.test', keys.zone('example.test') + '@ MX 10 mx')
    keys.give(server)                          # one that has not started yet
"""
import base64
import os
import pwd
import shutil
import subprocess

import peers

USER = 'nuncio-keys'
KINDS = {'rsa': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
         'ed25519': ['-algorithm', 'ed25519']}


def openssl(*args):
    return subprocess.run(['openssl', *map(str, args)], check=True, capture_output=True).stdout


class Key:
    def __init__(self, folder, domain, kind):
        self.domain, self.kind, self.selector = domain, kind, f'test-{kind}'
        self.path = folder / f'{domain}-{kind}.pem'
        openssl('genpkey', *KINDS[kind], '-out', self.path)
        public = openssl('pkey', '-in', self.path, '-pubout', '-outform', 'DER')
        # Of Ed25519 the bare key is published (RFC 8463 section 4).
        data = base64.b64encode(public[-32:] if kind == 'ed25519' else public).decode()
        self.record = f'v=DKIM1; k={kind}; p={data}'

    @property
    def name(self):
        return f'{self.selector}._domainkey.{self.domain}'


class Keys:
    def __init__(self, folder, domains):
        folder.mkdir(parents=True, exist_ok=True)
        self.keys = [Key(folder, domain, kind) for domain in domains for kind in KINDS]

    def zone(self, domain):
        """TXT records relative to the domain's zone."""
        text = ''
        for key in self.keys:
            if key.domain == domain:
                parts = [key.record[at:at + 250] for at in range(0, len(key.record), 250)]
                text += f'{key.selector}._domainkey TXT ' + ' '.join(f'"{p}"' for p in parts) + '\n'
        return text

    def give(self, server):
        """Before its start, since it looks for new keys every 3 seconds only."""
        folder = server.state / 'keys'
        folder.mkdir(parents=True)
        for key in self.keys:
            to = folder / key.domain / f'{key.selector}.pem'
            to.parent.mkdir(exist_ok=True)
            to.write_bytes(key.path.read_bytes())
        for path in [folder, *folder.rglob('*')]:
            path.chmod(0o700 if path.is_dir() else 0o600)
            if os.getuid() == 0 and USER in {entry.pw_name for entry in pwd.getpwall()}:
                shutil.chown(path, USER, USER)

    def txt(self, name, **_):
        """The DNS, as dkimpy asks it."""
        name = name.decode() if isinstance(name, bytes) else name
        return {key.name: key.record.encode() for key in self.keys}.get(name.rstrip('.'))


OPENDKIM = '''\
Mode v
Socket inet:{port}@127.0.0.1
TestDNSData file:{folder}/dns
InternalHosts 192.0.2.1
ExternalIgnoreList 192.0.2.1
AuthservID opendkim.test
AlwaysAddARHeader yes
Background no
Syslog no
PidFile {folder}/pid
'''


class OpenDkim(peers.Peer):
    """A milter that verifies, and says in Authentication-Results of opendkim.test what it thinks."""

    def __init__(self, folder, keys):
        self.folder, self.port = folder, peers.free_port()
        folder.mkdir(parents=True)
        (folder / 'dns').write_text(''.join(f'{key.name} {key.record}\n' for key in keys.keys))
        (folder / 'conf').write_text(OPENDKIM.format(port=self.port, folder=folder))
        usr = peers.PEERS / 'opendkim/usr'
        self.start([usr / 'sbin/opendkim', '-x', folder / 'conf', '-f'],
                   env={'LD_LIBRARY_PATH': str(usr / 'lib/x86_64-linux-gnu')})
        peers.wait_for_port(self.port)
