"""People's mail programs and other mail servers log in, by each mechanism that they know, and send.

Standard settings only: 587 with STARTTLS or 465, the server's certificate verified. Every client is
tried with a wrong password too, and then nothing may arrive. Those that are not installed are
skipped by name; scripts/install-deps brings them.
"""
import itertools
import os
import re
import shutil
import smtplib
import ssl
import subprocess

import pytest

import identity_provider
import peers
from peers import OpenSMTPD, Postfix, short_folder
from pki import Authority
from sasl import b64, plain
from server import Server
from session import wait_for_mechanism
from terminal import Terminal

CONF = '''
listen submission {{ service submission; address 127.0.0.1:{submission}; client_certificate asked;
                     client_ca CLIENTS }}
listen smtps      {{ service submission; address 127.0.0.1:{smtps}; tls implicit; auth required;
                     client_certificate asked; client_ca CLIENTS }}
certificate mx    {{ chain MAIN.pem; key MAIN.key }}
domain example.test {{ deliver maildir }}
account_limits {{ messages_per_minute 0 }}
auth {{ failures 1000; delay 1ms; oauth {{ introspection http://127.0.0.1:PROVIDER/introspect }} }}
'''
JOE, BOX = 'joe@example.test', 'box@example.test'
PASSWORD, WRONG = 'correct horse battery', 'incorrect horse'
TOKEN, WRONG_TOKEN = 'a-good-token', 'a-bad-token'
HOST = '127.0.0.1'
numbers = itertools.count(1)


@pytest.fixture(scope='module')
def folder():
    with short_folder() as path:
        yield path


@pytest.fixture(scope='module')
def authority(folder):
    return Authority(folder / 'ca')


@pytest.fixture(scope='module')
def badge(folder):
    """A client certificate of Joe's, and who issues such."""
    return Authority(folder / 'clients', 'Test client CA').issue('joe', [JOE], usage='clientAuth')


@pytest.fixture(scope='module')
def server(users, folder, authority, badge):
    authority.issue('main', ['mx.nuncio.test', 'localhost', HOST])
    conf = CONF.replace('CLIENTS', str(badge.chain.parent / 'ca.pem'))
    conf = conf.replace('MAIN', str(authority.folder / 'main'))
    with identity_provider.serve(TOKEN, JOE) as port:
        server = Server(folder / 's', conf.replace('PROVIDER', str(port)))
        server.account(JOE, password=PASSWORD, cram=True)
        server.account(BOX)
        wait_for_mechanism(server.port('smtps'), 'CRAM-MD5')
        yield server
        server.stop()


