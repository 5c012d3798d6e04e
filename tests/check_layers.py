#!/usr/bin/python3
"""The layer rule: a folder of src/ includes only headers of the folders listed for it here.

Reads every #include "folder/file.h" and fails with file, line and the rule that it breaks.
"""
import pathlib
import re
import sys

PURE = {'base', 'mail', 'smtp', 'trust'}
MAY_USE = {
    'base': set(),
    'mail': {'base'},
    'smtp': {'base', 'mail'},
    'trust': {'base', 'mail', 'smtp'},
    'io': {'base', 'mail', 'config'},
    'dns': {'base', 'io', 'config'},
    'config': {'base', 'mail'},
    'account': PURE | {'io', 'dns', 'config'},
    'spool': {'base', 'mail'},
    'policy': PURE | {'io', 'dns', 'config'},
    'filter': PURE | {'io', 'dns', 'config'},
    'receive': PURE | {'io', 'dns', 'config', 'policy', 'filter', 'spool'},
    'queue': PURE | {'io', 'config', 'spool'},
    'relay': PURE | {'io', 'dns', 'config', 'policy'},
    'local': PURE | {'io', 'config'},
    'keys': PURE | {'io', 'config'},
    'history': PURE | {'io', 'config'},
    'web': PURE | {'io', 'config'},
}
TOP = {'control', 'daemon'}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# What a pure folder must not touch: descriptors, processes, the clock.
IMPURE = re.compile(r'^\s*#\s*include\s+[<"](unistd|fcntl|sys/socket|sys/stat|poll|sys/epoll|base/clock)\.h[>"]')


def main():
    root = pathlib.Path(__file__).resolve().parent.parent / 'src'
    found = []
    for path in sorted(root.rglob('*.[ch]')):
        folder = path.relative_to(root).parts[0]
        if folder not in MAY_USE:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f'{path.relative_to(root.parent)}:{number}'
            if folder in PURE - {'base'} and IMPURE.match(line):
                found.append(f'{where}: {folder} is pure: no descriptors, no clock')
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1).split('/')[0]
            if target != folder and target not in MAY_USE[folder]:
                found.append(f'{where}: {folder} may not use {target}')
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
