"""A server with TLS in all its forms, for the tests that say every byte themselves: configuration,
fixtures, and the words that both of their files use.
"""
import re
import time

import pytest

from peers import short_folder
from pki import Authority
from server import Server
from session import CLOSED, Client, client_context

CONF = '''
listen mx         {{ service mx; address 127.0.0.1:{mx} }}
listen plain      {{ service mx; address 127.0.0.1:{plain}; tls off }}
listen strict     {{ service mx; address 127.0.0.1:{strict}; tls required }}
listen submission {{ service submission; address 127.0.0.1:{submission} }}
listen smtps      {{ service submission; address 127.0.0.1:{smtps}; tls implicit; auth required }}
listen mxs        {{ service mx; address 127.0.0.1:{mxs}; tls implicit; proxy_protocol {{ 127.0.0.2 }} }}
listen lmtp       {{ service lmtp; address 127.0.0.1:{lmtp}; tls offered }}
listen asked      {{ service mx; address 127.0.0.1:{asked}; client_certificate asked;
                     client_ca CLIENTS }}
listen demanded   {{ service mx; address 127.0.0.1:{demanded}; tls implicit;
                     client_certificate required; client_ca CLIENTS }}
certificate main  {{ chain MAIN.pem; key MAIN.key }}
certificate rsa   {{ chain RSA.pem; key RSA.key }}
certificate other {{ chain OTHER.pem; key OTHER.key }}
domain example.test {{ deliver maildir }}
limits {{ message_size 4M; idle_commands 5000; errors 30 }}
'''
TAKEN = r'250 2\.\d\.\d '
ORDER = r'503 5\.5\.1 '
EHLO = ('EHLO client.test', '250')
MAIL = ('MAIL FROM:<a@client.test>', r'250 2\.1\.0 ')
RCPT = ('RCPT TO:<joe@example.test>', r'250 2\.1\.5 ')
DATA = ('DATA', '354')
TEXT = ('Subject: x\r\n\r\nhello\r\n.', TAKEN)
NOOP = ('NOOP', r'250 2\.0\.0 ')
QUIT = ('QUIT', r'221 2\.0\.0 ', CLOSED)
STARTTLS = ('STARTTLS', r'220 ')
TLS_FIRST = r'530 5\.7\.0 '
ALERT, HANDSHAKE = 21, 22


@pytest.fixture(scope='module')
def folder():
    with short_folder() as path:
        yield path


@pytest.fixture(scope='module')
def authority(folder):
    return Authority(folder / 'ca')


@pytest.fixture(scope='module')
def clients_authority(folder):
    """Who issues the clients' certificates is somebody else."""
    return Authority(folder / 'clients', 'Test client CA')


@pytest.fixture(scope='module')
def server(users, folder, authority, clients_authority):
    authority.issue('main', ['mx.nuncio.test'])
    authority.issue('rsa', ['mx.nuncio.test'], kind='rsa')
    authority.issue('other', ['other.nuncio.test', '*.wild.test'])
    conf = CONF.replace('CLIENTS', str(clients_authority.ca))
    for name in ('main', 'rsa', 'other'):
        conf = conf.replace(name.upper() + '.', f'{authority.folder / name}.')
    server = Server(folder / 's', conf)
    for name in ('joe', 'trace', 'large', 'cut', 'many'):
        server.account(f'{name}@example.test')
    yield server
    server.stop()


@pytest.fixture
def connect(server):
    """A session after its greeting; with tls (a context, or True) under TLS: by STARTTLS, or at once
    where the listener wants it."""
    clients = []

    def open_session(port='mx', tls=None, first=b'', source=None, name=None, session=None,
                     greeting=r'220 mx\.nuncio\.test '):
        context = client_context() if tls is True else tls
        implicit = context if port in ('smtps', 'mxs', 'demanded') else None
        client = Client(('127.0.0.1', server.port(port)), source, first, implicit, name, session)
        clients.append(client)
        if greeting:
            assert re.match(greeting, str(client.reply()))
        if context and not implicit:
            client.run([('LHLO client.test' if port == 'lmtp' else 'EHLO client.test', '250'),
                        STARTTLS])
            client.start_tls(context, name, session)
        return client
    yield open_session
    for client in clients:
        client.__exit__()


def table(cases):
    return pytest.mark.parametrize('steps', cases.values(), ids=cases.keys())


def rest(sock):
    """All that comes until the end."""
    data = b''
    try:
        while more := sock.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


def is_alert(data):
    """Nothing, or TLS records that end with an alert."""
    return data == b'' or data[0] in (ALERT, HANDSHAKE)


def find_mail(server, address, subject):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for mail in server.mail(address):
            if b'Subject: ' + subject in mail:
                return mail
        time.sleep(0.05)
    raise AssertionError(f'no mail {subject}')
