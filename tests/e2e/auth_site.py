"""A server that people log in to, for the tests that say every byte themselves: configuration,
fixtures, and the words that both of their files use. Responses are written with b64() where they are
to be understood, and by hand where they are not.
"""
import time

import pytest

from peers import short_folder
from pki import Authority
from sasl import b64, plain, unb64
from server import Server
from session import CLOSED, Client, client_context, wait_for_mechanism

CONF = '''
listen mx         {{ service mx; address 127.0.0.1:{mx} }}
listen submission {{ service submission; address 127.0.0.1:{submission} }}
listen smtps      {{ service submission; address 127.0.0.1:{smtps}; tls implicit; auth required }}
listen offered    {{ service mx; address 127.0.0.1:{offered}; auth offered }}
listen clear      {{ service submission; address 127.0.0.1:{clear}; tls off; auth required;
                     insecure_auth yes }}
listen half       {{ service submission; address 127.0.0.1:{half}; tls offered; auth required }}
listen few        {{ service submission; address 127.0.0.1:{few}; mechanisms PLAIN SCRAM-SHA-1 }}
listen bound      {{ service submission; address 127.0.0.1:{bound};
                     mechanisms SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN }}
listen badge      {{ service submission; address 127.0.0.1:{badge}; client_certificate asked;
                     client_ca CLIENTS }}
domain example.test {{ deliver maildir }}
domain far.test {{ route nowhere }}
relay 127.0.0.1:{nobody}
route nowhere {{ host 127.0.0.1:{nobody} }}
limits {{ errors 12 }}
auth {{ failures 1000; delay 1ms; oauth {{ introspection http://127.0.0.1:{nobody}/introspect }} }}
'''
JOE, ANN, UMA = 'joe@example.test', 'ann@example.test', 'uma@example.test'
PASSWORD = 'correct horse, battery'
UMLAUTS = 'gr\u00fc\u00dfe f\u00fcr 5 \u20ac'
TAKEN = r'250 2\.\d\.\d '
ORDER = r'503 5\.5\.1 '
SYNTAX = r'501 5\.5\.[24] '
IN = r'235 2\.7\.0 '
WRONG = r'535 5\.7\.8 '
NOT_BASE64 = r'501 5\.5\.2 '
CANCELLED = r'501 5\.\d\.\d '
LOGIN_FIRST = r'530 5\.7\.0 '
UNKNOWN = r'504 5\.5\.4 '
ANY_REFUSAL = r'(501 5\.[57]\.\d|535 5\.7\.8) '    # of what is no message of the mechanism
EMPTY = '334 $'
EHLO = ('EHLO client.test', '250')
MAIL = (f'MAIL FROM:<{JOE}>', r'250 2\.1\.0 ')
RCPT = (f'RCPT TO:<{ANN}>', r'250 2\.1\.5 ')
DATA = ('DATA', '354')
TEXT = (f'Subject: x\r\nFrom: {JOE}\r\n\r\nhello\r\n.', TAKEN)
NOOP = ('NOOP', r'250 2\.0\.0 ')
QUIT = ('QUIT', r'221 2\.0\.0 ', CLOSED)
GOOD = b64(plain(JOE, PASSWORD))
BAD = b64(plain(JOE, 'incorrect horse'))
AUTH = (f'AUTH PLAIN {GOOD}', IN)
USERNAME, PASSWORD_PROMPT = '334 ' + b64('Username:') + '$', '334 ' + b64('Password:') + '$'


@pytest.fixture(scope='module')
def folder():
    with short_folder() as path:
        yield path


@pytest.fixture(scope='module')
def clients_authority(folder):
    return Authority(folder / 'clients', 'Test client CA')


@pytest.fixture(scope='module')
def server(users, folder, clients_authority):
    server = Server(folder / 's', CONF.replace('CLIENTS', str(clients_authority.ca)))
    server.account(JOE, password=PASSWORD)
    server.account(ANN, password=PASSWORD, cram=True)
    server.account(UMA, password=UMLAUTS)
    server.account('nopass@example.test')
    wait_for_mechanism(server.port('smtps'), 'CRAM-MD5')
    yield server
    server.stop()


@pytest.fixture
def connect(server):
    """A session on a listener, under TLS where there is any, after EHLO."""
    clients = []

    def open_session(port='submission', tls=None, hello=True):
        context = client_context(**(tls or {}))
        client = Client(('127.0.0.1', server.port(port)), tls=context if port == 'smtps' else None)
        clients.append(client)
        client.say(b'', r'220 mx\.nuncio\.test ')
        if port not in ('smtps', 'clear') and tls is not False:
            client.run([EHLO, ('STARTTLS', '220 ')])
            client.start_tls(context)
        if hello:
            client.run([EHLO])
        return client
    yield open_session
    for client in clients:
        client.__exit__()


def table(cases):
    return pytest.mark.parametrize('steps', cases.values(), ids=cases.keys())


def ask(client, said, expected='334 '):
    """The challenge to something said, decoded."""
    return unb64(client.say(said, expected)[4:])


def find_mail(server, address, subject):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for mail in server.mail(address):
            if b'Subject: ' + subject in mail:
                return mail
        time.sleep(0.05)
    raise AssertionError(f'no mail {subject}')


@pytest.fixture
def badge(clients_authority):
    """The certificate of an address."""
    return lambda *names: clients_authority.issue(names[0].partition('@')[0], list(names), usage='clientAuth')


def offered(client):
    return set(client.extensions().get('AUTH', []))


def scram_first(client, scram, mechanism='SCRAM-SHA-256', later=False):
    if later:
        client.run([(f'AUTH {mechanism}', EMPTY)])
        return ask(client, b64(scram.first())).decode()
    return ask(client, f'AUTH {mechanism} {b64(scram.first())}').decode()
