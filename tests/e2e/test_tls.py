"""TLS as clients see it: STARTTLS and its pitfalls, TLS from the first byte, certificates by name,
other people's clients, large and many.

Written from RFC 3207, 8314, 8446, 6066, 7301 and 3848.
"""
import concurrent.futures
import pathlib
import re
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import time

import pytest

from pki import Authority
from server import Server
from session import CLOSED, Client, Tls, client_context

EHLO = ('EHLO client.test', '250')
MAIL = ('MAIL FROM:<sender@client.test>', '250')
RCPT = ('RCPT TO:<joe@example.test>', '250')

CONF = '''
listen mx   {{ service mx; address 127.0.0.1:{mx}; proxy_protocol {{ 127.0.0.3 }} }}
listen mxs  {{ service mx; address 127.0.0.1:{mxs}; tls implicit; proxy_protocol {{ 127.0.0.3 }} }}
listen sub  {{ service submission; address 127.0.0.1:{sub}; auth off }}
listen smtps {{ service submission; address 127.0.0.1:{smtps}; tls implicit; auth off }}
listen asks {{ service mx; address 127.0.0.1:{asks}; client_certificate asked; client_ca {folder}/pki/ca.pem }}
listen wants {{ service mx; address 127.0.0.1:{wants}; tls implicit; client_certificate required;
               client_ca {folder}/pki/ca.pem }}
domain example.test {{ deliver maildir }}
limits {{ sessions_per_client 500; idle_commands 1000 }}
'''
CERTIFICATES = '''
certificate ec  {{ chain {folder}/pki/ec.pem; key {folder}/pki/ec.key }}
certificate rsa {{ chain {folder}/pki/rsa.pem; key {folder}/pki/rsa.key }}
certificate branch {{ chain {folder}/pki/branch.pem; key {folder}/pki/branch.key }}
'''


class World:
    def __init__(self, server, authority):
        self.server, self.authority = server, authority
        self.context = client_context(ca=authority.ca)

    def client(self, port='mx', **options):
        return Client(('127.0.0.1', self.server.port(port)), **options)

    def secure(self, port='mx', **options):
        """Behind STARTTLS, and nothing said yet."""
        client = self.client(port)
        client.run([(b'', '220'), EHLO, ('STARTTLS', '220 2.0.0 ')])
        client.start_tls(options.pop('context', self.context), 'mx.nuncio.test', **options)
        return client

    def events(self, name):
        return re.findall(rf'^.* {name} .*$', self.server.log(), re.M)


@pytest.fixture(scope='module')
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-tls-', dir='/var/tmp'))
    folder.chmod(0o755)
    authority = Authority(folder / 's' / 'pki')
    names = ['mx.nuncio.test', '127.0.0.1']
    authority.issue('ec', names)
    authority.issue('rsa', names, kind='rsa')
    authority.issue('branch', ['*.branch.test'])
    server = Server(folder / 's', CONF + CERTIFICATES)
    server.account('joe@example.test')
    yield World(server, authority)
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def take_one(world, text, before=0):
    mails = world.server.wait_for_mail('joe@example.test', before + 1)
    return next(mail for mail in mails if text in mail)


def count(world):
    return len(world.server.mail('joe@example.test'))


def test_a_message_under_starttls(world):
    before = count(world)
    with world.secure() as client:
        client.run([MAIL[:1] + ('503 5.5.1 ',)])
        assert 'STARTTLS' not in client.extensions('EHLO after.test')
        client.run([('STARTTLS', '503 5.5.1 '), MAIL, RCPT, ('DATA', '354'),
                    (b'Subject: one\r\n\r\nbody\r\n.\r\n', '250'), ('QUIT', '221', CLOSED)])
    mail = take_one(world, b'Subject: one', before)
    head = re.sub(rb'\r?\n[ \t]+', b' ', mail)
    assert re.search(rb'Received: from after\.test \(\[127\.0\.0\.1\]\) by mx\.nuncio\.test \(Nuncio\) '
                     rb'with ESMTPS id \w+ for <joe@example\.test> '
                     rb'tls TLS_AES_256_GCM_SHA384 \(TLSv1\.3\);', head), head[:600]
    assert re.search(r'version="?TLSv1\.3"? cipher="?TLS_AES_256_GCM_SHA384"? .*sni="?mx\.nuncio\.test',
                     world.events('tls')[-1])


def test_starttls_is_offered_and_checked(world):
    with world.client() as client:
        client.run([(b'', '220')])
        assert 'STARTTLS' in client.extensions()
        client.run([('STARTTLS please', '501 5.5.4 '), MAIL, ('STARTTLS', '503 5.5.1 '),
                    ('QUIT', '221', CLOSED)])


