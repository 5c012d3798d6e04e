#!/usr/bin/python3
"""Compares our SPF with python3-spf and Mail::SPF over generated records: compare.py DRIVER

    [--seed N] [--cases N] [--long] [--show]

All cases of a run share one zone and are judged by one process of each program. A difference must
be explained by an entry of EXPLAINED below; one that is not fails the test. --long: 50 times as
many cases, with 50 seeds. Without the other programs the test is skipped.
"""
import argparse
import collections
import json
import pathlib
import random
import re
import subprocess
import sys

import driver

CLIENTS = '192.0.2.1', '192.0.2.77', '198.51.100.9', '2001:db8::1', '2001:db8:7::9'
FAIL = None


# ---- the world ----------------------------------------------------------------------------------

def reverse(ip):
    if ':' not in ip:
        return '.'.join(reversed(ip.split('.'))) + '.in-addr.arpa'
    import ipaddress
    return ipaddress.ip_address(ip).reverse_pointer


def base_records():
    """What all cases share."""
    records = collections.defaultdict(list)

    def add(name, kind, *data):
        records[name, kind].extend(data)

    for i in range(8):
        add(f'h{i}.example', 'A', f'192.0.2.{i}', f'198.51.100.{i + 4}')
    for i in range(4, 10):
        add(f'h{i}.example', 'AAAA', f'2001:db8::{i - 3}', f'2001:db8:7::{i}')
    for i in range(5):
        add(f'm{i}.example', 'MX', *[(10 * j, f'h{(i + j) % 11}.example') for j in range(i + 1)])
    add('m5.example', 'MX', (0, '.'))
    add('m6.example', 'MX', *[(j, f'h{j % 8}.example') for j in range(11)])
    add('m7.example', 'MX', (0, 'broken.example'), (1, 'h1.example'))
    for kind in ('A', 'AAAA', 'MX', 'TXT', 'PTR'):
        records['broken.example', kind] = FAIL
    add(reverse(CLIENTS[0]), 'PTR', 'h1.example', 'nobody.example')
    add(reverse(CLIENTS[1]), 'PTR', 'h5.example', 'fake.example')
    add(reverse(CLIENTS[3]), 'PTR', 'wrong.example', 'sub.h4.example', 'h4.example')
    records[reverse(CLIENTS[4]), 'PTR'] = FAIL
    add('sub.h4.example', 'AAAA', '2001:db8::1')
    add('wrong.example', 'A', '203.0.113.1')
    add('_spf.example', 'TXT', 'v=spf1 ip4:192.0.2.0/28 ip6:2001:db8:7::/48 ~all')
    add('deep.example', 'TXT', 'v=spf1 include:_spf.example a:h5.example ?all')
    add('nospf.example', 'TXT', 'hello')
    add('twice.example', 'TXT', 'v=spf1 -all', 'v=spf1 ?all')
    add('syntax.example', 'TXT', 'v=spf1 foo:bar -all')
    add('why.example', 'TXT', '%{i} of %{h} is not %{s} %{L} %{d2r} (%{c}, %{r}, %{v})')
    add('why2.example', 'TXT', 'one', 'two')
    add('why3.example', 'TXT', 'bad %{z}')
    add('joe.u.example', 'A', '127.0.0.2')
    add('doe.joe.u.example', 'A', '127.0.0.2')
    for ip in CLIENTS:
        add(ip.replace(':', '-') + '.list.example', 'A', '127.0.0.2')
    add('1.2.0.192.in-addr.r.example', 'A', '127.0.0.2')
    return records


def pick_prefix(rng, most):
    return rng.choice(['', f'/{rng.randrange(most + 1)}', f'/{most}', '/0', f'/{most + rng.randrange(3)}'])


def pick_macro(rng):
    letter = rng.choice('sloddiivhSLp')
    return ('%{' + letter + rng.choice(['', '', '1', '2', '3', '127', '0']) + rng.choice(['', '', 'r'])
            + rng.choice(['', '', '-', '.-', '+', '.,/=_']) + '}')


