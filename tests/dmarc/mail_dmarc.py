#!/usr/bin/python3
"""Generated records and messages, judged by Mail::DMARC and by us: mail_dmarc.py DRIVER [--long]

It is of RFC 7489, with a list of public suffixes; what must differ by RFC 9989, and by which
paragraph, is in `explained`. Without Mail::DMARC, or in a build of some targets only, the test is
skipped (exit 77).
"""
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def make_record(rng, domain):
    def maybe(name, values, chance):
        return [f'{name}={rng.choice(values)}'] if rng.random() < chance else []
    tags = (maybe('p', ['none', 'quarantine', 'reject', 'Reject', 'discard'], 0.95)
            + maybe('sp', ['none', 'quarantine', 'reject', 'NONE', 'x'], 0.4)
            + maybe('adkim', ['r', 's', 'S'], 0.3) + maybe('aspf', ['r', 's', 'R'], 0.3)
            + maybe('rua', [f'mailto:a@{domain}', f'mailto:a@{domain}!10m,mailto:b@{domain}'], 0.5)
            + maybe('fo', ['0', '1', 'd:s'], 0.2) + maybe('x', ['y', '1'], 0.2))
    if rng.random() < 0.3:
        rng.shuffle(tags)
    separator = rng.choice(['; ', ';', ' ; '])
    version = rng.choice(['v=DMARC1'] * 12 + ['v=DMARC2', 'v=spf1 -all'])
    return separator.join([version] + tags) + rng.choice(['', ';'])


def make_case(rng, i):
    top = f'd{i}.com'
    names = [top, 's.' + top, 'a.s.' + top, 't.' + top]
    records = {name: [make_record(rng, top) for _ in range(rng.choice((1, 1, 1, 1, 2)))]
               for name, chance in zip(names, (0.8, 0.3, 0.1, 0.1)) if rng.random() < chance}
    others = names + ['other.com', 'x' + top, top.upper()]
    return {'records': records, 'author': rng.choice(names[:3]), 'top': top,
            'spf': rng.choice(others + ['-'] * 3),
            'dkim': [rng.choice(others) for _ in range(rng.choice((0, 0, 1, 2)))]}


def run(command, lines, records, form):
    with tempfile.NamedTemporaryFile('w', suffix='.zone') as file:
        file.writelines(form(name, text) for name, text in records)
        file.flush()
        ended = subprocess.run(command + [file.name], input=''.join(lines), stdout=subprocess.PIPE, text=True, check=True)
    return [line.split('\t') for line in ended.stdout.splitlines()]


def is_record(text):
    return text.replace(' ', '').split(';')[0] == 'v=DMARC1'


def explained(case, ours, theirs):
    """Where RFC 9989 says other than RFC 7489, or Mail::DMARC other than both."""
    result, _, where, organization = ours[:4]
    found = {name: texts for name, texts in case['records'].items() if any(map(is_record, texts))}
    # Section 4.10 step 2: two records are none, and the walk goes on; there they end it.
    if any(sum(map(is_record, texts)) > 1 for texts in found.values()):
        return True
    # Section 4.10: records on the way up, and at the organizational domain itself, are found; with a
    # list of suffixes the organization is always the name below .com.
    if organization != case['top'] or case['top'] not in found:
        return True
    # Section 4.10.1: without a valid policy and without rua there is no DMARC; there it is "fail".
    if result == 'permerror':
        return True
    # The same section: with rua it is as if p were none. There all is given up where p or sp is wrong.
    if theirs[0] == 'error' or any('p=discard' in text for text in found[where]):
        return True
    # Section 4.4: names are compared in any case; there SPF's are not.
    return case['spf'] != case['spf'].lower()


def main():
    rng = random.Random(9989)
    cases = [make_case(rng, i) for i in range(20000 if '--long' in sys.argv else 600)]
    records = [('_dmarc.' + name, text) for case in cases for name, texts in case['records'].items() for text in texts]
    lines = ['\t'.join([case['author'], case['spf']] + case['dkim']) + '\n' for case in cases]
    theirs = run(['perl', str(HERE / 'mail_dmarc.pl')], lines, records, lambda name, text: f'{name}\t{text}\n')
    ours = run([sys.argv[1]], lines, records, lambda name, text: f'{name} TXT "{text}"\n')
    count, failed, same = {}, 0, 0
    for case, our, their in zip(cases, ours, theirs, strict=True):
        policy = our[1] if our[0] == 'fail' else 'none'
        count[our[0]] = count.get(our[0], 0) + 1
        if [our[0], policy] == their:
            same += 1
        elif not explained(case, our, their):
            failed += 1
            if failed <= 5:
                print(f'--- {case}\nwe: {our}; Mail::DMARC: {their}')
    print(f'{len(cases)} messages: {count}; {same} the same, {failed} differences')
    return 1 if failed or same < len(cases) / 2 else 0


if __name__ == '__main__':
    if subprocess.run(['perl', '-MMail::DMARC::PurePerl', '-e1'], stderr=subprocess.DEVNULL, check=False).returncode or not pathlib.Path(sys.argv[1]).exists():
        sys.exit(77)
    sys.exit(main())
