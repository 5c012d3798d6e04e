"""TLS towards other servers: of every grade, under every policy, and what an attacker can do to it."""
import smtplib
import ssl

import pytest

import peers
from peers import Postfix, Sink, wait_until
from pki import Authority
from tls_peer import TlsSink, tls_context

CONF = '''
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain example.test {{{{ deliver maildir }}}}
route out {{{{ host {host}:{port}; {settings} }}}}
default_route out
queue {{{{ retry_first 1s; retry_max 2s; gather 1s }}}}
'''
TEXT = b'Subject: x\r\n\r\nhello\r\n'


@pytest.fixture(scope='session')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('ca'))


@pytest.fixture
def send(make_server):
    """A server with a route to the sink, and one message for it."""
    def make(sink, settings='', host='127.0.0.1'):
        server = make_server(CONF.format(host=host, port=sink.port, settings=settings))
        server.account('joe@example.test')
        server.send('joe@example.test', ['away@far.test'], TEXT)
        return server
    return make


def events(server, name):
    return [line for line in server.log().splitlines() if f' event={name} ' in line or f' {name} ' in line]


@pytest.mark.skipif(not peers.available('postfix'), reason='needs root and Postfix')
def test_postfix_gets_mail_under_tls(send, folder, authority):
    pair = authority.issue('postfix', ['localhost'])
    tls = {'smtpd_tls_security_level': 'may', 'smtpd_tls_cert_file': str(pair.chain),
           'smtpd_tls_key_file': str(pair.key), 'smtpd_tls_received_header': 'yes'}
    with Sink() as sink, \
            Postfix(folder / 'postfix', {'relayhost': f'[127.0.0.1]:{sink.port}', **tls}) as postfix:
        server = send(postfix)
        wait_until(lambda: sink.messages, what='the message through Postfix')
        server.wait_for_empty_queue()
    assert b'using TLSv1.3 with cipher' in sink.messages[0][2]
    [line] = events(server, 'tls')
    assert 'version=TLSv1.3' in line and 'rule=opportunistic' in line, line


@pytest.mark.parametrize('kind', ['ec', 'rsa'])
@pytest.mark.parametrize('version', ['1.2', '1.3'])
def test_versions_and_keys(send, authority, version, kind):
    pair = authority.issue(f'mx-{version}-{kind}', ['mx.far.test'], kind=kind)
    with TlsSink(tls_context(pair, version)) as sink:
        server = send(sink)
        server.wait_for_empty_queue()
    assert [message.tls for message in sink.messages] == [f'TLSv{version}']


@pytest.mark.parametrize('mode', ['strip', 'refuse', 'close', 'garbage', 'inject', '1.0'])
def test_what_goes_wrong_leaves_clear_text_where_tls_is_only_liked(send, authority, mode):
    context = tls_context(authority.issue('broken', ['mx.far.test']), '1.0' if mode == '1.0' else None)
    with TlsSink(context, mode) as sink:
        server = send(sink)
        server.wait_for_empty_queue()
    [message] = sink.messages
    assert message.tls is None and message.text.endswith(TEXT)
    [line] = events(server, 'no-tls')
    assert 'result=' in line, line


@pytest.mark.parametrize('mode', ['strip', 'refuse', 'close', 'garbage', 'inject', '1.0'])
def test_what_goes_wrong_is_put_off_where_tls_is_demanded(send, authority, mode):
    context = tls_context(authority.issue('broken', ['mx.far.test']), '1.0' if mode == '1.0' else None)
    with TlsSink(context, mode) as sink:
        server = send(sink, 'tls encrypt')
        wait_until(lambda: len(sink.sessions) > 1, what='another try')
    assert sink.messages == []
    [entry] = server.json('queue', 'list')
    assert 'no delivery without TLS (encrypt)' in str(entry), entry


def test_never_means_never(send, authority):
    with TlsSink(tls_context(authority.issue('mx', ['127.0.0.1']))) as sink:
        server = send(sink, 'tls none')
        server.wait_for_empty_queue()
    assert [message.tls for message in sink.messages] == [None]
    assert not sink.sessions[0].starttls


