"""The DNS of a test: signed and unsigned zones on a private nsd, and what Nuncio is told of it.

    with Names(folder) as names:
        names.zone('example.test', '''
            @    MX 10 mx
            mx   A 127.0.0.2
        ''', signed=True)
        names.zone('broken.test', '@ A 127.0.0.3', signed=True, spoil='expired')
        names.start()
        make_server(names.statement + ' ...')

The braces of names.statement are doubled, as make_server() wants them. Records are as in a zone
file, relative to the zone; the SOA and NS records are added, and so is a signed root zone with the
delegations. A zone inside another one is delegated from it. A zone given again replaces the old
one; names.load() puts it in force. Answers live for a second, so that a test can change them.

What can be wrong with a signed zone, as `spoil`: 'expired' (its signatures), 'wrong-ds' (the parent
has another key's), 'unsigned-data' (one record was changed after signing: the first A's address).
nsd is asked as a resolver would be, which it can stand for since it has all the zones.
names.stub_statement asks it in place of the root servers instead; then `ns` is who serves a zone
according to its parent: a name whose address nobody listens at makes a domain that cannot be asked.
"""
import itertools
import os
import pathlib
import re
import subprocess
import time

import peers

TTL = 1
HEAD = """$ORIGIN {origin}
$TTL {ttl}
@ SOA ns.nuncio-names.test. hostmaster.nuncio-names.test. {serial} 3600 600 86400 {ttl}
@ NS ns.nuncio-names.test.
"""
CONF = """
server:
  ip-address: {host}
  port: {port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  server-count: 1
  minimal-responses: yes
  refuse-any: no
  tcp-count: 50
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""
ZONE = 'zone:\n  name: "{name}"\n  zonefile: "{file}"\n'


NSD = peers.PEERS / 'nsd' / 'usr'
NSD_ENV = {**os.environ, 'LD_LIBRARY_PATH': str(NSD / 'lib/x86_64-linux-gnu')}


def nsd(program):
    """nsd or nsd-checkzone: unpacked, or as this system has it."""
    found = NSD / 'sbin' / program
    return found if found.exists() else pathlib.Path('/usr/sbin') / program


class Zone:
    def __init__(self, name, records, signed, spoil, ns):
        self.name, self.records, self.signed = name, records, signed
        self.spoil, self.ns = spoil, ns
        self.ds = []


class Names(peers.Peer):
    serials = itertools.count(int(time.time()))

    def __init__(self, folder, signed_root=True, ttl=TTL, host='127.0.0.1'):
        self.folder, self.host = folder / 'names', host
        self.folder.mkdir()
        self.port, self.ttl, self.zones, self.keys = peers.free_port(), ttl, {}, {}
        self.zone('.', '', signed=signed_root)
        self.zone('nuncio-names.test', f'ns A {host}')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def zone(self, name, records, signed=False, spoil=None, ns=None):
        self.zones[name] = Zone(name, records, signed, spoil, ns)

    @property
    def statement(self):
        return self.section('server')

    @property
    def stub_statement(self):
        return self.section('stub')

    def section(self, whom):
        trust = f'trust_anchor {self.folder}/root.ds' if self.zones['.'].signed else 'validate no'
        return f'dns {{{{ {whom} {self.host}:{self.port}; {trust} }}}}'

    def start(self):
        self.write()
        super().start([nsd('nsd'), '-d', '-c', self.folder / 'nsd.conf'], env=NSD_ENV)
        peers.wait_for_port(self.port, host=self.host)

    def load(self):
        """Puts changed zones in force. nsd reads new ones at start alone."""
        self.stop()
        self.start()

    def write(self):
        """All zones, children first: their parents need their DS records."""
        self.serial = next(self.serials)
        for zone in sorted(self.zones.values(), key=lambda z: -len(self.labels(z.name))):
            self.write_zone(zone)
        conf = CONF.format(host=self.host, port=self.port, folder=self.folder)
        conf += ''.join(ZONE.format(name=z.name, file=self.file(z, z.signed))
                        for z in self.zones.values())
        (self.folder / 'nsd.conf').write_text(conf)
        (self.folder / 'root.ds').write_text(''.join(self.zones['.'].ds))

    @staticmethod
    def labels(name):
        return [label for label in name.split('.') if label]

    def file(self, zone, signed):
        return self.folder / f'zone-{zone.name.strip(".") or "root"}{".signed" if signed else ""}'

    def children(self, zone):
        """The zones that this one delegates."""
        for other in self.zones.values():
            above = [z for z in self.zones.values() if z is not other
                     and (z.name == '.' or other.name.endswith('.' + z.name))]
            if above and max(above, key=lambda z: len(self.labels(z.name))) is zone:
                yield other

    def write_zone(self, zone):
        text = HEAD.format(origin=zone.name.rstrip('.') + '.', ttl=self.ttl, serial=self.serial)
        text += re.sub(r'^ +', '', zone.records, flags=re.M) + '\n'
        for child in self.children(zone):
            text += f'{child.name}. NS {child.ns or "ns.nuncio-names.test"}.\n' + ''.join(child.ds)
        self.file(zone, False).write_text(text)
        if zone.signed:
            self.sign(zone)

    def key(self, name):
        """A key of its own for each zone that is asked for, as ldns-signzone wants its name."""
        if name not in self.keys:
            self.keys[name] = self.keygen(name)
        return self.keys[name]

    def keygen(self, name):
        done = subprocess.run(['ldns-keygen', '-k', '-a', 'ECDSAP256SHA256', name], check=True,
                              cwd=self.folder, capture_output=True, text=True)
        return done.stdout.strip()

    def ds(self, key):
        done = subprocess.run(['ldns-key2ds', '-n', '-2', f'{key}.key'], check=True,
                              cwd=self.folder, capture_output=True, text=True)
        return done.stdout

    def sign(self, zone):
        key, now = self.key(zone.name), time.time()
        until = now - 30 * 86400 if zone.spoil == 'expired' else now + 30 * 86400
        subprocess.run(['ldns-signzone', '-n', '-A', '-f', self.file(zone, True),
                        '-i', self.stamp(now - 90 * 86400), '-e', self.stamp(until),
                        self.file(zone, False), key], check=True, cwd=self.folder,
                       capture_output=True)
        zone.ds = [self.ds(self.keygen(zone.name) if zone.spoil == 'wrong-ds' else key)]
        if zone.spoil == 'unsigned-data':
            text = self.file(zone, True).read_text()
            self.file(zone, True).write_text(
                re.sub(r'(\sIN\s+A\s+)\S+', r'\g<1>192.0.2.66', text, count=1))

    @staticmethod
    def stamp(seconds):
        return time.strftime('%Y%m%d%H%M%S', time.gmtime(seconds))