def test_before_tls_almost_nothing_is_in_order(world):
    with world.client('sub') as client:
        client.run([(b'', '220'), ('NOOP', '250'), EHLO])
        for said in ('MAIL FROM:<a@b.test>', 'RSET', 'VRFY joe', 'HELP', 'HELO me', 'EXPN x',
                     'AUTH PLAIN AGEAYg==', 'BDAT 4 LAST\r\nQUIT'):
            client.say(said.encode() + (b'' if 'BDAT' in said else b'\r\n'), '530 5.7.0 ')
        client.run([('QUIT', '221', CLOSED)])


@pytest.mark.parametrize('port', ['mx', 'sub'])
@pytest.mark.parametrize('behind', [b'EHLO evil.test\r\n', b'MAIL FROM:<evil@client.test>\r\n', b'R',
                                    b'\r\n'])
def test_commands_behind_starttls_in_its_segment(world, port, behind):
    with world.client(port) as client:
        client.run([(b'', '220'), EHLO, (b'STARTTLS\r\n' + behind, '503 5.5.1 ', CLOSED)])


@pytest.mark.parametrize('port', ['mx', 'sub'])
def test_commands_behind_starttls_in_the_next_segment(world, port):
    """They are in the socket when the handshake begins, and are no ClientHello."""
    with world.client(port) as client:
        client.run([(b'', '220'), EHLO])
        client.socket.sendall(b'STARTTLS\r\n')
        time.sleep(0.05)
        client.socket.sendall(b'MAIL FROM:<evil@client.test>\r\nRCPT TO:<joe@example.test>\r\n')
        said = b''
        client.socket.settimeout(10)
        while data := client.socket.read():
            said += data
        assert said.startswith(b'220 2.0.0 ') and b'250' not in said
    assert 'why=' in world.events('tls-failed')[-1]


def test_the_handshake_knows_nothing_of_what_came_before(world):
    """A command that was cut off before STARTTLS's line does not continue under TLS."""
    with world.secure() as client:
        client.run([(b'O client.test\r\n', '500'), EHLO])


def test_implicit_tls(world):
    with world.client('mxs', tls=world.context, name='mx.nuncio.test') as client:
        assert client.reply().startswith('220 ')
        client.run([EHLO, ('NOOP', '250'), ('QUIT', '221', CLOSED)])


@pytest.mark.parametrize('said', [b'EHLO client.test\r\n', b'GET / HTTP/1.1\r\n\r\n', b'\0' * 100,
                                  b'\x16\x03\x01\xff\xff' + b'A' * 300, b'\x80\x2e\x01\x03\x01' + b'\0' * 60])
def test_plain_text_to_an_implicit_port(world, said):
    with world.client('mxs') as client:
        client.socket.sendall(said)
        client.socket.settimeout(10)
        answer = b''
        try:
            while data := client.socket.read():
                answer += data
        except ConnectionResetError:
            pass
        assert answer == b'' or answer[0] == 0x15, answer  # an alert, never a reply


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_old_versions_are_refused(world):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = client_context(ciphers='ALL:@SECLEVEL=0', minimum_version=version,
                                 maximum_version=version)
        with pytest.raises(ssl.SSLError, match='PROTOCOL_VERSION|protocol version'):
            world.secure(context=context)
    assert 'unsupported protocol' in world.events('tls-failed')[-1]


@pytest.mark.parametrize('cipher', ['AES256-GCM-SHA384', 'ECDHE-RSA-AES256-SHA384',
                                    'DHE-RSA-AES256-GCM-SHA384', 'NULL-SHA256', 'AES128-SHA'])
