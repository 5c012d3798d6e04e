#!/usr/bin/python3
"""ValiMail's test suite for validating ARC chains, whole: suite.py DRIVER

Reads $NUNCIO_CORPORA/arc; without it, without python3-yaml, or in a build of some targets only, the
test is skipped (exit code 77).
"""
import pathlib
import sys

import arc

try:
    import yaml
except ImportError:
    sys.exit(77)

# A chain that says cv=fail of itself has no expected value there; RFC 8617 section 5.2 step 2.
WANTED = {'None': 'none', None: 'none', 'Pass': 'pass', 'Fail': 'fail', '': 'fail'}


def run(program, scenario):
    cases = scenario['tests']
    messages = [case['message'].replace('\n', '\r\n').encode() for case in cases.values()]
    failed = 0
    for (name, case), found in zip(cases.items(), arc.judge(program, scenario['txt-records'], messages),
                                   strict=True):
        if found[0] != WANTED[case['cv']]:
            failed += 1
            print(f'{scenario["description"]}: {name} ({case["description"]}): {found}, not {case["cv"]}')
    return failed, len(cases)


def main():
    path = arc.corpora() / 'arc/arc-draft-validation-tests.yml'
    if not path.exists() or not pathlib.Path(sys.argv[1]).exists():
        sys.exit(77)
    with open(path, encoding='utf-8') as file:
        counts = [run(sys.argv[1], scenario) for scenario in yaml.safe_load_all(file)]
    failed, total = (sum(column) for column in zip(*counts))
    print(f'{total} cases, {failed} failed')
    return 1 if failed or total < 40 else 0


if __name__ == '__main__':
    sys.exit(main())
