"""docs/moving-from-postfix-dovecot.md is followed to the letter against a Dovecot. Only paths and
ports are the test's own; the blocks called `console` are for the machine's services, and not run."""
import os
import pathlib
import shutil
import smtplib

import pytest

import peers
from guide import blocks, follow, follow_refused
from peers import Dovecot, Sink, wait_until

GUIDE = 'moving-from-postfix-dovecot.md'

pytestmark = [
    pytest.mark.skipif(not peers.available('dovecot'), reason='needs root and Dovecot'),
    pytest.mark.skipif(not shutil.which('swaks'), reason='needs swaks'),
]

USERS = '''
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
  default_fields = uid={uid} gid={gid} home={folder}/home/%d/%n
}}
'''
VIRTUAL = '''\
# as Postfix has it
sales@example.org   joe@example.org, ann@example.org
'''


class Place:
    """Where the guide's files and ports are in this test."""

    def __init__(self, folder):
        self.folder, self.desk = folder, folder / 'desk'
        self.dovecot, self.branch = folder / 'dovecot', Sink()
        self.mail = folder / 'theirs'
        for path in (self.desk, self.dovecot, folder / 'postfix', self.mail):
            path.mkdir(parents=True, exist_ok=True)
        os.chown(self.mail, 65534, 65534)
        (folder / 'postfix/virtual').write_text(VIRTUAL)
        (self.dovecot / 'users').write_text('joe@example.org:{PLAIN}secret:::::\n'
                                            'ann@example.org:{PLAIN}other:::::\n')
        self.ports = {'2525': peers.free_port(), '2587': peers.free_port(),
                      '2526': self.branch.port}

    def map(self, text):
        text = text.replace('/etc/nuncio', str(self.folder / 'server0'))
        text = text.replace('/etc/postfix', str(self.folder / 'postfix'))
        text = text.replace('/run/dovecot', str(self.dovecot / 'run'))
        for port, mine in self.ports.items():
            text = text.replace(f'127.0.0.1:{port}', f'127.0.0.1:{mine}')
        return text

    def arrived(self, user):
        return len(list((self.mail / 'example.org' / user / 'new').glob('*')))


@pytest.fixture
def place(folder):
    place = Place(folder)
    with place.branch:
        yield place


def configure(server, place, text):
    """The guide's file with the test's folder of state."""
    server.conf.write_text(f'state {server.state}\n' + place.map(text))


def test_the_guide_works_as_it_stands(make_server, place):
    [sockets] = blocks(GUIDE, 'dovecot')
    trial, final = blocks(GUIDE, 'nuncio')
    scripts = [place.map(script) for script in blocks(GUIDE, 'sh')]
    users = USERS + sockets.replace('{', '{{').replace('}', '}}')
    with Dovecot(place.dovecot, f'{place.mail}/%d/%n', 65534, 65534, users=users):
        os.chown(place.dovecot / 'home', 65534, 65534)
        server = make_server('domain x.test\n', start=False)
        configure(server, place, trial)
        for script in scripts[:2]:
            follow(server, script, place.desk)
        server.start()
        for script in scripts[2:]:
            said = follow(server, script, place.desk)
        assert 'on mx1.example.org' in said
        refused = blocks(GUIDE, 'sh refused')
        assert len(refused) == 2
        for script in refused:
            follow_refused(server, place.map(script), place.desk)
        wait_until(lambda: place.arrived('joe') == 3, 60, 'three messages for joe')
        wait_until(lambda: place.arrived('ann') == 2, 60, 'two messages for ann')
        wait_until(lambda: place.branch.messages, 60, 'the message for the branch')
        server.wait_for_empty_queue()
        configure(server, place, final)
        facts = server.run('check-config', check=False)
        assert all('No such file' in line for line in facts.stderr.decode().splitlines())


def test_every_setting_of_the_table_is_one(make_server, place):
    """What the guide's table says of settings is at least no mistake."""
    server = make_server('domain x.test\n', start=False)
    server.conf.write_text(f'''hostname mx1.example.org
state {server.state}
accounts dovecot {{ dovecot_auth /run/a; dovecot_userdb /run/b; alias_file /x }}
domain example.org {{ accounts dovecot; deliver route dovecot; catch_all info@example.org }}
domain example.com {{ alias_of example.org }}
route dovecot {{ lmtp unix:/run/c }}
domain branch.example.com {{ route branch }}
route branch {{ host mx.branch.example.com:25 }}
relay out.example.net:25
trusted {{ 192.0.2.0/24 }}
limits {{ message_size 50M }}
''')
    done = server.run('check-config', check=False)
    text = (pathlib.Path(__file__).parent.parent.parent / 'docs' / GUIDE).read_text()
    assert done.returncode == 0 or 'No such file' in done.stderr.decode(), done.stderr.decode()
    for words in ('relay out.example.net:25', 'trusted { 192.0.2.0/24 }', 'alias_of example.org',
                  'limits { message_size 50M }', 'catch_all info@example.org'):
        assert words in text


def test_login_fails_only_for_now_while_dovecot_is_away(make_server, place):
    [sockets] = blocks(GUIDE, 'dovecot')
    users = USERS + sockets.replace('{', '{{').replace('}', '}}')
    with Dovecot(place.dovecot, f'{place.mail}/%d/%n', 65534, 65534, users=users) as dovecot:
        server = make_server('domain x.test\n', start=False)
        configure(server, place, blocks(GUIDE, 'nuncio')[0])
        follow(server, place.map(blocks(GUIDE, 'sh')[0]), place.desk)
        server.start()

        def login(password):
            with smtplib.SMTP('127.0.0.1', place.ports['2587']) as client:
                client.starttls()
                try:
                    return client.login('joe@example.org', password)[0]
                except smtplib.SMTPAuthenticationError as error:
                    return error.smtp_code
        assert login('secret') == 235
        dovecot.stop()
        assert login('secret') == 454
        assert login('wrong') == 454
        dovecot.run()
        wait_until(lambda: login('secret') == 235, 30, 'a login after the restart')
        assert login('wrong') == 535
