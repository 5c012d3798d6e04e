"""Logging in, with clients that are not ours: each mechanism right and wrong, second factors, blocks,
and OAuth with an identity provider of the test."""
import base64
import contextlib
import http.server
import json
import re
import smtplib
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

import peers
from pki import Authority

CONF = '''
listen submission {{ service submission; address 127.0.0.1:{submission} }}
listen smtps {{ service submission; address 127.0.0.1:{smtps}; tls implicit
               client_certificate asked; client_ca PKI/ca.pem }}
certificate mx {{ chain PKI/mx.pem; key PKI/mx.key }}
domain a.test {{ deliver maildir }}
auth {{ delay 100ms; failures 20 }}
'''
PASSWORD = 'correct horse'


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / 'pki')


@pytest.fixture
def server(make_server, authority):
    return serve(make_server, authority, CONF)


def serve(make_server, authority, conf):
    authority.issue('mx', ['localhost', '127.0.0.1'])
    server = make_server(conf.replace('PKI', str(authority.folder)))
    add(server, 'joe@a.test')
    return server


def add(server, address, password=PASSWORD):
    server.run('account', 'add', address, '--password-stdin', input=password.encode() + b'\n')


def context(authority, pair=None):
    made = ssl.create_default_context(cafile=authority.ca)
    if pair:
        made.load_cert_chain(pair.chain, pair.key)
    return made


@contextlib.contextmanager
def client(server, authority, port='submission', pair=None):
    """A client behind EHLO, under TLS."""
    where = {'host': '127.0.0.1', 'port': server.port(port), 'local_hostname': 'client.test'}
    made = context(authority, pair)
    smtp = smtplib.SMTP_SSL(context=made, **where) if port == 'smtps' else smtplib.SMTP(**where)
    with smtp:
        if port != 'smtps':
            smtp.starttls(context=made)
        smtp.ehlo()
        yield smtp


def auth(smtp, mechanism, *responses):
    """The code and text at the end of a conversation; the first response goes with AUTH."""
    def encode(response):
        return base64.b64encode(response).decode() or '='
    code, text = smtp.docmd('AUTH', f'{mechanism} {encode(responses[0])}')
    for response in responses[1:]:
        assert code == 334, (code, text)
        code, text = smtp.docmd(encode(response) if response else '')
    return code, text.decode()


def plain(smtp, name, password):
    return auth(smtp, 'PLAIN', f'\0{name}\0{password}'.encode())


def once(server, authority, name, password, **options):
    with client(server, authority, **options) as smtp:
        return plain(smtp, name, password)


def offered(smtp):
    return set(smtp.esmtp_features['auth'].split())


def wait_for_offer(server, authority, mechanism, there=True, **options):
    def has():
        with client(server, authority, **options) as smtp:
            return (mechanism in offered(smtp)) == there
    peers.wait_until(has, 20, f'{mechanism} offered: {there}')


# ---- mechanisms --------------------------------------------------------------------------------

def test_python_and_every_simple_mechanism(server, authority):
    wait_for_offer(server, authority, 'SCRAM-SHA-256')
    server.run('account', 'cram', 'joe@a.test', 'on', '--stdin', input=PASSWORD.encode() + b'\n')
    wait_for_offer(server, authority, 'CRAM-MD5')
    for name in ('joe@a.test', 'Joe@A.Test', 'joe'):
        for mechanism in ('PLAIN', 'LOGIN', 'CRAM-MD5'):
            with client(server, authority) as smtp:
                smtp.user, smtp.password = name, PASSWORD
                code, _ = smtp.auth(mechanism, getattr(smtp, 'auth_' + mechanism.lower().replace(
                    '-', '_')), initial_response_ok=mechanism != 'CRAM-MD5')
                assert code == 235
                # One login is enough (RFC 4954 section 4).
                assert smtp.docmd('AUTH', 'PLAIN')[0] == 503