def pick_name(rng):
    kind = rng.randrange(20)
    if kind < 9:
        return f'h{rng.randrange(12)}.example'
    if kind < 12:
        return f'm{rng.randrange(8)}.example'
    if kind < 13:
        return rng.choice(['broken.example', 'nobody.example', 'h1.example.', 'H2.Example', 'x..example'])
    if kind < 16:
        return pick_macro(rng) + rng.choice(['.u.example', '.list.example', '.r.example', '', '.example'])
    if kind < 17:
        return pick_macro(rng) + '.' + pick_macro(rng) + '.r.example'
    return rng.choice(['_spf.example', 'deep.example', 'nospf.example', 'twice.example', 'syntax.example',
                       'c%d.example' % rng.randrange(4000), 'example', '1.2.3.4', 'a.b-', 'x%%y.example',
                       'a%_b.example', 'foo:bar/baz.example'])


def pick_mechanism(rng):
    kind = rng.randrange(16)
    if kind < 4:
        net = rng.choice(['192.0.2.0', '192.0.2.1', '198.51.100.0', '10.0.0.1', '192.0.2.77'])
        return f'ip4:{net}{pick_prefix(rng, 32)}'
    if kind < 6:
        net = rng.choice(['2001:db8::', '2001:DB8::1', '2001:db8:7::9', '::1', '::ffff:192.0.2.1'])
        return f'ip6:{net}{pick_prefix(rng, 128)}'
    if kind < 9:
        return 'a' + rng.choice(['', ':' + pick_name(rng)]) + pick_prefix(rng, 32) + \
            rng.choice(['', '', '/' + (pick_prefix(rng, 128) or '/64')])
    if kind < 11:
        return 'mx' + rng.choice(['', ':' + pick_name(rng), f':m{rng.randrange(8)}.example']) + pick_prefix(rng, 32)
    if kind < 14:
        return 'include:' + rng.choice(['_spf.example', 'deep.example', pick_name(rng)])
    if kind < 15:
        return 'exists:' + pick_name(rng)
    return 'ptr' + rng.choice(['', ':example', ':h1.example', ':' + pick_name(rng)])


def pick_modifier(rng):
    return rng.choice(['redirect=_spf.example', 'redirect=deep.example', 'redirect=' + pick_name(rng),
                       'exp=why.example', 'exp=why.example', 'exp=why2.example', 'exp=why3.example',
                       'exp=' + pick_name(rng), 'moo=x%{d}y', 'a.b-c_d=', 'moo=%', '1a=b'])


def mutate(rng, record):
    """Now and then something that nobody would write."""
    if rng.randrange(12):
        return record
    at = rng.randrange(6, len(record) + 1)
    what = rng.choice([' ', '/', ':', '=', '%', '-', 'X', '\t', '\xe9', '..', '{', '0', ','])
    return record[:at] + what + record[at + rng.randrange(2):]


def pick_record(rng):
    terms = [rng.choice(['', '', '', '+', '-', '~', '?']) + pick_mechanism(rng)
             for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 12]))]
    if rng.randrange(2):
        terms.append(rng.choice(['-all', '-all', '~all', '?all', 'all', '-ALL', 'all:x']))
    if rng.randrange(3) == 0:
        terms.insert(rng.randrange(len(terms) + 1), pick_modifier(rng))
    version = rng.choice(['v=spf1'] * 30 + ['V=SPF1', 'v=spf10'])
    return mutate(rng, rng.choice([' '] * 20 + ['  ']).join([version] + terms))


