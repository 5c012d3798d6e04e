"""A certificate authority for a test: made by openssl(1), gone with its folder.

    authority = Authority(folder)
    pair = authority.issue('mx', ['mx.nuncio.test', '127.0.0.1'])
    conf = f'certificate mx {{ chain {pair.chain}; key {pair.key} }}'
    client_context(ca=authority.ca)
"""
import collections
import ipaddress
import subprocess

Pair = collections.namedtuple('Pair', 'chain key')
KEYS = {'ec': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'rsa': ['rsa:2048']}


def alternative_name(name):
    if '@' in name:
        return f'email:{name}'
    try:
        return f'IP:{ipaddress.ip_address(name)}'
    except ValueError:
        return f'DNS:{name}'


class Authority:
    def __init__(self, folder, name='Test CA'):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.key = folder / 'ca.pem', folder / 'ca.key'
        self.openssl('req', '-x509', '-newkey', *KEYS['ec'], '-noenc', '-keyout', self.key, '-out',
                     self.ca, '-days', '30', '-subj', f'/CN={name}',
                     '-addext', 'basicConstraints=critical,CA:TRUE',
                     '-addext', 'keyUsage=critical,keyCertSign,cRLSign')

    @staticmethod
    def openssl(*argv):
        done = subprocess.run(['openssl', *map(str, argv)], capture_output=True, text=True)
        assert done.returncode == 0, f'openssl {argv}: {done.stderr}'
        return done.stdout

    def issue(self, file, names, kind='ec', days=30, usage='serverAuth'):
        """A pair for host names, IP addresses or mail addresses; the first one is its subject."""
        pair = Pair(self.folder / f'{file}.pem', self.folder / f'{file}.key')
        request, extensions = self.folder / f'{file}.csr', self.folder / f'{file}.ext'
        self.openssl('req', '-new', '-newkey', *KEYS[kind], '-noenc', '-keyout', pair.key,
                     '-out', request, '-subj', f'/CN={names[0]}')
        extensions.write_text('basicConstraints=critical,CA:FALSE\n'
                              'keyUsage=critical,digitalSignature\n'
                              f'extendedKeyUsage={usage}\n'
                              'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
                              f'subjectAltName={",".join(map(alternative_name, names))}\n')
        self.openssl('x509', '-req', '-in', request, '-CA', self.ca, '-CAkey', self.key,
                     '-days', days, '-extfile', extensions, '-out', pair.chain)
        return pair
