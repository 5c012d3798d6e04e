"""Mail that goes over a smarthost after logging in there: Nuncio to Nuncio, and to a scripted one."""
import re
import smtplib
import ssl
import time

import pytest

import peers
from identity_provider import provide
from pki import Authority

PASSWORD = 'correct horse'
SMART = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
listen submission {{ service submission; address 127.0.0.1:{submission}; mechanisms MECHANISMS }}
listen smtps {{ service submission; address 127.0.0.1:{smtps}; tls implicit
               mechanisms MECHANISMS }}
certificate mx {{ chain PKI/mx.pem; key PKI/mx.key }}
domain a.test {{ deliver maildir }}
auth {{ delay 100ms; failures 4; block_first 1h PROVIDER }}
'''
OURS = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain b.test {{ deliver maildir }}
trusted {{ 127.0.0.1 }}
default_route smart
queue {{ retry_first 1s; retry_max 1s }}
route smart {{ host localhost:PORT; tls_ca PKI/ca.pem; MORE
    login {{ user joe@a.test; WITH }} }}
'''
ALL = 'SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN CRAM-MD5'
MAIL = b'From: joe@a.test\r\nSubject: over the smarthost\r\n\r\nhello\r\n'


class Site:
    def __init__(self, make_server, folder, smart):
        self.make_server, self.folder, self.smart = make_server, folder, smart
        self.secret = folder / 'smart.password'
        self.write(PASSWORD)

    def write(self, password):
        self.secret.write_text(f'{password}\nthis line is no part of it\n')
        self.secret.chmod(0o600)

    def ours(self, more='', secret=None, port='submission'):
        conf = OURS.replace('PORT', str(self.smart.port(port))).replace('MORE', more)
        conf = conf.replace('WITH', secret or f'password_file {self.secret}')
        server = self.make_server(conf.replace('PKI', str(self.folder / 'pki')))
        return server


@pytest.fixture
def make_site(make_server, folder):
    def make(mechanisms=ALL, oauth=''):
        Authority(folder / 'pki').issue('mx', ['localhost'])
        conf = SMART.replace('MECHANISMS', mechanisms).replace('PKI', str(folder / 'pki'))
        smart = make_server(conf.replace('PROVIDER', oauth))
        smart.account('joe@a.test', password=PASSWORD, cram=True)
        smart.account('ann@a.test')
        peers.wait_until(lambda: offers(smart, mechanisms.split()[0]), 20)
        return Site(make_server, folder, smart)
    return make


