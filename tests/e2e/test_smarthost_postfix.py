"""Mail that goes over a real Postfix after logging in there: its SASL is Dovecot's."""
import pytest

import peers
from pki import Authority
from test_smarthost import OURS, send

# What Postfix says is what Dovecot's SASL can do.
SASL = '''
auth_mechanisms = plain login scram-sha-256 scram-sha-1 cram-md5
service auth {{{{
  unix_listener {folder}/auth-postfix {{{{
    user = postfix
    mode = 0600
  }}}}
}}}}
'''


@pytest.fixture
def postfix(folder):
    """With Dovecot behind it: whoever logs in with the password "secret" may send anywhere."""
    Authority(folder / 'pki').issue('mx', ['localhost'])
    peers.ensure_user('postfix')
    users = peers.ANY_USER + SASL.format(folder=folder / 'dovecot')
    with peers.Sink() as sink, peers.Dovecot(folder / 'dovecot', folder / 'mail', users=users), \
            peers.Postfix(folder / 'postfix', main={
                'mynetworks': '192.0.2.0/24', 'relayhost': f'[127.0.0.1]:{sink.port}',
                'smtpd_sasl_auth_enable': 'yes', 'smtpd_sasl_type': 'dovecot',
                'smtpd_sasl_path': folder / 'dovecot/auth-postfix',
                'smtpd_relay_restrictions': 'permit_sasl_authenticated,reject',
                'smtpd_tls_security_level': 'may', 'smtpd_tls_auth_only': 'yes',
                'smtpd_tls_chain_files': f'{folder}/pki/mx.key, {folder}/pki/mx.pem'}) as server:
        server.sink = sink
        yield server


@pytest.mark.skipif(not peers.available('postfix', 'dovecot'), reason='not installed')
@pytest.mark.parametrize('mechanism', ['', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN',
                                       'CRAM-MD5'])
def test_postfix_with_dovecot(make_server, folder, postfix, mechanism):
    (folder / 'password').write_text('secret\n')
    named = f'mechanisms {mechanism}; ' if mechanism else ''
    ours = make_server(OURS.replace('PORT', str(postfix.port)).replace('MORE', '')
                       .replace('PKI', str(folder / 'pki'))
                       .replace('WITH', f'{named}password_file {folder}/password'))
    send(ours, 'far@away.test')
    peers.wait_until(lambda: postfix.sink.messages, 20, ours.log() + postfix.mail_log())
    assert f'mechanism={mechanism or "SCRAM-SHA-256"}\n' in ours.log()
    assert 'sasl_username=joe@a.test' in postfix.mail_log()
