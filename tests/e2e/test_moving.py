"""docs/moving-from-postfix-dovecot.md is followed to the letter, from a Postfix and a Dovecot at work
(company.py) to Nuncio and back. Only paths and the hosts of others are the test's own, and it stands
in for `systemctl`. Ports are the real ones, in a network of the test's own."""
import pathlib
import shutil
import smtplib

import pytest

import peers
from company import USERS, Company, own_network
from guide import all_blocks, commands_of, follow, follow_refused
from peers import wait_until

GUIDE = 'moving-from-postfix-dovecot.md'
HERE = pathlib.Path(__file__).parent

pytestmark = [
    pytest.mark.skipif(not peers.available('dovecot', 'postfix'),
                       reason='needs root, Postfix and Dovecot'),
    pytest.mark.skipif(not shutil.which('swaks'), reason='needs swaks'),
]


@pytest.fixture
def network():
    """Longer than the servers that are made in it."""
    with own_network():
        yield


@pytest.fixture
def make_company(network, folder):
    made = []

    def make(driver):
        made.append(Company(folder, driver))
        return made[-1]
    yield make
    for company in made:
        company.stop()


class Reader:
    """An administrator with the page before him, who goes from heading to heading."""

    def __init__(self, company, server):
        self.company, self.server, self.said = company, server, ''
        self.left = all_blocks(GUIDE)

    def follow_until(self, command):
        """All blocks up to the one that has this command, and that one."""
        while True:
            language, text = self.left.pop(0)
            self.do(language, self.company.map(text))
            if command in text:
                return

    def do(self, language, text):
        if language == 'dovecot':
            (self.company.folder / 'dovecot/conf.d/99-nuncio.conf').write_text(text)
        elif language == 'nuncio':
            # Nobody answers here for the domains of strangers.
            self.server.conf.write_text(f'state {self.server.state}\n'
                                        f'checks {{ unchecked {{ 127.0.0.1 }} }}\n{text}')
        elif language == 'sh refused':
            follow_refused(self.server, text, self.company.desk)
        else:
            assert language == 'sh', language
            for command in commands_of(text):
                self.call(command)

    def call(self, command):
        if command.startswith('systemctl '):
            self.company.systemctl(self.server, command)
        else:
            self.said = follow(self.server, command, self.company.desk)


def everybody_mails(company, when):
    """What people of the company and others do all day; returns the subjects that must arrive."""
    for user in USERS:
        for port in 587, 465:
            company.submit(user, ['ann@example.org'], f'{when} {user} {port}', port)
    company.submit('eve', ['friend@example.net'], f'{when} out')
    company.receive('sales@example.org', f'{when} sales')
    company.receive('office@example.org', f'{when} office')
    company.receive('max+lists@example.org', f'{when} tag')
    company.receive('desk@branch.example.com', f'{when} branch')
    for stranger_to in ('nobody@example.org', 'anybody@example.com'):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            company.receive(stranger_to, 'spam')
        [(code, _)] = refused.value.recipients.values()
        # Postfix puts off whom it does not relay for.
        assert code == 550 or (stranger_to, code) == ('anybody@example.com', 454)


def expect_all(company, when, seconds=60):
    """Everything of everybody_mails() is where its reader sees it, once."""
    expected = {'joe': [f'{when} sales'], 'eve': [f'{when} office'], 'max': [f'{when} tag'],
                'kim': [], 'ann': sorted([f'{when} sales'] + [f'{when} {user} {port}'
                                         for user in USERS for port in (587, 465)])}

    def seen():
        return {user: [subject for subject in company.subjects(user) if subject.startswith(when)]
                for user in USERS}
    try:
        wait_until(lambda: seen() == expected, seconds)
    except TimeoutError:
        assert seen() == expected
    wait_until(lambda: arrived(company.world, f'{when} out') == 1, seconds, 'mail to the world')
    wait_until(lambda: arrived(company.branch, f'{when} branch') == 1, seconds, 'mail to the branch')


def arrived(sink, subject):
    with sink.lock:
        return sum(f'Subject: {subject}\r\n'.encode() in text for _, _, text in sink.messages)


def trial_messages(company):
    """swaks calls its messages "test", and a date."""
    return {user: sum(subject.startswith('test ') for subject in company.subjects(user))
            for user in USERS}


def leave_mail_in_postfix(company):
    """Mail for a user and for the world that waits in Postfix's queue when it is moved."""
    company.busy.add('world')
    company.submit('joe', ['friend@example.net'], 'queued out')
    company.dovecot.stop()
    company.receive('kim@example.org', 'queued in')
    wait_until(lambda: company.postfix.mail_log().count('status=deferred') >= 2, 30, 'both to wait')
    company.dovecot.run()


@pytest.mark.parametrize('driver', ['passwd-file', 'sql'])
def test_a_company_moves_and_goes_back(make_server, make_company, driver):
    company = make_company(driver)
    server = make_server('domain x.test\n', start=False)
    reader = Reader(company, server)
    everybody_mails(company, 'before')
    expect_all(company, 'before')
    leave_mail_in_postfix(company)

    reader.follow_until('systemctl start nuncio')
    company.busy.clear()
    reader.follow_until('nuncio status')
    assert 'on mx1.example.org' in follow(server, 'nuncio status\n', company.desk)
    server.wait_for_empty_queue()
    assert trial_messages(company) == {'joe': 3, 'ann': 2, 'eve': 0, 'max': 0, 'kim': 0}

    reader.follow_until('postqueue -p')
    everybody_mails(company, 'moved')
    expect_all(company, 'moved')
    wait_until(lambda: 'queue is empty' in follow(server, 'postqueue -p\n', company.desk), 60,
               "the end of Postfix's queue")
    assert company.subjects('kim') == ['queued in']
    assert arrived(company.world, 'queued out') == 1

    company.busy.add('branch')
    company.receive('desk@branch.example.com', 'kept')
    wait_until(lambda: 'later' in follow(server, 'nuncio queue list\n', company.desk), 30, 'a try')
    reader.follow_until('nuncio queue list')
    assert not reader.left and 'desk@branch.example.com' in reader.said
    company.wait_for_ports()
    everybody_mails(company, 'again')
    company.busy.clear()
    server.run('queue', 'retry', '--all')
    expect_all(company, 'again')
    wait_until(lambda: arrived(company.branch, 'kept') == 1, 60, 'what Nuncio still had')
    server.wait_for_empty_queue()


def test_every_setting_of_the_table_is_one(make_server):
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
    text = (HERE.parent.parent / 'docs' / GUIDE).read_text()
    assert done.returncode == 0 or 'No such file' in done.stderr.decode(), done.stderr.decode()
    for words in ('relay out.example.net:25', 'trusted { 192.0.2.0/24 }', 'alias_of example.org',
                  'limits { message_size 50M }', 'catch_all info@example.org'):
        assert words in text


def test_login_fails_only_for_now_while_dovecot_is_away(make_server, make_company):
    company = make_company('passwd-file')
    server = make_server('domain x.test\n', start=False)
    Reader(company, server).follow_until('systemctl start nuncio')

    def login(password):
        with smtplib.SMTP('127.0.0.1', 2587) as client:
            client.starttls()
            try:
                return client.login('joe@example.org', password)[0]
            except smtplib.SMTPAuthenticationError as error:
                return error.smtp_code
    assert login('secret') == 235
    company.dovecot.stop()
    assert login('secret') == 454
    assert login('wrong') == 454
    company.dovecot.run()
    wait_until(lambda: login('secret') == 235, 30, 'a login after the restart')
    assert login('wrong') == 535