def test_tls_from_the_first_byte(send, authority):
    with TlsSink(tls_context(authority.issue('mx', ['127.0.0.1'])), implicit=True) as sink:
        server = send(sink, 'tls_implicit yes')
        server.wait_for_empty_queue()
    assert [message.tls for message in sink.messages] == ['TLSv1.3']


@pytest.mark.parametrize('names, known, why', [
    (['127.0.0.1'], True, None),
    (['mx.far.test'], True, 'mismatch'),
    (['127.0.0.1'], False, 'unable to get local issuer certificate'),
])
def test_verification(send, authority, folder, names, known, why):
    ca = authority.ca if known else Authority(folder / 'other', 'Other CA').ca
    with TlsSink(tls_context(authority.issue('mx', names))) as sink:
        server = send(sink, f'tls verify; tls_ca {ca}')
        if why:
            wait_until(lambda: why in str(server.json('queue', 'list')), what=why)
            assert sink.messages == []
        else:
            server.wait_for_empty_queue()
            assert 'rule=verify' in server.log() and 'certificate=good' in server.log()


def test_unreadable_cas_verify_nobody(send, authority, folder):
    (folder / 'ca.pem').write_text('no certificate\n')
    with TlsSink(tls_context(authority.issue('mx', ['127.0.0.1']))) as sink:
        server = send(sink, f'tls verify; tls_ca {folder}/ca.pem')
        wait_until(lambda: 'tls_ca' in str(server.json('queue', 'list')), what='the reason')
    assert sink.messages == []


def test_connections_are_reused_and_handshakes_resumed(send, authority):
    with TlsSink(tls_context(authority.issue('mx', ['127.0.0.1']))) as sink:
        server = send(sink, 'messages 2; idle 20s')
        for _ in range(3):
            server.wait_for_empty_queue()
            server.send('joe@example.test', ['away@far.test'], TEXT)
        server.wait_for_empty_queue()
    assert [session.messages for session in sink.sessions] == [2, 2]
    assert [session.resumed for session in sink.sessions] == [False, True]
    assert len(events(server, 'tls')) == 2


@pytest.mark.parametrize('offered, mode, status', [
    (True, None, None), (False, None, '5.7.30'), (True, 'strip', '5.7.10'), (True, 'garbage', '5.7.10'),
])
def test_requiretls_is_kept_or_the_message_comes_back(make_server, authority, offered, mode, status):
    with TlsSink(tls_context(authority.issue('mx', ['127.0.0.1'])), mode,
                 under_tls=('REQUIRETLS',) if offered else ('HELP',)) as sink:
        server = make_server(CONF.format(host='127.0.0.1', port=sink.port,
                                         settings=f'tls may; tls_ca {authority.ca}'))
        server.account('joe@example.test')
        with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='client.test') as client:
            client.starttls(context=ssl._create_unverified_context())
            client.ehlo()
            assert client.has_extn('requiretls')
            client.sendmail('joe@example.test', ['away@far.test'], TEXT, mail_options=['REQUIRETLS'])
        if status is None:
            wait_until(lambda: sink.messages, what='the message')
            assert ' REQUIRETLS' in sink.messages[0].mail and sink.messages[0].tls
        else:
            [bounce] = server.wait_for_mail('joe@example.test')
            assert f'Status: {status}'.encode() in bounce and b'hello' not in bounce
            assert sink.messages == []
        server.wait_for_empty_queue()


def test_tls_required_no_is_no_way_around_the_route(send, authority, make_server):
    """It takes the recipient's wishes away, and those of this route are ours."""
    with TlsSink(tls_context(authority.issue('mx', ['127.0.0.1'])), 'strip') as sink:
        server = make_server(CONF.format(host='127.0.0.1', port=sink.port, settings='tls encrypt'))
        server.account('joe@example.test')
        server.send('joe@example.test', ['away@far.test'], b'TLS-Required: No\r\n' + TEXT)
        wait_until(lambda: 'no delivery without TLS' in str(server.json('queue', 'list')),
                   what='the reason')
    assert sink.messages == []
