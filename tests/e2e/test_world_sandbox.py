"""Every way to the world behind the sandbox of a release build: by MX with DNSSEC, DANE, MTA-STS and
TLS reports, over a smarthost with a login, with history and metrics running. No role may die of a
call that its filter forbids, nor fail by one.
"""
import contextlib
import os
import re
import urllib.request

import pytest

import peers
from names import Names
from peers import wait_until
from server import RELEASE
from test_dane_out import record
from test_mta_sts import MX, POLICY, Web, zone_of
from tls_peer import TlsSink, tls_context

CONF = '''
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
listen submission {{{{ service submission; address 127.0.0.1:{{submission}} }}}}
certificate mx {{{{ chain {pki}/smart.pem; key {pki}/smart.key }}}}
domain example.test {{{{ deliver maildir }}}}
trusted {{{{ 127.0.0.1 }}}}
default_route world
route world {{{{ mx; port {port}; tls_ca {pki}/ca.pem; idle 1s }}}}
queue {{{{ retry_first 1s; retry_max 2s; gather 1s }}}}
web {{{{ listen 127.0.0.1:{{web}} }}}}
{more}
'''
SMART = '''
route smart {{{{ host localhost:{port}; tls_ca {pki}/ca.pem
               login {{{{ user joe@example.test; password_file {folder}/password }}}} }}}}
destination smart.test {{{{ route smart }}}}
'''
# What a forbidden call or file looks like in a log, besides a dead role.
FORBIDDEN = re.compile(r'Function not implemented|Operation not permitted|Permission denied|role-died')

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason='port 443 and the roles\' users are root\'s'),
    pytest.mark.skipif(not (RELEASE / 'nuncio').exists(), reason='needs a release build')]


def test_all_ways_to_the_world_behind_the_sandbox(folder, make_server):
    with contextlib.ExitStack() as stack:
        web = Web(folder)
        stack.callback(web.close)
        mx = web.authority.issue('mx', ['mx.sts.test', 'mx.dane.test'])
        web.authority.issue('smart', ['localhost'])
        sink = stack.enter_context(TlsSink(tls_context(mx), host=MX))
        names = stack.enter_context(Names(folder))
        names.zone('sts.test', zone_of('sts.test', '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:a@sts.test"'))
        names.zone('dane.test', f'@ MX 10 mx\nmx A {MX}\n_{sink.port}._tcp.mx TLSA '
                   + record(mx.chain, 3, 1, 1), signed=True)
        names.zone('broken.test', f'@ MX 10 mx\nmx A {MX}', signed=True, spoil='expired')
        web.page('sts.test', POLICY.format(mode='enforce', mx='mx.sts.test'))
        names.start()
        smart = make_server('''
            listen submission {{ service submission; address 127.0.0.1:{submission} }}
            certificate mx {{ chain PKI/smart.pem; key PKI/smart.key }}
            domain example.test {{ deliver maildir }}
            domain smart.test {{ deliver maildir }}
        '''.replace('PKI', str(folder / 'pki')), release=True)
        smart.account('joe@example.test', password='correct horse')
        smart.account('a@smart.test')
        (folder / 'password').write_text('correct horse\n')
        (folder / 'password').chmod(0o600)
        more = SMART.format(port=smart.port('submission'), pki=folder / 'pki', folder=folder)
        server = make_server(names.statement + CONF.format(pki=folder / 'pki', port=sink.port,
                                                           more=more), release=True)
        server.account('joe@example.test')
        for domain in ('sts.test', 'dane.test', 'broken.test', 'smart.test', 'missing.test'):
            server.send('joe@example.test', [f'a@{domain}'], b'From: joe@example.test\r\n'
                        b'Subject: x\r\n\r\nhello\r\n')
        wait_until(lambda: len(sink.messages) == 2, 30, 'mail by MX')
        smart.wait_for_mail('a@smart.test')
        server.wait_for_mail('joe@example.test')  # of missing.test
        assert all(message.tls for message in sink.messages)
        for domain, words in (('dane.test', 'DANE'), ('sts.test', 'TLSv1'), ('smart.test', 'TLSv1'),
                              ('missing.test', 'does not exist'), ('broken.test', 'DNSSEC')):
            wait_until(lambda: words.lower() in server.run('why', f'a@{domain}', check=False).stdout
                       .decode().lower(), 10, f'{words} in the story of {domain}')
        text = urllib.request.urlopen(f'http://127.0.0.1:{server.port("web")}/metrics').read()
        assert b'nuncio_' in text
        assert (server.state / 'relay' / 'sts' / 'sts.test').exists()
        assert any(log in server.log() for log in ('rule=dane', 'rule=sts'))
        assert not FORBIDDEN.search(server.log()), server.log()
        assert 'seccomp off' not in server.log() + smart.log()