def test_failures_look_alike(server, authority):
    server.account('off@a.test')
    server.run('account', 'disable', 'off@a.test')
    replies = set()
    with client(server, authority) as smtp:
        for name in ('joe@a.test', 'off@a.test', 'nobody@a.test', 'joe@elsewhere.test'):
            before = time.monotonic()
            replies.add(plain(smtp, name, 'wrong password'))
            assert time.monotonic() - before > 0.09
    assert replies == {(535, '5.7.8 Wrong user name or password')}
    log = server.log()
    for why in ('wrong password', 'no such account'):
        assert why in log, log


def gsasl(server, authority, mechanism, password):
    """With channel binding for -PLUS alone. Returns whether it went well, and what was said."""
    binding = [] if mechanism.endswith('-PLUS') else ['--no-cb']
    done = subprocess.run(
        ['gsasl', '--smtp', f'--connect=localhost:{server.port("submission")}', '-m', mechanism,
         '--authentication-id=joe@a.test', '--authorization-id=', f'--password={password}',
         f'--x509-ca-file={authority.ca}', '--verbose', *binding],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize('mechanism', ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN', 'LOGIN',
                                       'CRAM-MD5'])
def test_gsasl(server, authority, mechanism):
    server.run('account', 'cram', 'joe@a.test', 'on', '--stdin', input=PASSWORD.encode() + b'\n')
    # -PLUS is there with its plain form, without being offered.
    wait_for_offer(server, authority, mechanism.removesuffix('-PLUS'))
    fine, said = gsasl(server, authority, mechanism, PASSWORD)
    assert fine and '235 ' in said, said + server.log()
    fine, said = gsasl(server, authority, mechanism, 'wrong password')
    assert not fine and '535 5.7.8' in said, said


@pytest.mark.parametrize('mechanism', ['PLAIN', 'LOGIN', 'CRAM-MD5'])
def test_swaks(server, authority, mechanism):
    server.run('account', 'cram', 'joe@a.test', 'on', '--stdin', input=PASSWORD.encode() + b'\n')
    wait_for_offer(server, authority, mechanism)
    for password, right in ((PASSWORD, True), ('wrong password', False)):
        done = subprocess.run(
            ['swaks', '--server', '127.0.0.1', '--port', str(server.port('submission')), '--tls',
             '--auth', mechanism, '--auth-user', 'joe@a.test', '--auth-password', password,
             '--from', 'joe@a.test', '--to', 'joe@a.test', '--ehlo', 'client.test'],
            capture_output=True, text=True, timeout=60)
        assert (done.returncode == 0) == right, done.stdout
    server.wait_for_mail('joe@a.test')