def test_weak_ciphers_are_refused(world, cipher):
    context = client_context(ciphers=f'{cipher}:@SECLEVEL=0',
                             maximum_version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises(ssl.SSLError):
        world.secure(context=context)


def test_names_and_key_types_choose_the_certificate(world):
    def subject(name, ciphers):
        context = client_context(ciphers=ciphers, maximum_version=ssl.TLSVersion.TLSv1_2)
        with world.client('mxs', tls=context, name=name) as client:
            der = client.tls.getpeercert(True)
            text = subprocess.run(['openssl', 'x509', '-inform', 'DER', '-noout', '-subject',
                                   '-text'], input=der, capture_output=True).stdout.decode()
            return (re.search(r'CN ?= ?(\S+)', text)[1],
                    'rsa' if 'rsaEncryption' in text else 'ec')
    ec, rsa = 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'
    assert subject('mx.nuncio.test', ec) == ('mx.nuncio.test', 'ec')
    assert subject('mx.nuncio.test', rsa) == ('mx.nuncio.test', 'rsa')
    assert subject('mail.branch.test', ec) == ('*.branch.test', 'ec')
    # sections are kept by name, so branch is the first of those with an ECDSA key
    assert subject('unknown.test', rsa) == ('mx.nuncio.test', 'rsa')
    assert subject(None, ec)[1] == 'ec'


def test_alpn(world):
    for offer, chosen in ((['smtp'], 'smtp'), (['h2', 'smtp'], 'smtp'), (None, None)):
        context = client_context(**({'alpn': offer} if offer else {}))
        with world.client('mxs', tls=context) as client:
            assert client.tls.selected_alpn_protocol() == chosen
    with pytest.raises(ssl.SSLError, match='(?i)no.application.protocol'):
        world.client('mxs', tls=client_context(alpn=['http/1.1']))


@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tickets_resume(world, version):
    context = client_context(minimum_version=version, maximum_version=version)
    session, resumed = None, []
    for _ in range(3):
        with world.client('mxs', tls=context, session=session) as client:
            client.reply()
            client.run([EHLO])
            resumed.append(client.tls.session_reused)
            session = client.tls.session
            client.socket.close_notify()
    assert resumed == [False, True, True]


def test_client_certificates(world):
    before = count(world)
    mine = world.authority.issue('ada', ['ada@example.test'], usage='clientAuth')
    strangers = Authority(world.server.folder / 'other', 'Other CA')
    foreign = strangers.issue('eve', ['ada@example.test'], usage='clientAuth')
    for pair, peer in ((mine, 'ada@example.test'), (foreign, ''), (None, '')):
        settings = {'certificate': pair} if pair else {}
        with world.secure('asks', context=client_context(world.authority.ca, **settings)) as client:
            client.run([EHLO])
            assert (f'peer="{peer}"' in world.events('tls')[-1]
                    or f'peer={peer} ' in world.events('tls')[-1])
            if peer:
                client.run([MAIL, RCPT, ('DATA', '354'),
                            (b'Subject: certified\r\n\r\n.\r\n', '250')])
    assert 'client-certificate-refused' in world.server.log()
    head = re.sub(rb'\r?\n[ \t]+', b' ', take_one(world, b'Subject: certified', before))
    assert b'(TLSv1.3, client certificate of ada@example.test)' in head
    for pair in (foreign, None):
        settings = {'certificate': pair} if pair else {}
        with pytest.raises((ssl.SSLError, AssertionError, ConnectionError)):
            with world.client('wants', tls=client_context(**settings)) as client:
                client.run([(b'', '220')])
    with world.client('wants', tls=client_context(certificate=mine)) as client:
        client.run([(b'', '220'), EHLO])


@pytest.mark.parametrize('port', ['mx', 'mxs'])
def test_behind_the_proxy_protocol(world, port):
    header = b'PROXY TCP4 198.51.100.9 127.0.0.1 4444 25\r\n'
    options = {'source': '127.0.0.3', 'first': header}
    if port == 'mxs':
        options['tls'] = client_context()
    with world.client(port, **options) as client:
        client.run([(b'', '220'), EHLO])
        if port == 'mx':
            client.run([('STARTTLS', '220')])
            client.start_tls(client_context())
            client.run([EHLO])
        client.run([('QUIT', '221', CLOSED)])
    assert any('198.51.100.9' in event for event in world.events('tls'))


def test_proxy_header_and_client_hello_in_one_segment(world):
    header = b'PROXY TCP4 198.51.100.10 127.0.0.1 4444 25\r\n'
    with world.client('mxs', source='127.0.0.3') as client:
        tls = Tls(client.socket.socket, client_context())
        client.socket.sendall(header + tls.client_hello())
        tls.handshake()
        client.socket = tls
        client.run([(b'', '220'), EHLO])


def test_pipelining_in_one_record_and_a_byte_in_each(world):
    before = count(world)
    said = (b'MAIL FROM:<sender@client.test>\r\nRCPT TO:<joe@example.test>\r\nDATA\r\n')
    text = b'Subject: small records\r\n\r\nx\r\n.\r\nQUIT\r\n'
    with world.secure() as client:
        client.run([EHLO, (said, '250', '250', '354')])
        for byte in text:
            client.socket.sendall(bytes([byte]))
        client.run([(b'', '250', '221', CLOSED)])
    take_one(world, b'Subject: small records', before)
    # records themselves cut into bytes on the way
    with world.secure() as client:
        client.run([EHLO])
        for byte in client.socket.encrypt(b'NOOP\r\nRSET\r\n'):
            client.socket.socket.sendall(bytes([byte]))
        client.run([(b'', '250', '250')])


def test_a_large_message(world):
    before = count(world)
    body = b''.join(b'%070d\r\n' % i for i in range(8 * 1024 * 1024 // 72))
    with smtplib.SMTP('127.0.0.1', world.server.port('mx'), 'client.test') as client:
        client.starttls(context=client_context())
        client.sendmail('a@client.test', ['joe@example.test'], b'Subject: large\r\n\r\n' + body)
    mail = take_one(world, b'Subject: large', before)
    assert mail.replace(b'\r\n', b'\n').endswith(body.replace(b'\r\n', b'\n'))


def test_many_at_once(world):
    """All are open together, some by STARTTLS and some not, then each sends."""
    number = 150
    before = count(world)
    versions = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

    def open_one(i):
        context = client_context(maximum_version=versions[i % 2])
        if i % 3:
            return world.secure(context=context)
        client = world.client('mxs', tls=context)
        client.run([(b'', '220')])
        return client

    def send(client):
        with client:
            client.run([EHLO, MAIL, RCPT, ('DATA', '354'),
                        (b'Subject: many\r\n\r\n.\r\n', '250'), ('QUIT', '221', CLOSED)])
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(send, list(pool.map(open_one, range(number)))))
    world.server.wait_for_mail('joe@example.test', before + number, 60)


def test_cut_off_in_the_handshake_and_after(world):
    for size in (0, 1, 5, 6, 50, 200, 300):
        with world.client('mxs') as client:
            client.socket.sendall(Tls(client.socket.socket, client_context()).client_hello()[:size])
    for _ in range(5):
        client = world.secure()
        client.socket.socket.close()
    with world.client('mxs', tls=client_context()) as client:
        client.run([(b'', '220'), EHLO])


# ---- other people's clients ---------------------------------------------------------------------

def run(argv, text=b'', seconds=60):
    if not shutil.which(argv[0]):
        pytest.skip(f'no {argv[0]}')
    return subprocess.run(list(map(str, argv)), input=text, capture_output=True, timeout=seconds)


def test_openssl_s_client(world):
    for port, extra in (('mx', ['-starttls', 'smtp', '-name', 'client.test']), ('smtps', [])):
        done = run(['openssl', 's_client', '-connect', f'127.0.0.1:{world.server.port(port)}',
                    '-servername', 'mx.nuncio.test', '-CAfile', world.authority.ca,
                    '-verify_return_error', '-verify_hostname', 'mx.nuncio.test',
                    '-alpn', 'smtp', '-quiet', '-ign_eof', *extra],
                   b'NOOP\r\nQUIT\r\n')
        assert done.returncode == 0 and b'221 2.0.0' in done.stdout, done


def test_gnutls_cli(world):
    for port, extra in (('mx', ['--starttls-proto=smtp']), ('smtps', ['--alpn=smtp'])):
        done = run(['gnutls-cli', f'--port={world.server.port(port)}',
                    f'--x509cafile={world.authority.ca}', *extra, '127.0.0.1'],
                   b'NOOP\r\nQUIT\r\n')
        assert done.returncode == 0 and b'221 2.0.0' in done.stdout, done


def test_swaks(world):
    before = count(world)
    for port, option in (('mx', '-tls'), ('mxs', '-tlsc')):
        done = run(['swaks', option, '--server', f'127.0.0.1:{world.server.port(port)}', '--to',
                    'joe@example.test', '--from', 'a@client.test', '--ehlo', 'client.test',
                    '--tls-verify', '--tls-ca-path', world.authority.ca, '--header',
                    'Subject: swaks'])
        assert done.returncode == 0, done.stdout.decode()
    world.server.wait_for_mail('joe@example.test', before + 2)


def test_curl(world, folder):
    before = count(world)
    (folder / 'mail').write_bytes(b'Subject: curl\r\n\r\nhello\r\n')
    for url in (f'smtps://127.0.0.1:{world.server.port("mxs")}/client.test',
                f'smtp://127.0.0.1:{world.server.port("mx")}/client.test'):
        done = run(['curl', '-sS', '--ssl-reqd', '--cacert', world.authority.ca, url, '--mail-from',
                    'a@client.test', '--mail-rcpt', 'joe@example.test', '-T', folder / 'mail'])
        assert done.returncode == 0, done.stderr.decode()
    world.server.wait_for_mail('joe@example.test', before + 2)
