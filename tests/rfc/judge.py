"""Cases for the program that judges (rfc_driver.c), and what it says of them."""
import pathlib
import subprocess
import sys

NOW = 1500000000
PLAIN = b'From: joe@author.example\r\n\r\nHello\r\n'


def txt(owner, *parts):
    """A TXT record of these strings; str stands for its Latin-1 bytes."""
    def quote(part):
        data = part.encode('latin-1') if isinstance(part, str) else part
        return '"' + ''.join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f'\\{b:03d}' for b in data) + '"'

    pieces = [part[i:i + 255] for part in parts for i in range(0, len(part), 255)] or ['']
    return f'{owner} TXT {" ".join(quote(piece) for piece in pieces)}'


class Case:
    """`want` is the beginning of what each named verdict must be, a list of them for dkim."""
    def __init__(self, what, zone=(), message=PLAIN, ip=None, helo='', sender='', now=NOW, **want):
        self.what, self.zone, self.message = what, '\n'.join(zone) + '\n', message
        self.ip, self.helo, self.sender, self.now, self.want = ip, helo, sender, now, want

    def frame(self):
        def octets(text):
            return text.encode('utf-8', 'surrogateescape') if isinstance(text, str) else text

        zone = self.zone.encode()
        return '\t'.join([
            self.ip or '-',
            octets(self.helo).hex(),
            octets(self.sender).hex(),
            str(self.now),
            str(len(zone)),
            str(len(self.message))
        ]).encode() + b'\n' + zone + self.message

    def faults(self, found):
        for name, want in self.want.items():
            is_list = isinstance(want, list)
            have = found.get(name, [])
            wants = want if is_list else [want]
            if len(wants) != len(have) or not all(is_fit(w, h) for w, h in zip(wants, have)):
                yield f'{self.what}: {name} is {have}, not {want}'


def is_fit(want, have):
    if want.startswith('not '):
        return have.split(' ')[0] != want.removeprefix('not ')
    return have == want or bool(want) and have.startswith(want + ' ')


def judge(program, cases):
    """[{name: [value, ...]}]"""
    ended = subprocess.run([program],
                           input=b''.join(case.frame() for case in cases),
                           stdout=subprocess.PIPE,
                           check=True)
    for line in ended.stdout.decode('latin-1').split('\n')[:-1]:
        found = {}
        for field in line.split('\t'):
            name, _, value = field.partition('=')
            found.setdefault(name, []).append(value.strip())
        yield found


def main(make_cases, least):
    """Exit status: 0 all as they should be, 77 in a build of some targets only."""
    if not pathlib.Path(sys.argv[1]).exists():
        return 77
    cases = make_cases()
    found = list(judge(sys.argv[1], cases))
    faults = [fault for case, one in zip(cases, found, strict=True) for fault in case.faults(one)]
    print('\n'.join(faults + [f'{len(cases)} cases, {len(faults)} faults']))
    return 1 if faults or len(cases) < least else 0
