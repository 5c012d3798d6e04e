"""Zone files and the program that judges by them (spf_driver.c)."""
import os
import subprocess
import tempfile


def quote(text):
    """A string of a master file; str stands for its Latin-1 bytes."""
    data = text.encode('latin-1') if isinstance(text, str) else text
    return '"' + ''.join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f'\\{b:03d}' for b in data) + '"'


def name(text):
    return ''.join(c if c.isalnum() and c.isascii() or c in '-_.' else f'\\{ord(c):03d}' for c in text) or '.'


def judge(program, zone, questions):
    """[(ip, helo, sender)] -> [(result, explanation, problem)], by the lines of a zone file."""
    with tempfile.NamedTemporaryFile('w', suffix='.zone') as file:
        file.write('\n'.join(zone) + '\n')
        file.flush()
        lines = (f'{ip}\t{helo.encode("latin-1").hex()}\t{sender.encode("latin-1").hex()}\n'
                 for ip, helo, sender in questions)
        ended = subprocess.run([program, file.name], input=''.join(lines), stdout=subprocess.PIPE,
                               text=True, check=True)
    return [tuple(line.split('\t')) for line in ended.stdout.splitlines()]


def corpora():
    here = os.path.dirname(os.path.abspath(__file__))
    return os.environ.get('NUNCIO_CORPORA', os.path.join(here, '../../../shared/corpora'))
