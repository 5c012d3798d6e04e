"""The blocks of a guide in docs/, so that a test can follow them to the letter."""
import os
import re
import subprocess

from server import ROOT, SANITIZER


def blocks(guide, language):
    text = (ROOT / 'docs' / guide).read_text()
    return re.findall(rf'^```{language}\n(.*?)^```$', text, re.M | re.S)


def samples(guide):
    """The text of each block without a language: what a program prints."""
    text = (ROOT / 'docs' / guide).read_text()
    return [text for language, text in re.findall(r'^```([a-z ]*)\n(.*?)^```$', text, re.M | re.S)
            if not language]


def all_blocks(guide):
    """(language, text) of each block, in their order."""
    text = (ROOT / 'docs' / guide).read_text()
    return re.findall(r'^```([a-z][a-z ]*)\n(.*?)^```$', text, re.M | re.S)


def commands_of(script):
    """A script's commands, each with its lines that go on in the next one."""
    commands = re.findall(r'(?:.*\\\n)*.*[^\\]\n', script)
    assert commands and ''.join(commands) == script
    return commands


def shell(server, script, folder):
    done = subprocess.run(['sh', '-eu', '-c', script], cwd=folder, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=120,
                          env={**server.environment,
                               'PATH': f'{folder}/bin:{server.binary.parent}:{os.environ["PATH"]}'})
    assert not SANITIZER.search(done.stderr), done.stderr
    return done


def follow(server, script, folder):
    """As root at a shell would, in a folder of his own; every line must succeed."""
    done = shell(server, script, folder)
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout


def follow_refused(server, script, folder):
    """Each command of the script must fail, because a server has refused something for good."""
    for command in commands_of(script):
        done = shell(server, command, folder)
        assert done.returncode != 0 and re.search(r'^<[~*]\* +5\d\d ', done.stdout, re.M), (
            command, done.stdout, done.stderr)
