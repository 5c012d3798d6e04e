"""TLS towards other servers: of every grade, under every policy, and what an attacker can do to it."""
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


@pytest.fixture(scope='module')
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
