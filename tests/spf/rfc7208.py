#!/usr/bin/python3
"""The test suite of openspf.org for RFC 7208, whole: rfc7208.py DRIVER

Reads $NUNCIO_CORPORA/spf/rfc7208-tests.yml; without it, or without python3-yaml, the test is
skipped (exit code 77).
"""
import pathlib
import sys

import driver

try:
    import yaml
except ImportError:
    sys.exit(77)

TYPES = 'A', 'AAAA', 'MX', 'PTR', 'TXT'


def data(kind, value):
    if kind == 'TXT':
        return ' '.join(driver.quote(s) for s in ([value] if isinstance(value, str) else value)) or '""'
    if kind == 'MX':
        return f'{value[0]} {driver.name(value[1])}'
    return driver.name(value) if kind in ('PTR', 'CNAME') else value


def zone_lines(zonedata):
    """Records of type SPF are TXT where there is no TXT; TIMEOUT is for what is not listed."""
    for owner, entries in zonedata.items():
        records = [next(iter(e.items())) for e in entries if isinstance(e, dict)]
        kinds = {kind for kind, _ in records}
        if 'TXT' not in kinds:
            records = [('TXT' if kind == 'SPF' else kind, value) for kind, value in records]
        records = [(kind, value) for kind, value in records if kind != 'SPF' and value != 'NONE']
        for kind, value in records:
            yield f'{driver.name(owner)} {kind} {data(kind, value)}'
        if 'TIMEOUT' in entries:
            for kind in set(TYPES) - {kind for kind, _ in records}:
                yield f'{driver.name(owner)} {kind} !timeout'


def is_right(case, result, explanation):
    wanted = case['result'] if isinstance(case['result'], list) else [case['result']]
    text = case.get('explanation')
    return result in wanted and (text is None or (text if text != 'DEFAULT' else '') == explanation)


def run_scenario(program, scenario):
    cases = scenario['tests']
    answers = driver.judge(program, zone_lines(scenario['zonedata']),
                           [(c['host'], c['helo'], c['mailfrom']) for c in cases.values()])
    assert len(answers) == len(cases)
    failed = 0
    for (name, case), (result, explanation, problem) in zip(cases.items(), answers):
        if is_right(case, result, explanation):
            continue
        failed += 1
        print(f'{scenario["description"]}: {name}: {result} ({explanation!r}, {problem!r}), wanted '
              f'{case["result"]} ({case.get("explanation")!r})')
    return len(cases) - failed, failed


def main():
    path = pathlib.Path(driver.corpora()) / 'spf/rfc7208-tests.yml'
    if not path.exists():
        return 77
    tallies = [run_scenario(sys.argv[1], s) for s in yaml.safe_load_all(path.read_text()) if s]
    print(f'[  PASSED  ] {sum(t[0] for t in tallies)} test(s).')
    failed = sum(t[1] for t in tallies)
    if failed:
        print(f'[  FAILED  ] {failed} test(s).')
    return 1 if failed else 0


sys.exit(main())
