#!/usr/bin/python3
"""DKIM here and elsewhere: what others sign we verify, what we sign they verify, and whatever is
spelled or tampered with is judged alike.

    compare.py TOOL [--cases N] [--long] [--seed S] [-v]

TOOL is dkim_tool. Differences are looked up in EXPLAINED, which names the paragraph; one that is not
there fails the test. The seed is printed. Exit code 77 (skipped) when no other program is here.
"""
import argparse
import base64
import pathlib
import random
import re
import subprocess
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import peers     # noqa: E402
import spelling  # noqa: E402

NOW = 1600000000
FROM = re.compile(rb'(?mi)^from[ \t]*:')
FIELD = re.compile(rb'[!-9;-~]+[ \t]*:|[ \t]')

# Where others judge otherwise: who, what was judged, whether we let it pass, and where RFC 6376 says so.
EXPLAINED = {
    ('Mail::DKIM', 'v=', False): '6.1.1: an incompatible version is a failure',
    ('Mail::DKIM', 'v=missing', False): '3.5: v= is required',
    ('Mail::DKIM', 'bh=missing', False): '3.5: bh= is required',
    ('Mail::DKIM', 'l=x', False): '3.5, 6.1.1: l= is a number',
    ('Mail::DKIM', 't=-1', False): '3.5, 6.1.1: t= is a number',
    ('Mail::DKIM', 'badname', False): '3.2: the name of a tag has letters, digits and "_"',
    ('Mail::DKIM', 'emptytag', False): '3.2: no tag is empty but the one behind the last ";"',
    ('Mail::DKIM', 'dup', False): '3.2: a tag that is there twice makes the list invalid',
    ('dkimpy', 'badname', False): '3.2: the name of a tag has letters, digits and "_"',
    ('dkimpy', 'd=', False): '3.5: d= is a domain name',
    ('dkimpy', 's=', False): '3.5: s= is a selector',
    ('dkimpy', 'record: h=sha1', False): '3.6.1: h= in a key record names the hashes that may be used',
    ('dkimpy', 'two From', True): '5.4.2: the lower one was signed; who shows the upper one is for DMARC to judge',
    ('opendkim', 'malformed line', True): '3.8: steps to ensure a valid message are left to the verifier',
    ('dkimpy', 'malformed line', True): '3.8: steps to ensure a valid message are left to the verifier',
    ('Mail::DKIM', 'joined', False): '3.5: b= is base64, and a line was joined to it that is none',
    ('opendkim', 'joined', False): '3.5: b= is base64, and a line was joined to it that is none',
    ('opendkim', 'dup', False): '3.2: a tag that is there twice makes the list invalid',
    ('opendkim', 'q=dns', False): '3.5: the only option of the type dns is txt, "which MUST be included"',
}