def pick_cases(rng, count):
    """Records of the cases added to the shared ones; [(ip, helo, sender)]."""
    records, questions = base_records(), []
    for i in range(count):
        name = f'c{i}.example'
        records[name, 'TXT'].append(pick_record(rng))
        if rng.randrange(4) == 0:
            records[name, 'A'].append(f'192.0.2.{rng.randrange(3)}')
        if rng.randrange(6) == 0:
            records[name, 'MX'].append((10, f'h{rng.randrange(10)}.example'))
        local = rng.choice(['joe', 'joe', 'joe-doe', 'a+b', 'J.Doe', 'x_y'])
        questions.append((rng.choice(CLIENTS), rng.choice(['h1.example', 'helo', 'mail.c1.example']),
                          f'{local}@{name}'))
    return records, questions


def zone_lines(records):
    for (name, kind), data in records.items():
        if data is FAIL:
            yield f'{driver.name(name)} {kind} !servfail'
            continue
        for value in data:
            text = (driver.quote(value) if kind == 'TXT' else f'{value[0]} {driver.name(value[1])}'
                    if kind == 'MX' else value)
            yield f'{driver.name(name)} {kind} {text}'


# ---- the others ---------------------------------------------------------------------------------

def judge_by_pyspf(records, questions):
    import ipaddress
    import spf

    def look_up(name, kind, *_, **__):
        data = records.get((name.lower().rstrip('.'), kind), [])
        if data is FAIL:
            raise spf.TempError('DNS SERVFAIL')
        for value in data:
            if kind == 'TXT':
                value = (value.encode('latin-1'),)
            elif kind == 'AAAA':
                value = ipaddress.ip_address(value).packed
            elif kind == 'MX':
                value = (value[0], value[1] if value[1] != '.' else '')
            yield (name, kind), value

    spf.DNSLookup = look_up
    answers = []
    for ip, helo, sender in questions:
        try:
            query = spf.query(i=ip, s=sender, h=helo, receiver='mx.receiver.example', strict=True, timeout=20,
                              querytime=0)
            query.set_default_explanation('')
            result, _, text = query.check()
        except Exception as error:
            result, text = 'died', repr(error)
        answers.append((result, text if result in ('fail', 'died', 'permerror') else ''))
    return answers


def judge_by_mail_spf(records, questions):
    names = set()
    for name, _ in records:
        parts = name.split('.')
        names.update('.'.join(parts[i:]) for i in range(len(parts)))
    given = {'records': {f'{name} {kind}': data for (name, kind), data in records.items()},
             'names': {name: 1 for name in names}, 'questions': questions}
    program = pathlib.Path(__file__).with_name('mail_spf.pl')
    ended = subprocess.run(['perl', str(program)], input=json.dumps(given), stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, check=True)
    return [(result, '' if text == 'DEFAULT' else text, more) for result, text, more in json.loads(ended.stdout)]


# ---- differences --------------------------------------------------------------------------------

PYSPF, MAIL_SPF = 'pyspf', 'Mail::SPF'
BOTH = PYSPF, MAIL_SPF


class Case:
    def __init__(self, question, record, ours, theirs):
        self.ip, self.helo, self.sender = question
        self.record = record.lower()
        self.ours, self.why = ours[0], ours[2]
        self.theirs, self.text = theirs[0], ' '.join(theirs[1:])

    def differ(self, ours, theirs):
        return self.ours == ours and self.theirs == theirs


