"""testssl.sh, which knows what is wrong with other people's TLS, on 587 and 465: nothing above LOW.

All that it looks for by itself but the list of every cipher, which says nothing that its other parts do
not say, and the simulation of browsers. Both ports and the parts of the examination run at the same
time, for much of it is waiting.
"""
import concurrent.futures
import json
import os
import subprocess

import pytest

import peers
from pki import Authority

CONF = '''
listen submission {{ service submission; address 127.0.0.1:{submission} }}
listen smtps      {{ service submission; address 127.0.0.1:{smtps}; tls implicit }}
certificate ec    {{ chain CA/ec.pem; key CA/ec.key }}
certificate rsa   {{ chain CA/rsa.pem; key CA/rsa.key }}
domain example.test {{ deliver maildir }}
limits {{ sessions_per_client 500 }}
'''
HOME = peers.PEERS / 'testssl'
PARTS = [['--protocols', '--server-preference', '--server-defaults'],
         ['--fs', '--vulnerable', '--std']]
FINE = {'OK', 'INFO', 'DEBUG', 'LOW'}
EXCLUDED = {
    'cert_revocation': 'a test CA publishes no revocation list and answers no OCSP',
    'sessionresumption_ticket': 'with TLS 1.3 the ticket comes behind the handshake, when its s_client has '
                                'gone: a warning that it could not look; resumption has tests of its own',
    'engine_problem': 'says that the local openssl lacks GOST, nothing of the server',
}


def examine(server, folder, authority, port, number):
    """The findings of one part: a list of testssl.sh's own objects."""
    place = folder / f'{port}-{number}'
    place.mkdir()
    # It wants a program that could resolve names; there is nothing to be resolved.
    (place / 'host').write_text('#!/bin/sh\nexit 1\n')
    (place / 'host').chmod(0o755)
    findings = place / 'findings.json'
    env = {**os.environ, 'TESTSSL_INSTALL_DIR': str(HOME / 'etc/testssl'), 'TMPDIR': str(place),
           'CA_BUNDLES_PATH': str(HOME / 'etc/testssl'),
           'PATH': f'{place}:{os.environ["PATH"]}:{(HOME / "usr/bin").resolve()}'}
    done = subprocess.run(
        ['bash', HOME / 'usr/bin/testssl', '--warnings', 'off', '--color', '0', '--quiet', '--add-ca',
         authority.ca, '--ip', '127.0.0.1', '--jsonfile', findings, *PARTS[number],
         *(['--starttls', 'smtp'] if port == 'submission' else []), f'mx.nuncio.test:{server.port(port)}'],
        env=env, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert findings.exists(), done.stdout + done.stderr
    return json.loads(findings.read_text()), done.stdout


@pytest.mark.skipif(not (HOME / 'usr').is_dir(), reason='testssl.sh is not unpacked')
def test_nothing_above_low(make_server, folder):
    authority = Authority(folder / 'ca')
    authority.issue('ec', ['mx.nuncio.test'], days=200)
    authority.issue('rsa', ['mx.nuncio.test'], 'rsa', days=200)
    server = make_server(CONF.replace('CA', str(authority.folder)))
    runs = [(port, number) for number in reversed(range(len(PARTS))) for port in ('submission', 'smtps')]
    with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
        results = list(pool.map(lambda run: examine(server, folder, authority, *run), runs))
    seen = {port: set() for port, _ in runs}
    bad = []
    for (port, _), (findings, output) in zip(runs, results):
        seen[port] |= {finding['id'].split()[0] for finding in findings}
        bad += [(port, finding['id'], finding['severity'], finding['finding']) for finding in findings
                if finding['severity'] not in FINE and finding['id'].split()[0] not in EXCLUDED]
    assert not bad, bad
    for port, ids in seen.items():  # that it did look
        assert {'TLS1_2', 'TLS1_3', 'cipher_order', 'PFS', 'cert_trust', 'heartbleed', 'ROBOT',
                'LUCKY13', 'secure_renego', 'cipherlist_NULL'} <= ids, (port, sorted(ids))