@pytest.mark.parametrize('mechanism', ['PLAIN', 'LOGIN', 'CRAM-MD5'])
def test_curl(server, authority, mechanism):
    server.run('account', 'cram', 'joe@a.test', 'on', '--stdin', input=PASSWORD.encode() + b'\n')
    wait_for_offer(server, authority, mechanism)
    (server.folder / 'mail').write_bytes(b'From: joe@a.test\r\nSubject: x\r\n\r\nhello\r\n')
    for password, code in ((PASSWORD, 0), ('wrong password', 67)):
        done = subprocess.run(
            ['curl', '-sS', '--ssl-reqd', '--cacert', authority.ca, '--login-options',
             f'AUTH={mechanism}', '-u', f'joe@a.test:{password}', '--mail-from', 'joe@a.test',
             '--mail-rcpt', 'joe@a.test', '-T', server.folder / 'mail',
             f'smtp://127.0.0.1:{server.port("submission")}'],
            capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
    server.wait_for_mail('joe@a.test')


# ---- second factors ----------------------------------------------------------------------------

def totp(server, address):
    uri = re.search(r'secret=([A-Z2-7]+)', server.run('account', 'totp', address,
                                                     'on').stdout.decode())
    return uri.group(1)


def code_of(secret, steps=0):
    at = f'@{int(time.time()) + 30 * steps}'
    return subprocess.run(['oathtool', '--totp', '-b', secret, '--now', at], capture_output=True,
                          text=True, check=True).stdout.strip()


def test_second_factors(server, authority):
    wait_for_offer(server, authority, 'SCRAM-SHA-256')
    secret = totp(server, 'joe@a.test')
    server.run('account', 'second-factor', 'joe@a.test', 'required')
    code, text = once(server, authority, 'joe@a.test', PASSWORD)
    assert code == 534 and text.startswith('5.7.9 This account needs a second factor'), text
    used = code_of(secret)
    assert once(server, authority, 'joe@a.test', PASSWORD + used)[0] == 235
    # It counts once, also after a restart.
    code, text = once(server, authority, 'joe@a.test', PASSWORD + used)
    assert (code, text) == (535, '5.7.8 The code was used already, wait for the next one')
    server.stop()
    server.start()
    assert once(server, authority, 'joe@a.test', PASSWORD + used)[0] == 535
    wait_for_offer(server, authority, 'SCRAM-SHA-256')
    assert '534 5.7.9' in gsasl(server, authority, 'SCRAM-SHA-256', PASSWORD)[1]
    assert '535 5.7.8' in gsasl(server, authority, 'SCRAM-SHA-256', 'wrong password')[1]


def app_password(server, address, name, *options):
    text = server.run('account', 'app-password', address, 'add', name, *options).stdout.decode()
    return re.search(r'\b\w{4}-\w{4}-\w{4}-\w{4}\b', text).group(0)


def test_app_passwords(server, authority):
    server.run('account', 'second-factor', 'joe@a.test', 'required')
    phone = app_password(server, 'joe@a.test', 'phone')
    office = app_password(server, 'joe@a.test', 'office', '--network', '10.0.0.0/8')
    assert once(server, authority, 'joe@a.test', phone)[0] == 235
    assert once(server, authority, 'joe@a.test', office)[0] == 535
    assert '127.0.0.1' in server.run('account', 'app-password', 'joe@a.test',
                                     'list').stdout.decode()
    server.run('account', 'app-password', 'joe@a.test', 'remove', 'phone')
    assert once(server, authority, 'joe@a.test', phone)[0] == 535


def test_certificates(server, authority):
    add(server, 'jim@a.test')
    pair = authority.issue('joe', ['joe@a.test'], usage='clientAuth')
    other = authority.issue('other', ['device.test'], usage='clientAuth')
    with client(server, authority, 'smtps') as smtp:
        assert 'EXTERNAL' not in offered(smtp)
    with client(server, authority, 'smtps', pair) as smtp:
        assert 'EXTERNAL' in offered(smtp)
        assert auth(smtp, 'EXTERNAL', b'jim@a.test')[0] == 535
        assert auth(smtp, 'EXTERNAL', b'')[0] == 235
    with client(server, authority, 'smtps', other) as smtp:
        assert auth(smtp, 'EXTERNAL', b'')[0] == 535
    server.run('account', 'certificate', 'jim@a.test', 'add', other.chain)
    with client(server, authority, 'smtps', other) as smtp:
        assert auth(smtp, 'EXTERNAL', b'')[0] == 235
    # With the password, it is a second factor.
    server.run('account', 'second-factor', 'jim@a.test', 'required')
    assert once(server, authority, 'jim@a.test', PASSWORD, port='smtps')[0] == 534
    assert once(server, authority, 'jim@a.test', PASSWORD, port='smtps', pair=other)[0] == 235


# ---- who guesses -------------------------------------------------------------------------------

def test_blocks(make_server, authority):
    server = serve(make_server, authority, CONF.replace('failures 20', 'failures 3'))
    for _ in range(3):
        assert once(server, authority, 'nobody@a.test', 'a guess')[0] == 535
    code, text = once(server, authority, 'joe@a.test', PASSWORD)
    assert (code, text) == (454, '4.7.0 Too many failed logins, try again later')
    server.stop()
    server.start()
    assert once(server, authority, 'joe@a.test', PASSWORD)[0] == 454
    assert '127.0.0.1' in server.run('account', 'blocked').stdout.decode()
    server.run('account', 'blocked', '--lift', '127.0.0.1')
    peers.wait_until(lambda: once(server, authority, 'joe@a.test', PASSWORD)[0] == 235, 10)


# ---- OAuth -------------------------------------------------------------------------------------

class Provider(http.server.BaseHTTPRequestHandler):
    """An identity provider: what a token is good for stands in the token itself."""

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode())
        token, right = form['token'][0], 'Basic ' + base64.b64encode(b'nuncio:s3cret').decode()
        self.server.asked.append(token)
        status, body = 200, {'active': False}
        if self.headers['Authorization'] != right:
            status = 401
        elif token.startswith('good'):
            body = {'active': True, 'email': 'joe@a.test', 'scope': 'mail openid',
                    'exp': time.time() + 60}
        elif token == 'other':
            body = {'active': True, 'email': 'joe@elsewhere.test', 'scope': 'mail'}
        elif token == 'scopeless':
            body = {'active': True, 'email': 'joe@a.test'}
        elif token == 'slow':
            time.sleep(8)
        elif token == 'huge':
            body = {'active': True, 'email': 'joe@a.test', 'x': 'x' * 1000000}
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def provide(pair=None):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Provider)
    server.asked = []
    if pair:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(pair.chain, pair.key)
        server.socket = made.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def bearer(mechanism, token, user='joe@a.test'):
    if mechanism == 'XOAUTH2':
        return f'user={user}\1auth=Bearer {token}\1\1'.encode(), b''
    return f'n,a={user},\1host=mx\1port=587\1auth=Bearer {token}\1\1'.encode(), b'\1'