# Whose difference, how it is known, and the paragraph of RFC 7208 that says so.
EXPLAINED = [
    (BOTH, lambda c: c.theirs == 'temperror' and c.ip == CLIENTS[4] and re.search(r'ptr|%{p', c.record),
     '5.5: after a DNS error for the PTR records "ptr" does not match; 7.3: then %{p} is "unknown"'),
    (BOTH, lambda c: '0 parts' in c.why,
     '7.3: a number of parts must not be zero; 4.6: errors count wherever they stand'),
    (PYSPF, lambda c: c.ours == 'permerror' and '"exp=' in c.why,
     '4.6: an error in the syntax of exp= is an error of the record'),
    (MAIL_SPF, lambda c: 'oid' in c.text and '..' in c.record,
     '4.6.4 counts answers: for a name with an empty label nobody is asked'),
    (MAIL_SPF, lambda c: 'oid' in c.text and 'mx:m5.' in c.record,
     '4.6.4 counts answers: for the host "." of a null MX (RFC 7505) nobody is asked'),
    (PYSPF, lambda c: 'oid' in c.text and 'mx' in c.record,
     '4.6.2, 5.4: once a host has matched, those behind it are not asked for'),
    (MAIL_SPF, lambda c: 'lacks a name' in c.why,
     '5.3, 7.1: behind ":" belongs a domain-spec, which is not empty'),
    (PYSPF, lambda c: 'trivial recursion' in c.text,
     '4.6.2: a term behind the one that matches is not evaluated, and recursion is no syntax error'),
    (BOTH, lambda c: re.search('a macro is not closed|no such macro letter', c.why),
     '7.1: macro-expand is "%{", a letter, digits, "r", delimiters out of . - + , / _ =, "}"'),
    (MAIL_SPF, lambda c: "follows the mechanism's name" in c.why,
     '4.6.1, 5: behind the name of a mechanism come ":" domain-spec and "/" lengths, nothing else'),
    (PYSPF, lambda c: '\t' in c.record and c.ours == 'permerror',
     '7.1: a macro-literal is %x21-24 or %x26-7E'),
    (MAIL_SPF, lambda c: not c.record.isascii() and c.ours == 'permerror',
     '3.1, 4.6.1: records are ASCII'),
    (BOTH, lambda c: 'oid' in c.text and c.theirs == 'permerror' and re.search(r'ptr|%{p', c.record),
     '4.6.4 counts terms whose lookups are void: addresses of names of the client are none'),
    (MAIL_SPF, lambda c: 'more than 10 MX' in c.why,
     '4.6.4: more than 10 MX records are a permerror (Mail::SPF: RFC 4408, ignored)'),
    (MAIL_SPF, lambda c: ':' not in c.ip and 'ip6:' in c.text.lower(),
     '5: an IPv4 client is compared with IPv4 addresses alone'),
]


def is_explained(whose, case):
    return any(whose in entry[0] and entry[1](case) for entry in EXPLAINED)


def reachable(records, domain):
    """The record of a domain with those of the cases that it includes, redirects or explains by."""
    seen, left = {}, [domain]
    while left:
        name = left.pop()
        if name not in seen:
            seen[name] = (records.get((name, 'TXT')) or [''])[0]
            left += re.findall(r'c\d+\.example', seen[name].lower())
    return '\n'.join(seen.values())


def compare(whose, records, questions, ours, theirs, show):
    unexplained = 0
    for question, our, their in zip(questions, ours, theirs):
        same_text = our[0] != 'fail' or our[1].lower() == their[1].lower()
        if our[0] == their[0] and same_text:
            continue
        record = reachable(records, question[2].rpartition('@')[2])
        if is_explained(whose, Case(question, record, our, their)):
            continue
        unexplained += 1
        if unexplained <= show:
            print(f'{whose}: {question} {record!r}\n    ours {our}\n    theirs {their}')
    return unexplained


def run(arguments, seed):
    records, questions = pick_cases(random.Random(seed), arguments.cases)
    ours = driver.judge(arguments.driver, zone_lines(records), questions)
    failed = 0
    for whose, judge in ('pyspf', judge_by_pyspf), ('Mail::SPF', judge_by_mail_spf):
        failed += compare(whose, records, questions, ours, judge(records, questions), arguments.show)
    return failed


def is_there(command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('driver')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=2000)
    parser.add_argument('--long', action='store_true')
    parser.add_argument('--show', type=int, default=10)
    arguments = parser.parse_args()
    if not is_there(['/usr/bin/python3', '-c', 'import spf']) or not is_there(['perl', '-MMail::SPF', '-e1']):
        return 77
    failed = 0
    for seed in range(arguments.seed, arguments.seed + (50 if arguments.long else 1)):
        failed += run(arguments, seed)
    print(f'{failed} differences that nothing explains')
    return 1 if failed else 0


sys.exit(main())