def make_keys(nuncio):
    keys = {}
    for kind, options in (('rsa', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024']),
                          ('ed25519', ['-algorithm', 'ED25519'])):
        pem = subprocess.run(['openssl', 'genpkey', *options], check=True, capture_output=True).stdout
        if kind == 'rsa':   # the older form, which Mail::DKIM and dkimpy want
            pem = subprocess.run(['openssl', 'rsa', '-traditional'], input=pem, check=True, capture_output=True).stdout
        der = base64.b64decode(b''.join(line for line in pem.splitlines() if not line.startswith(b'-')))
        keys[kind] = types.SimpleNamespace(pem=pem, seed=der[-32:], record=nuncio.record(pem))
    return keys


class Comparison:
    def __init__(self, options):
        self.options, self.rng = options, random.Random(options.seed)
        self.nuncio = peers.Nuncio(options.tool)
        self.peers, self.missing = peers.all_present()
        self.keys = make_keys(self.nuncio)
        self.judged = self.explained = self.unexplained = 0
        self.shown = {}

    def judge(self, what, text, record, kind, asked=None):
        """All opinions about the first signature of a text."""
        ours, why = self.nuncio.verify(text, record, NOW)
        for peer in self.peers if asked is None else asked:
            if kind == 'ed25519' and peer.name in ('opendkim', 'Mail::DKIM'):
                continue   # Debian's have no Ed25519
            theirs, their_why = peer.verify(text, record, NOW)
            self.judged += 1
            if ours != theirs:
                self.differ(peer, what, text, record, (ours, why), (theirs, their_why))
        return ours

    def differ(self, peer, what, text, record, ours, theirs):
        if (peer.name, what, ours[0]) in EXPLAINED:
            self.explained += 1
            return
        self.unexplained += 1
        key = (peer.name, what, ours[1], theirs[1])
        self.shown[key] = self.shown.get(key, 0) + 1
        if self.shown[key] == 1 or self.options.verbose:
            print(f'{peer.name}: {what}: we say {ours[1]!r}, it says {theirs[1]!r}')
            if self.options.verbose:
                print(record, text)

    def signed_elsewhere(self):
        for peer in [self.nuncio, *self.peers]:
            message = spelling.some_message(self.rng)
            kind = self.rng.choice(['rsa', 'ed25519'])
            canon = (self.rng.choice(['simple', 'relaxed']), self.rng.choice(['simple', 'relaxed']))
            field = peer.sign(message.text(), self.keys, kind, canon)
            if field and not self.judge(f'signed by {peer.name}', message.text(field), self.keys[kind].record, kind):
                self.differ(peer, 'its own', message.text(field), b'', (False, 'fail'), (True, 'it signed this'))

    def spelled(self):
        kind = self.rng.choice(['rsa', 'ed25519'])
        message = spelling.some_message(self.rng)
        signature = spelling.Signature(self.rng, message, kind, faulty=self.rng.random() < 0.4)
        field = signature.field(lambda digest: self.nuncio.sign_digest(self.keys[kind].pem, digest))
        text, what = message.text(field), signature.fault or 'well spelled'
        if not signature.fault and self.rng.random() < 0.6:
            text, what = spelling.tamper(self.rng, text, len(field))
        untouched = what == 'well spelled'
        if not signature.fault:
            what = self.sort_of_change(what, text, len(field))
        # Mail::DKIM takes l=0 and others for no l= at all (section 3.5 has it that they are not).
        asked = [peer for peer in self.peers if not signature.wild and
                 (signature.length is None or peer.name != 'Mail::DKIM')]
        record = self.keys[kind].record
        passed = self.judge(what, text, record, kind, asked)
        if untouched and kind == 'rsa':
            self.records(text, asked)
        if untouched and not passed or signature.fault and passed:
            self.differ(self.nuncio, what, text, b'', (passed, self.nuncio.verify(text, self.keys[kind].record, NOW)[1]),
                        (not passed, 'by construction'))

    @staticmethod
    def sort_of_change(what, text, at):
        """The name under which differences about a tampered message are explained."""
        header = text.split(b'\r\n\r\n', 1)[0]
        if any(not FIELD.match(line) for line in header.split(b'\r\n')):
            return 'malformed line'
        if text[at:at + 1] in (b' ', b'\t'):
            return 'joined'
        return 'two From' if len(FROM.findall(header)) > 1 else what

    def records(self, text, asked):
        """The same signature with the key in another spelling of its record."""
        key = self.keys['rsa'].record.split(b'p=')[1]
        for what, record in (('record: plain', b'p=' + key), ('record: all tags', b'v=DKIM1; h=sha256; k=rsa; n=x; s=email; t=y; p=' + key),
                             ('record: blanks', b'v=DKIM1 ; k=rsa ; p= ' + key[:40] + b' ' + key[40:]),
                             ('record: s=other', b'v=DKIM1; s=other; p=' + key), ('record: h=sha1', b'v=DKIM1; h=sha1; p=' + key),
                             ('record: revoked', b'v=DKIM1; p='), ('record: v=DKIM2', b'v=DKIM2; p=' + key),
                             ('record: damaged', b'v=DKIM1; p=' + key[4:]), ('record: k=other', b'v=DKIM1; k=other; p=' + key)):
            self.judge(what, text, record, 'rsa', asked)

    def run(self):
        for _ in range(self.options.cases):
            self.signed_elsewhere()
            for _ in range(4):
                self.spelled()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('tool')
    parser.add_argument('--cases', type=int, default=40)
    parser.add_argument('--long', action='store_true', help='a hundred times as many')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('-v', dest='verbose', action='store_true', help='with messages')
    options = parser.parse_args()
    if options.long:
        options.cases *= 100
    comparison = Comparison(options)
    if not comparison.peers:
        print(f'not here: {", ".join(comparison.missing)}')
        return 77
    comparison.run()
    print(f'seed {options.seed}: {comparison.judged} verdicts of {", ".join(p.name for p in comparison.peers)} compared, '
          f'{comparison.explained} differences explained')
    print(f'{int(not comparison.unexplained)} passed, {comparison.unexplained} failed')
    return 1 if comparison.unexplained else 0


if __name__ == '__main__':
    sys.exit(main())
