#!/usr/bin/python3
"""The table of events in docs/log-events.md, read from the sources.

    tests/log_events.py           fails, and says where, when the table is not what the sources say
    tests/log_events.py --write   writes it
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / 'docs' / 'log-events.md'
HEAD = '| event | from | fields |\n|---|---|---|\n'
CALL = re.compile(r'\blog_(?:info|warn|error|at|write)\(')
NAME = re.compile(r'"([a-z][a-z0-9-]*)"')
FIELD = re.compile(r'LOG_(?:SLICE|STR|INT)\(\s*"([a-z0-9_]+)"')


def argument_list(text, start):
    """The text up to the bracket that closes the one before `start`."""
    depth, quoted = 1, False
    for at in range(start, len(text)):
        char = text[at]
        if char == '"' and text[at - 1] != '\\':
            quoted = not quoted
        elif not quoted and char in '()':
            depth += 1 if char == '(' else -1
            if not depth:
                return text[start:at]
    return text[start:]


def events():
    """{(event, folder): fields}"""
    found = {}
    for path in sorted((ROOT / 'src').glob('*/*.c')):
        folder = path.parent.name
        if folder in ('base', 'control'):
            continue
        text = path.read_text()
        for call in CALL.finditer(text):
            arguments = argument_list(text, call.end())
            head = arguments.split('LOG_SLICE')[0].split('LOG_STR')[0].split('LOG_INT')[0]
            name = NAME.search(head)
            if not name:
                continue
            fields = found.setdefault((name.group(1), folder), [])
            names = FIELD.findall(arguments) + (['error'] if 'LOG_ERRNO' in arguments else [])
            fields.extend(field for field in names if field not in fields)
    return found


def table():
    rows = [f'| {name} | {folder} | {", ".join(fields)} |\n'
            for (name, folder), fields in sorted(events().items())]
    return HEAD + ''.join(rows)


def main():
    text = DOC.read_text()
    before, _, _ = text.partition(HEAD)
    wanted = before + table()
    if '--write' in sys.argv:
        DOC.write_text(wanted)
        return 0
    if wanted == text:
        return 0
    for line in sorted(set(wanted.splitlines()) ^ set(text.splitlines())):
        print(f'{"missing" if line in wanted else "not in the sources"}: {line}')
    print('docs/log-events.md does not say what the sources do; tests/log_events.py --write')
    return 1


if __name__ == '__main__':
    sys.exit(main())
