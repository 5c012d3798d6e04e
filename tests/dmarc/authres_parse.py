#!/usr/bin/python3
"""Authentication-Results with strings of strangers, read by python3-authres: authres_parse.py DRIVER

Whatever the strings are, it must find the results that we wrote, no other, and harmless values. And
fields of all spellings: where it reads another authserv-id than ours, so do we; what it cannot read
may be anything. Without python3-authres, or in a build of some targets only, the test is skipped (exit 77).
"""
import pathlib
import random
import re
import subprocess
import sys

try:
    import authres
    import authres.arc
    import authres.dmarc
except ImportError:
    sys.exit(77)

CONTEXT = authres.FeatureContext(authres.dmarc, authres.arc)
STRINGS = 15
WRITTEN = [('iprev', 'fail'), ('spf', 'softfail'), ('dkim', 'fail'), ('arc', 'fail'), ('dmarc', 'permerror')]
PIECES = ['example.com', 'a', 'joe', '@', ';', ' ', '"', '(', ')', '\\', '=', 'dkim=pass', 'header.d=', '\r\n', '\t',
          '\0', 'ü', '/', '+', '2001:db8::1', '192.0.2.1', ',', '<', '>', '\x7f', 'x' * 90, '; dmarc=pass ', "'"]
OURS = ['mx.example.org', 'MX.example.ORG', '"mx.example.org"', '"mx.\\example.org"']
OTHERS = ['mx.example.net', 'example.org', 'a.mx.example.org', '"mx.example.net"', 'mx-example.org', 'localhost']
SPACES = [' ', '\t', '\r\n ', ' (c) ', ' (mx.example.org; \\) ) ', '(a(b)c)']


def make_string(rng):
    return ''.join(rng.choice(PIECES) for _ in range(rng.randrange(6)))


def make_value(rng):
    space = [rng.choice(SPACES + ['']) for _ in range(2)]
    version = rng.choice(['', '', rng.choice(SPACES) + '1'])
    value = space[0] + rng.choice(OURS + OTHERS) + version + space[1] + '; ' + rng.choice(['none', 'dkim=pass', ''])
    if rng.random() < 0.4:
        at = rng.randrange(len(value))
        value = value[:at] + rng.choice([';', '"', '(', ')', '\\', '=', '.', ' ', '']) + value[at + rng.randrange(2):]
    return value


def read_id(value):
    try:
        return CONTEXT.parse('Authentication-Results:' + value).authserv_id.lower()
    except Exception:  # whatever it stumbles over
        return None


def is_field(text):
    """As the reader of python3-authres sees it."""
    found = CONTEXT.parse(text)
    results = [(result.method, result.result) for result in found.results]
    values = [p.value for result in found.results for p in result.properties]
    return (found.authserv_id == 'mx.example.org' and results == WRITTEN
            and all(re.fullmatch(r'[A-Za-z0-9.:/+=@_-]+', value) for value in values)
            and re.fullmatch(r'[ -~]+(\r\n [ -~]+)*\r\n', text))


def main():
    rng = random.Random(8601)
    many = 10000 if '--long' in sys.argv else 500
    written = [[make_string(rng) for _ in range(STRINGS)] for _ in range(many)]
    values = [make_value(rng) for _ in range(many)]
    lines = ['\t'.join(['write'] + [s.encode().hex() for s in strings]) for strings in written]
    lines += ['whose\t' + value.encode().hex() for value in values]
    ended = subprocess.run([sys.argv[1]], input='\n'.join(lines) + '\n', stdout=subprocess.PIPE, text=True, check=True)
    answers = [bytes.fromhex(line).decode() for line in ended.stdout.splitlines()]
    failed = [(strings, text) for strings, text in zip(written, answers) if not is_field(text)]
    others = 0
    for value, answer in zip(values, answers[many:], strict=True):
        found = read_id(value)
        others += answer == 'other'
        if found == 'mx.example.org':
            wrong = answer == 'other'
        else:  # ours is also what cannot be read; a plain name with plain spaces can
            wrong = answer == 'ours' and found and re.match(r'[ \t]*[a-z.-]+[ \t]*(1[ \t]*)?;', value)
        if wrong:
            failed.append((value, answer, found))
    for one in failed[:5]:
        print('---', *one, sep='\n')
    print(f'{many} fields written, {many} read ({others} of others), {len(failed)} differences')
    return 1 if failed or others < many / 5 else 0


if __name__ == '__main__':
    sys.exit(main() if pathlib.Path(sys.argv[1]).exists() else 77)