@pytest.mark.parametrize('mechanism', ['OAUTHBEARER', 'XOAUTH2'])
def test_oauth(make_server, authority, mechanism):
    with provide() as provider:
        server = serve_oauth(make_server, authority, provider, 'http')
        check_tokens(server, authority, provider, mechanism)


@pytest.mark.parametrize('trusted', [True, False])
def test_oauth_over_tls(make_server, authority, trusted):
    issuer = authority if trusted else Authority(authority.folder / 'strangers')
    with provide(issuer.issue('provider', ['localhost', '127.0.0.1'])) as provider:
        server = serve_oauth(make_server, authority, provider, 'https', 'ca PKI/ca.pem')
        with client(server, authority) as smtp:
            code, _ = auth(smtp, 'XOAUTH2', bearer('XOAUTH2', 'good')[0])
        assert code == (235 if trusted else 454)
        assert len(provider.asked) == trusted


def serve_oauth(make_server, authority, provider, scheme, more=''):
    (authority.folder / 'oauth.secret').write_text('s3cret\n')
    return serve(make_server, authority, CONF.replace('failures 20', f'''failures 20
        oauth {{{{ introspection {scheme}://127.0.0.1:{provider.server_port}/introspect
                 client_id nuncio; client_secret_file PKI/oauth.secret
                 account_field email; scope mail; {more} }}}}'''))


def check_tokens(server, authority, provider, mechanism):

    def login(token, **options):
        response, dummy = bearer(mechanism, token, **options)
        with client(server, authority) as smtp:
            code, text = auth(smtp, mechanism, response)
            if code != 334:
                return code, text
            assert b'status' in base64.b64decode(text)
            code, text = smtp.docmd(base64.b64encode(dummy).decode())
            return code, text.decode()

    assert login('good')[0] == 235
    assert login('good')[0] == 235
    assert provider.asked == ['good']  # kept for a while
    for token in ('bad', 'other', 'scopeless'):
        assert login(token) == (535, '5.7.8 Wrong user name or password')
    assert login('good', user='jim@a.test')[0] == 535
    for token in ('slow', 'huge'):
        assert login(token)[0] == 454
    provider.server_close()
    assert login('good2')[0] == 454
    assert login('good')[0] == 235
