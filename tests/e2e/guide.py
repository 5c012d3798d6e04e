"""The blocks of a guide in docs/, so that a test can follow them to the letter."""
import os
import re
import subprocess

from server import ROOT, SANITIZER


def blocks(guide, language):
    text = (ROOT / 'docs' / guide).read_text()
    return re.findall(rf'^```{language}\n(.*?)^```$', text, re.M | re.S)


def shell(server, script, folder):
    done = subprocess.run(['sh', '-eu', '-c', script], cwd=folder, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=120,
                          env={**server.environment,
                               'PATH': f'{server.binary.parent}:{os.environ["PATH"]}'})
    assert not SANITIZER.search(done.stderr), done.stderr
    return done


def follow(server, script, folder):
    """As root at a shell would, in a folder of his own; every line must succeed."""
    done = shell(server, script, folder)
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout


def follow_refused(server, script, folder):
    """Each command of the script must fail, because a server has refused something for good."""
    commands = re.findall(r'(?:.*\\\n)*.*[^\\]\n', script)
    assert commands and ''.join(commands) == script
    for command in commands:
        done = shell(server, command, folder)
        assert done.returncode != 0 and re.search(r'^<[~*]\* +5\d\d ', done.stdout, re.M), (
            command, done.stdout, done.stderr)