def needs(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    return pytest.mark.skipif(bool(missing), reason=f'not installed: {" ".join(missing)}')


def needs_peer(name):
    return pytest.mark.skipif(not (peers.PEERS / name / 'usr').is_dir(), reason=f'{name} is not unpacked')


def run(server, *argv, input=None, env=None, cwd=None):
    """Exit code and all that was said."""
    done = subprocess.run([str(arg) for arg in argv], input=input, capture_output=True, timeout=60,
                          cwd=cwd, env={**os.environ, 'HOME': str(server.folder), **(env or {})})
    return done.returncode, (done.stdout + done.stderr).decode(errors='replace')


class Try:
    """One message that must arrive, or not: a subject of its own tells which."""

    def __init__(self, server):
        self.server, self.subject = server, f'number {next(numbers)}.'
        self.text = f'From: {JOE}\nTo: {BOX}\nSubject: {self.subject}\n\nhello\n'

    def mails(self):
        return [mail for mail in self.server.mail(BOX) if f'Subject: {self.subject}\n'.encode() in mail]

    def arrived(self, code=0, output=''):
        assert code == 0, output
        try:
            peers.wait_until(self.mails, 20)
        except TimeoutError:
            raise AssertionError(f'nothing arrived: {output}') from None
        [mail] = self.mails()
        assert re.search(rb'with (UTF8SMTPSA|ESMTPSA) ', mail), mail
        return mail

    def refused(self, code, output, words='535'):
        assert code != 0 and re.search(words, output), (code, output)
        assert self.mails() == []


@pytest.fixture
def check(server):
    return Try(server)


def both(*mechanisms):
    """Each mechanism by STARTTLS and under implicit TLS."""
    return pytest.mark.parametrize('port, mechanism', [(port, mechanism) for mechanism in mechanisms
                                                       for port in ('submission', 'smtps')])


# swaks

def swaks(server, authority, check, port, mechanism, password):
    return run(server, 'swaks', '--server', HOST, '--port', server.port(port),
               '--tls' if port == 'submission' else '--tlsc', '--tls-verify', '--tls-ca-path', authority.ca,
               '--auth', mechanism, '--auth-user', JOE, '--auth-password', password, '--from', JOE,
               '--to', BOX, '--header', f'Subject: {check.subject}')


@needs('swaks')
@both('PLAIN', 'LOGIN', 'CRAM-MD5')
def test_swaks(server, authority, check, port, mechanism):
    check.arrived(*swaks(server, authority, check, port, mechanism, PASSWORD))


@needs('swaks')
@pytest.mark.parametrize('mechanism', ['PLAIN', 'LOGIN', 'CRAM-MD5'])
def test_swaks_with_a_wrong_password(server, authority, check, mechanism):
    check.refused(*swaks(server, authority, check, 'submission', mechanism, WRONG))


@needs('swaks')
def test_swaks_without_logging_in(server, authority, check):
    check.refused(*run(server, 'swaks', '--server', HOST, '--port', server.port('submission'), '--tls',
                       '--from', JOE, '--to', BOX), words='530 5.7.0')


@needs('swaks')
def test_swaks_without_tls(server, check):
    """It sees no AUTH, and says nothing of its password."""
    code, output = run(server, 'swaks', '--server', HOST, '--port', server.port('submission'), '--auth',
                       '--auth-user', JOE, '--auth-password', PASSWORD, '--from', JOE, '--to', BOX)
    check.refused(code, output, words='(?i)auth')
    assert b64(plain(JOE, PASSWORD)) not in output


# curl

def curl(server, authority, check, port, *options):
    file = server.folder / 'curl.eml'
    file.write_bytes(check.text.replace('\n', '\r\n').encode())
    url = f'smtp://{HOST}:{server.port(port)}/client.test' if port == 'submission' \
        else f'smtps://{HOST}:{server.port(port)}/client.test'
    return run(server, 'curl', '-sS', '-v', url, '--ssl-reqd', '--cacert', authority.ca, '--mail-from', JOE,
               '--mail-rcpt', BOX, '-T', file, *options)


@needs('curl')
@both('PLAIN', 'LOGIN', 'CRAM-MD5')
def test_curl(server, authority, check, port, mechanism):
    check.arrived(*curl(server, authority, check, port, '--user', f'{JOE}:{PASSWORD}', '--login-options',
                        f'AUTH={mechanism}'))


@needs('curl')
@pytest.mark.parametrize('port', ['submission', 'smtps'])
@pytest.mark.parametrize('option', [[], ['--sasl-ir']], ids=['', 'initial response'])
def test_curl_by_its_own_choice(server, authority, check, port, option):
    check.arrived(*curl(server, authority, check, port, '--user', f'{JOE}:{PASSWORD}', *option))


@needs('curl')
@both('OAUTHBEARER', 'XOAUTH2')
def test_curl_with_a_token(server, authority, check, port, mechanism):
    check.arrived(*curl(server, authority, check, port, '--user', JOE, '--oauth2-bearer', TOKEN,
                        '--login-options', f'AUTH={mechanism}'))


@needs('curl')
@pytest.mark.parametrize('mechanism', ['OAUTHBEARER', 'XOAUTH2'])
def test_curl_with_a_wrong_token(server, authority, check, mechanism):
    check.refused(*curl(server, authority, check, 'smtps', '--user', JOE, '--oauth2-bearer', WRONG_TOKEN,
                        '--login-options', f'AUTH={mechanism}'))


@needs('curl')
def test_curl_with_a_wrong_password(server, authority, check):
    check.refused(*curl(server, authority, check, 'smtps', '--user', f'{JOE}:{WRONG}'))


# msmtp

def msmtp(server, authority, check, port, mechanism, password=PASSWORD, options=()):
    return run(server, 'msmtp', '--debug', f'--host={HOST}', f'--port={server.port(port)}', '--tls=on',
               f'--tls-starttls={"on" if port == "submission" else "off"}',
               f'--tls-trust-file={authority.ca}', f'--auth={mechanism}', f'--user={JOE}',
               f'--passwordeval=echo {password}', f'--from={JOE}', *options, BOX, input=check.text.encode())


@needs('msmtp')
@both('on', 'plain', 'login', 'cram-md5', 'scram-sha-256')
def test_msmtp(server, authority, check, port, mechanism):
    check.arrived(*msmtp(server, authority, check, port, mechanism))


@needs('msmtp')
@both('oauthbearer', 'xoauth2')
def test_msmtp_with_a_token(server, authority, check, port, mechanism):
    check.arrived(*msmtp(server, authority, check, port, mechanism, TOKEN))


@needs('msmtp')
@pytest.mark.parametrize('port', ['submission', 'smtps'])
def test_msmtp_with_a_certificate(server, authority, badge, check, port):
    check.arrived(*msmtp(server, authority, check, port, 'external', options=[
        f'--tls-cert-file={badge.chain}', f'--tls-key-file={badge.key}']))


@needs('msmtp')
@pytest.mark.parametrize('mechanism', ['plain', 'login', 'cram-md5', 'scram-sha-256', 'oauthbearer',
                                       'xoauth2'])
def test_msmtp_with_a_wrong_password(server, authority, check, mechanism):
    check.refused(*msmtp(server, authority, check, 'smtps', mechanism, WRONG), words='(?i)authentication failed')


# Programs that hand over what they are given: the test says the SMTP.

def send_mail(terminal, check):
    terminal.say(f'MAIL FROM:<{JOE}>', r'250 2\.1\.0')
    terminal.say(f'RCPT TO:<{BOX}>', r'250 2\.1\.5')
    terminal.say('DATA', '354')
    terminal.say(check.text.replace('\n', '\r\n') + '.', r'250 2\.\d')
    terminal.say('QUIT', r'221 2\.0\.0')


@needs('openssl')
@pytest.mark.parametrize('password', [PASSWORD, WRONG], ids=['', 'wrong password'])
@pytest.mark.parametrize('version', ['-tls1_2', '-tls1_3'])
@pytest.mark.parametrize('port', ['submission', 'smtps'])
def test_openssl_s_client(server, authority, check, port, version, password):
    with Terminal('openssl', 's_client', '-connect', f'{HOST}:{server.port(port)}', '-CAfile', authority.ca,
                  '-verify_return_error', '-verify_ip', HOST, '-quiet', version,
                  *(['-starttls', 'smtp'] if port == 'submission' else [])) as client:
        client.expect('^(220|250) ')  # with -starttls the reply to its own EHLO
        client.say('EHLO client.test', '^250 .*$')
        if password == WRONG:
            client.say('AUTH PLAIN ' + b64(plain(JOE, WRONG)), r'535 5\.7\.8')
            return
        client.say('AUTH PLAIN ' + b64(plain(JOE, PASSWORD)), r'235 2\.7\.0')
        send_mail(client, check)
    check.arrived()


@needs('gnutls-cli')
@pytest.mark.parametrize('password', [PASSWORD, WRONG], ids=['', 'wrong password'])
@pytest.mark.parametrize('port', ['submission', 'smtps'])
def test_gnutls_cli(server, authority, check, port, password):
    with Terminal('gnutls-cli', '--x509cafile', authority.ca, '--port', server.port(port),
                  *(['--starttls-proto=smtp'] if port == 'submission' else []), HOST) as client:
        client.expect('Simple Client Mode')
        client.say('EHLO client.test', '^250 .*$')
        if password == WRONG:
            client.say('AUTH PLAIN ' + b64(plain(JOE, WRONG)), r'535 5\.7\.8')
            return
        client.say('AUTH PLAIN ' + b64(plain(JOE, PASSWORD)), r'235 2\.7\.0')
        send_mail(client, check)
    check.arrived()


# gsasl: a SASL implementation with channel bindings. It knows no implicit TLS.

def gsasl(server, authority, mechanism, password, *options):
    return Terminal('gsasl', '--smtp', '--connect', f'{HOST}:{server.port("submission")}', '--starttls',
                    '--x509-ca-file', authority.ca, '--mechanism', mechanism, '-a', JOE, '-z', '', '-p',
                    password, '--hostname', HOST, *options, slowly=True)


# With a binding at hand it takes nothing less than -PLUS: hence --no-cb.
GSASL = {'PLAIN': [], 'LOGIN': [], 'CRAM-MD5': [], 'SCRAM-SHA-256': ['--no-cb'], 'SCRAM-SHA-256-PLUS': []}


@needs('gsasl')
@pytest.mark.parametrize('mechanism', GSASL)
def test_gsasl(server, authority, check, mechanism):
    with gsasl(server, authority, mechanism, PASSWORD, *GSASL[mechanism]) as client:
        client.expect(r'^235 2\.7\.0')
        send_mail(client, check)
    check.arrived()


@needs('gsasl')
def test_gsasl_with_a_certificate(server, authority, badge, check):
    with gsasl(server, authority, 'EXTERNAL', '', '--x509-cert-file', badge.chain, '--x509-key-file',
               badge.key) as client:
        client.expect(r'^235 2\.7\.0')
        send_mail(client, check)
    check.arrived()


@needs('gsasl')
@pytest.mark.parametrize('mechanism', GSASL)
def test_gsasl_with_a_wrong_password(server, authority, mechanism):
    with gsasl(server, authority, mechanism, WRONG, *GSASL[mechanism]) as client:
        client.expect(r'^535 5\.7\.8')


# Cyrus SASL

CYRUS = peers.PEERS / 'cyrus'
CYRUS_ENV = {'LD_LIBRARY_PATH': str(CYRUS / 'usr/lib/x86_64-linux-gnu'),
             'SASL_PATH': str(CYRUS / 'usr/lib/x86_64-linux-gnu/sasl2')}
OF_BOTH = ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256']


def smtptest(server, port, mechanism, password, *options):
    return Terminal('stdbuf', '-o0', CYRUS / 'usr/lib/cyrus/bin/smtptest', '-p', server.port(port), '-m',
                    mechanism, '-a', JOE, '-u', JOE, '-w', password,
                    *(['-s'] if port == 'smtps' else options or ['-t', '']), HOST, env=CYRUS_ENV)


@needs_peer('cyrus')
def test_cyrus_sasl_has_no_mechanism_more_that_we_have(server):
    """What saslpluginviewer names and the server offers is what the tests below try."""
    code, output = run(server, CYRUS / 'usr/sbin/saslpluginviewer', '-c', env=CYRUS_ENV)
    theirs = set(re.search(r'client side\) mechanisms are:\n(.*)', output)[1].split())
    with smtplib.SMTP_SSL(HOST, server.port('smtps'), context=ssl._create_unverified_context()) as client:
        client.ehlo()
        ours = set(client.esmtp_features['auth'].split())
    assert theirs & ours == set(OF_BOTH)
    assert 'EXTERNAL' in theirs  # which is offered to those with a certificate


@needs_peer('cyrus')
@both(*OF_BOTH)
def test_cyrus_sasl(server, check, port, mechanism):
    with smtptest(server, port, mechanism, PASSWORD) as client:
        client.expect('Authenticated')
        send_mail(client, check)
    check.arrived()


@needs_peer('cyrus')
def test_cyrus_sasl_with_a_certificate(server, badge, check):
    both_parts = server.folder / 'badge.pem'
    both_parts.write_text(badge.chain.read_text() + badge.key.read_text())
    with smtptest(server, 'submission', 'EXTERNAL', '', '-t', both_parts) as client:
        client.expect('Authenticated')
        send_mail(client, check)
    check.arrived()


@needs_peer('cyrus')
@pytest.mark.parametrize('mechanism', OF_BOTH)
def test_cyrus_sasl_with_a_wrong_password(server, mechanism):
    with smtptest(server, 'submission', mechanism, WRONG) as client:
        client.expect(r'535 5\.7\.8')
        client.expect('Authentication failed')


# mutt

MUTTRC = '''\
set from = "{joe}"
set smtp_url = "{scheme}://{user}@{host}:{port}/"
set smtp_pass = "{password}"
{mechanism}
set ssl_force_tls = yes
set ssl_starttls = yes
set certificate_file = "{ca}"
set ssl_ca_certificates_file = "{ca}"
set copy = no
set edit_headers = no
set hostname = "client.test"
'''


def mutt(server, authority, check, port, mechanism, password=PASSWORD):
    file = server.folder / 'muttrc'
    chosen = f'set smtp_authenticators = "{mechanism}"' if mechanism else ''
    file.write_text(MUTTRC.format(joe=JOE, user=JOE.replace('@', '%40'), host=HOST, port=server.port(port),
                                  scheme='smtp' if port == 'submission' else 'smtps', ca=authority.ca,
                                  password=password, mechanism=chosen))
    return run(server, 'mutt', '-n', '-F', file, '-s', check.subject, '--', BOX, input=b'hello\n',
               env={'TERM': 'dumb'})


@needs('mutt')
@both('plain', 'login', 'cram-md5', 'scram-sha-256', '')
def test_mutt(server, authority, check, port, mechanism):
    """Without smtp_authenticators it takes the best that both know, and nothing else if that fails."""
    check.arrived(*mutt(server, authority, check, port, mechanism))


@needs('mutt')
@pytest.mark.parametrize('mechanism', ['plain', 'login', 'cram-md5', 'scram-sha-256', ''])
def test_mutt_with_a_wrong_password(server, authority, check, mechanism):
    check.refused(*mutt(server, authority, check, 'submission', mechanism, WRONG), words='(?i)auth|sasl')


# nodemailer

NODEMAILER = '''
const [host, port, secure, method, user, pass, token, from, to, subject, ca] = process.argv.slice(1);
const auth = token ? {type: 'OAuth2', user, accessToken: token} : {user, pass};
const transport = require('nodemailer').createTransport({
    host, port, secure: secure === 'yes', requireTLS: true, authMethod: method || undefined, auth,
    name: 'client.test', tls: {ca: require('fs').readFileSync(ca)}});
transport.sendMail({from, to, subject, text: 'hello'})
    .then(info => console.log(info.response), error => { console.error(error); process.exitCode = 1; });
'''


def nodemailer(server, authority, check, port, method='', password=PASSWORD, token=''):
    return run(server, 'node', '-e', NODEMAILER, '--', HOST, server.port(port), 'yes' if port == 'smtps' else 'no',
               method, JOE, password, token, JOE, BOX, check.subject, authority.ca,
               env={'NODE_PATH': str((peers.PEERS / 'nodemailer/node_modules').resolve())})


needs_nodemailer = pytest.mark.skipif(not (peers.PEERS / 'nodemailer/node_modules').is_dir(),
                                      reason='nodemailer is not unpacked')


@needs('node')
@needs_nodemailer
@both('', 'PLAIN', 'LOGIN', 'CRAM-MD5')
def test_nodemailer(server, authority, check, port, mechanism):
    check.arrived(*nodemailer(server, authority, check, port, mechanism))


@needs('node')
@needs_nodemailer
def test_nodemailer_with_a_token(server, authority, check):
    check.arrived(*nodemailer(server, authority, check, 'submission', token=TOKEN))


@needs('node')
@needs_nodemailer
@pytest.mark.parametrize('how', [dict(password=WRONG), dict(token=WRONG_TOKEN)], ids=['password', 'token'])
def test_nodemailer_with_a_wrong_one(server, authority, check, how):
    check.refused(*nodemailer(server, authority, check, 'smtps', **how), words='EAUTH')


# git send-email

def git_send_email(server, authority, check, port, password=PASSWORD, mechanism=None):
    repository = server.folder / 'repository'
    if not repository.exists():
        assert run(server, 'git', 'init', '-q', repository)[0] == 0
    (repository / '0001.patch').write_text(
        'From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n'
        f'From: Joe <{JOE}>\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nSubject: {check.subject}\n\ntext\n')
    return run(server, 'git', '-c', 'user.name=Joe', '-c', f'user.email={JOE}', 'send-email', '--confirm=never',
               f'--from=Joe <{JOE}>', f'--to={BOX}', '--suppress-cc=all', f'--smtp-server={HOST}',
               f'--smtp-server-port={server.port(port)}', f'--smtp-user={JOE}', f'--smtp-pass={password}',
               f'--smtp-encryption={"tls" if port == "submission" else "ssl"}',
               f'--smtp-ssl-cert-path={authority.ca}', '--smtp-debug=0',
               *([f'--smtp-auth={mechanism}'] if mechanism else []), '0001.patch', cwd=repository)


@needs('git')
@both('', 'PLAIN', 'LOGIN')
def test_git_send_email(server, authority, check, port, mechanism):
    check.arrived(*git_send_email(server, authority, check, port, mechanism=mechanism))


@needs('git')
def test_git_send_email_with_a_wrong_password(server, authority, check):
    check.refused(*git_send_email(server, authority, check, 'submission', WRONG), words='5.7.8')


# Python's smtplib

def smtplib_session(server, authority, port):
    context = ssl.create_default_context(cafile=authority.ca)
    if port == 'smtps':
        return smtplib.SMTP_SSL(HOST, server.port(port), context=context)
    client = smtplib.SMTP(HOST, server.port(port))
    client.starttls(context=context)
    return client


@both('plain', 'login', 'cram_md5')
@pytest.mark.parametrize('initial', [True, False], ids=['initial response', 'later'])
def test_smtplib(server, authority, check, port, mechanism, initial):
    with smtplib_session(server, authority, port) as client:
        client.ehlo('client.test')
        client.user, client.password = JOE, PASSWORD
        client.auth(mechanism.upper().replace('_', '-'), getattr(client, f'auth_{mechanism}'),
                    initial_response_ok=initial)
        client.sendmail(JOE, [BOX], check.text)
    check.arrived()


@pytest.mark.parametrize('port', ['submission', 'smtps'])
def test_smtplib_by_its_own_choice(server, authority, check, port):
    with smtplib_session(server, authority, port) as client:
        client.login(JOE, PASSWORD)
        client.sendmail(JOE, [BOX], check.text)
    check.arrived()


def test_smtplib_with_a_wrong_password(server, authority):
    with smtplib_session(server, authority, 'smtps') as client:
        with pytest.raises(smtplib.SMTPAuthenticationError) as error:
            client.login(JOE, WRONG)
        assert error.value.smtp_code == 535


# Mail servers that send through this one.

def postfix_settings(server, authority, folder, port, mechanism, password):
    secrets = folder / 'secrets'
    secrets.write_text(f'[{HOST}]:{server.port(port)} {JOE}:{password}\n')
    return {
        'relayhost': f'[{HOST}]:{server.port(port)}',
        'smtp_sasl_auth_enable': 'yes',
        'smtp_sasl_password_maps': f'texthash:{secrets}',
        'smtp_sasl_security_options': 'noanonymous',
        'smtp_sasl_mechanism_filter': mechanism,
        'smtp_tls_security_level': 'secure',
        'smtp_tls_secure_cert_match': 'mx.nuncio.test',
        'smtp_tls_CAfile': authority.ca,
        'smtp_tls_wrappermode': 'yes' if port == 'smtps' else 'no',
        'minimal_backoff_time': '300s',
    }


def through(peer, check):
    with smtplib.SMTP(HOST, peer.port) as client:
        client.sendmail(JOE, [BOX], check.text)


@pytest.mark.skipif(not peers.available('postfix'), reason='needs root and Postfix')
@pytest.mark.parametrize('port, mechanism', [('submission', 'PLAIN'), ('submission', 'LOGIN'),
                                             ('submission', 'CRAM-MD5'), ('submission', 'SCRAM-SHA-256'),
                                             ('smtps', 'PLAIN')])
@pytest.mark.usefixtures('users')
def test_postfix(server, authority, folder, check, port, mechanism):
    place = folder / f'postfix-{port}-{mechanism}'
    place.mkdir()
    with Postfix(place, postfix_settings(server, authority, place, port, mechanism, PASSWORD)) as postfix:
        through(postfix, check)
        check.arrived(output=postfix.mail_log())


@pytest.mark.skipif(not peers.available('postfix'), reason='needs root and Postfix')
def test_postfix_with_a_wrong_password(server, authority, folder, check):
    place = folder / 'postfix-wrong'
    place.mkdir()
    with Postfix(place, postfix_settings(server, authority, place, 'submission', '', WRONG)) as postfix:
        through(postfix, check)
        peers.wait_until(lambda: '535 5.7.8' in postfix.mail_log(), 30, postfix.mail_log())
        check.refused(1, postfix.mail_log())


def opensmtpd_config(server, folder, scheme, password):
    (folder / 'secrets').write_text(f'joe {JOE}:{password}\n')
    port = server.port('smtps' if scheme == 'smtps' else 'submission')
    return (f'table secrets file:{folder}/secrets\n'
            f'action "out" relay host {scheme}://joe@localhost:{port} auth <secrets>\n'
            'match from any for any action "out"\n')


@pytest.mark.skipif(not peers.available('opensmtpd'), reason='needs root and OpenSMTPD')
@pytest.mark.parametrize('scheme', ['smtp+tls', 'smtps'])
@pytest.mark.parametrize('password', [PASSWORD, WRONG], ids=['', 'wrong password'])
def test_opensmtpd(server, authority, folder, check, scheme, password):
    place = folder / f'opensmtpd-{scheme}-{password[:3]}'
    place.mkdir()
    with OpenSMTPD(place, opensmtpd_config(server, place, scheme, password), ca=authority.ca) as opensmtpd:
        through(opensmtpd, check)
        log = place / 'peer.log'
        if password == PASSWORD:
            peers.wait_until(lambda: 'result="' in log.read_text(), 30, log.read_text())
            check.arrived(output=log.read_text())
        else:
            peers.wait_until(lambda: '535 5.7.8' in log.read_text() or 'LKA' in log.read_text(), 30,
                             log.read_text())
            check.refused(1, log.read_text(), words='535|TempFail|PermFail')