def offers(server, mechanism):
    """What accounts can verify is told from role to role, which takes a moment."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP_SSL('127.0.0.1', server.port('smtps'), context=context) as client:
        client.ehlo()
        return mechanism in client.esmtp_features.get('auth', '').split()


def send(server, to='ann@a.test'):
    server.send('joe@a.test', [to], MAIL)


def failure(server):
    """The words of the first login that failed."""
    peers.wait_until(lambda: ' login-failed ' in server.log(), 20)
    return re.search(r' login-failed .*', server.log()).group()


@pytest.mark.parametrize('mechanism', ALL.split())
def test_each_mechanism(make_site, mechanism):
    site = make_site(mechanism)
    ours = site.ours()
    send(ours)
    [mail] = site.smart.wait_for_mail('ann@a.test')
    assert b'over the smarthost' in mail
    assert re.search(f' login .*route=smart .*user=joe@a.test mechanism={mechanism}\n', ours.log())
    assert PASSWORD not in ours.log() and PASSWORD not in site.smart.log()


def test_the_strongest_is_taken(make_site):
    site = make_site()
    ours = site.ours()
    send(ours)
    site.smart.wait_for_mail('ann@a.test')
    assert 'mechanism=SCRAM-SHA-256-PLUS' in ours.log()


def test_tls_from_the_first_byte(make_site):
    site = make_site()
    ours = site.ours(more='tls_implicit yes;', port='smtps')
    send(ours)
    site.smart.wait_for_mail('ann@a.test')


def test_a_wrong_password_is_said_once_and_delays_the_mail(make_site):
    site = make_site()
    site.write('wrong')
    ours = site.ours()
    for _ in range(6):
        send(ours)
    words = failure(ours)
    assert 'user=joe@a.test' in words and '535 5.7.8' in words and 'nuncio.conf:' in words
    time.sleep(2.5)  # retries come each second, and knock at a shut gate
    assert ours.log().count(' login-failed ') == 1
    assert site.smart.log().count('login-failed') <= 1, site.smart.log()
    [first, *_] = ours.queue_ids()
    assert '535 5.7.8' in ours.run('queue', 'show', first).stdout.decode()
    assert len(ours.queue_ids()) == 6
    # The right password in the file is enough.
    site.write(PASSWORD)
    site.smart.wait_for_mail('ann@a.test', 6)


def test_our_password_goes_to_nobody_without_the_right_certificate(make_site):
    site = make_site('PLAIN')
    Authority(site.folder / 'other')
    ours = site.ours(more='')
    conf = ours.conf.read_text().replace('pki/ca.pem', 'other/ca.pem')
    ours.conf.write_text(conf)
    ours.run('reload')
    send(ours)
    peers.wait_until(lambda: 'no delivery without TLS' in ours.log(), 20)
    assert ' relay login' not in ours.log() and ours.queue_ids()


def test_without_tls_no_password_is_said(make_site):
    with peers.Sink(['sink.test', 'AUTH PLAIN LOGIN', '8BITMIME']) as sink:
        site = make_site()
        ours = site.make_server(
            OURS.replace('PORT', str(sink.port)).replace('tls_ca PKI/ca.pem', 'tls may')
            .replace('MORE', '').replace('WITH', f'password_file {site.secret}'))
        send(ours)
        assert 'nothing may be used without TLS' in failure(ours)
        assert ours.queue_ids()


def test_an_access_token_is_fetched_once(make_site, folder):
    with provide('tok-1', 'joe@a.test') as provider:
        oauth = f'; oauth {{{{ introspection http://127.0.0.1:{provider.port}/ }}}}'
        site = make_site('XOAUTH2', oauth)
        (folder / 'refresh').write_text('refresh-1\n')
        (folder / 'secret').write_text('s3cret\n')
        ours = site.ours(secret=f'''token {{{{ endpoint http://127.0.0.1:{provider.port}/token
            client_id nuncio; client_secret_file {folder}/secret
            refresh_token_file {folder}/refresh }}}}''')
        for _ in range(3):
            send(ours)
        site.smart.wait_for_mail('ann@a.test', 3)
        assert len(provider.asked) == 1
        assert provider.asked[0] == {'grant_type': ['refresh_token'], 'client_id': ['nuncio'],
                                     'client_secret': ['s3cret'], 'refresh_token': ['refresh-1']}
        assert 'mechanism=XOAUTH2' in ours.log()
        for secret in ('tok-1', 'refresh-1', 's3cret'):
            assert secret not in ours.log()


def test_a_revoked_token_is_told_in_the_servers_words(make_site, folder):
    with provide('tok-1', 'joe@a.test') as provider:
        oauth = f'; oauth {{{{ introspection http://127.0.0.1:{provider.port}/ }}}}'
        site = make_site('OAUTHBEARER', oauth)
        (folder / 'refresh').write_text('gone\n')
        ours = site.ours(secret=f'''token {{{{ endpoint http://127.0.0.1:{provider.port}/token
            client_id nuncio; refresh_token_file {folder}/refresh }}}}''')
        send(ours)
        assert 'invalid_grant: revoked' in failure(ours)
        (folder / 'refresh').write_text('refresh-1\n')
        site.smart.wait_for_mail('ann@a.test')
        # A token that the smarthost does not take any more is asked for anew, once.
        provider.answers.append((200, {'access_token': 'stale', 'expires_in': 3600}))
        (folder / 'refresh').write_text('refresh-1\n# touched\n')
        ours.run('reload')
        send(ours)
        site.smart.wait_for_mail('ann@a.test', 2)
