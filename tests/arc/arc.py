"""The program that judges chains (arc_driver.c)."""
import os
import pathlib
import subprocess
import tempfile


def record(owner, text):
    """A TXT record of a master file, in strings of 200 bytes."""
    parts = [text[i:i + 200] for i in range(0, len(text), 200)] or ['']
    quoted = ' '.join('"' + part.replace('\\', '\\\\').replace('"', '\\"') + '"' for part in parts)
    return f'{owner} TXT {quoted}'


def judge(program, records, messages):
    """[bytes] -> [(result, sets, oldest-pass, problem)], by {name: text of TXT}."""
    with tempfile.NamedTemporaryFile('w', suffix='.zone') as file:
        file.write('\n'.join(record(*item) for item in records.items()) + '\n')
        file.flush()
        framed = b''.join(b'%d\n%s' % (len(message), message) for message in messages)
        ended = subprocess.run([program, file.name], input=framed, stdout=subprocess.PIPE, check=True)
    return [tuple(line.split('\t')) for line in ended.stdout.decode().splitlines()]


def corpora():
    here = pathlib.Path(__file__).resolve().parent
    return pathlib.Path(os.environ.get('NUNCIO_CORPORA', here / '../../../shared/corpora'))
