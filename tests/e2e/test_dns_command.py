"""`nuncio dns`: what a domain should publish, against a real name server."""
import hashlib
import subprocess

import pytest

from names import NSD_ENV, Names, nsd
from peers import free_port

CONF = """
domain example.test {{ deliver maildir }}
domain other.test {{ deliver maildir }}
domain branch.test {{ route branch }}
route branch {{ host 192.0.2.1:25 }}
certificate mx {{ chain {folder}/chain.pem; key {folder}/key.pem }}
"""
PLAIN = """
domain example.test {{ deliver maildir }}
"""
COMPLETE = """
    @ MX 10 mx.nuncio.test.
    @ TXT "v=spf1 ip4:192.0.2.0/27 -all"
    _dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@example.test"
    _mta-sts TXT "v=STSv1; id=1"
    mta-sts CNAME mx.nuncio.test.
    _smtp._tls TXT "v=TLSRPTv1; rua=mailto:postmaster@example.test"
    autoconfig CNAME mx.nuncio.test.
    autodiscover A 127.0.0.9
    _submissions._tcp SRV 0 1 465 mx.nuncio.test.
    _submission._tcp SRV 0 1 587 mx.nuncio.test.
    _imaps._tcp SRV 0 1 993 mx.nuncio.test.
    _imap._tcp SRV 0 0 0 .
"""


@pytest.fixture
def names(folder):
    with Names(folder) as names:
        yield names


@pytest.fixture
def site(names, make_server, folder):
    """A server that is not running, its certificate, and names that are complete."""
    home = folder / 'server0'
    home.mkdir()
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-keyout', home / 'key.pem', '-out',
                    home / 'chain.pem', '-days', '30', '-subj', '/CN=x', '-addext',
                    'subjectAltName=DNS:mx.nuncio.test'], check=True, capture_output=True)
    key = subprocess.run(f'openssl x509 -in {home}/chain.pem -noout -pubkey'
                         ' | openssl pkey -pubin -outform DER', shell=True, check=True,
                         capture_output=True).stdout
    names.tlsa = '3 1 1 ' + hashlib.sha256(key).hexdigest()
    names.own_zone = f'mx A 192.0.2.25\n_25._tcp.mx TLSA {names.tlsa}\n'
    names.zone('nuncio.test', names.own_zone, signed=True)
    names.zone('example.test', COMPLETE)
    names.zone('2.0.192.in-addr.arpa', '25 PTR mx.nuncio.test.')
    names.start()
    return make_server(names.statement + CONF, start=False)


def test_check_config_tries_trust_anchors(make_server, folder):
    good, bad = folder / 'good.key', folder / 'bad.key'
    good.write_text('. IN DS 20326 8 2 '
                    'E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n')
    bad.write_text('this is no key\n')
    for anchors, code in (([good], 0), ([bad], 78), ([good, folder / 'missing.key'], 78)):
        words = ' '.join(f'trust_anchor {anchor};' for anchor in anchors)
        server = make_server(f'dns {{{{ recurse yes; {words} }}}}' + PLAIN, start=False)
        done = server.run('check-config', check=False)
        assert done.returncode == code, done.stderr
        told = f'trust_anchor {anchors[-1]}: no keys' in done.stderr.decode()
        assert told == (code == 78)


def ask(site, *args, code=0):
    done = site.run('dns', *args, check=False)
    assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


def findings(site, code=69):
    """What is not as it should be: the lines of example.test without 'ok', and without the advice to
    make keys."""
    lines = ask(site, 'example.test', code=code).splitlines()[1:]
    return [line.split(None, 2) for line in lines
            if not line.startswith(('  ok ', '  advised  DKIM'))]


def test_all_is_there(site):
    assert not findings(site, code=0)
    assert 'nuncio dkim keygen example.test' in ask(site, 'example.test')


def test_without_a_domain_all_local_ones(site):
    answer = ask(site, code=69)
    assert [line for line in answer.splitlines() if not line.startswith(' ')] == [
        'example.test', 'other.test']
    [missing] = [line for line in answer.splitlines() if 'missing  MX' in line]
    assert missing.endswith('write: other.test. MX 10 mx.nuncio.test.')


@pytest.mark.parametrize('old, new, state, about, words', [
    ('@ MX 10 mx.nuncio.test.', '', 'missing', 'MX', 'write: example.test. MX 10 mx.nuncio.test.'),
    ('@ MX 10 mx.nuncio.test.', '@ MX 5 elsewhere.test.', 'wrong', 'MX', 'goes to elsewhere.test'),
    ('@ MX 10 mx.nuncio.test.', '@ MX 0 .', 'wrong', 'MX', 'null MX'),
    ('@ TXT "v=spf1 ip4:192.0.2.0/27 -all"', '', 'missing', 'SPF', '"v=spf1 mx -all"'),
    ('ip4:192.0.2.0/27', 'ip4:192.0.2.32/27', 'wrong', 'SPF', 'does not name 192.0.2.25'),
    ('ip4:192.0.2.0/27 -all', '+all', 'wrong', 'SPF', 'lets everybody'),
    ('@ TXT', '@ TXT "v=spf1 -all"\n@ TXT', 'wrong', 'SPF', '2 records'),
    ('ip4:192.0.2.0/27 -all', 'mx ipv4:192.0.2.25 -all', 'wrong', 'SPF', 'read it as an error'),
    ('ip4:192.0.2.0/27 -all', 'include:example.test -all', 'wrong', 'SPF', 'read it as an error'),
    ('ip4:192.0.2.0/27 -all', 'mx', 'advised', 'SPF', "end with '-all'"),
    ('mailto:postmaster@example.test"\n    _mta', 'mailto:a@nuncio.test"\n    _mta', 'wrong', 'DMARC',
     'example.test._report._dmarc.nuncio.test. TXT "v=DMARC1"'),
    ('p=reject', 'p=rejct', 'wrong', 'DMARC', 'p=rejct is no policy'),
    ('_dmarc', '_dmrac', 'missing', 'DMARC', 'write: _dmarc.example.test. TXT "v=DMARC1;'),
    ('id=1', 'id=2026-11-22', 'wrong', 'MTA-STS', 'letters and digits'),
    ('TLSRPTv1; rua=mailto:', 'TLSRPTv1; rua=', 'wrong', 'TLS-RPT', 'mailto: or https:'),
])
def test_what_is_wrong_is_said_with_what_to_write(site, names, old, new, state, about, words):
    assert old in COMPLETE
    names.zone('example.test', COMPLETE.replace(old, new))
    names.load()
    [[is_state, is_about, text]] = findings(site, code=0 if state == 'advised' else 69)
    assert (is_state, is_about) == (state, about)
    assert words in text


def test_keys_are_compared_with_what_is_published(site, names):
    def dkim(code):
        answer = ask(site, 'example.test', code=code)
        return [line.split(None, 2) for line in answer.splitlines() if ' DKIM ' in line]

    site.run('dkim', 'keygen', 'example.test', '--selector', 's')
    names.zone('example.test', COMPLETE)
    names.load()
    assert {found[0] for found in dkim(69)} == {'missing'}
    zone = ask(site, '--zone', 'example.test')
    keys = [line for line in zone.splitlines() if '._domainkey.' in line]
    assert len(keys) == 2
    names.zone('example.test', COMPLETE + '\n'.join(keys))
    names.load()
    assert [found[0] for found in dkim(0)] == ['ok', 'ok']
    [first, second] = keys
    names.zone('example.test', COMPLETE + first + '\n' + second.replace('"v=DKIM1', '"v=DKIM2'))
    names.load()
    assert sorted(found[0] for found in dkim(69)) == ['ok', 'wrong']


def test_advice_is_no_failure(site, names):
    names.zone('example.test', '\n'.join(COMPLETE.splitlines()[:4]))
    names.load()
    assert {f[0] for f in findings(site, code=0)} == {'advised'}


def test_the_host(site, names):
    names.zone('nuncio.test', 'mx CNAME real\nreal A 192.0.2.25', signed=True)
    names.zone('2.0.192.in-addr.arpa', '25 PTR customer.isp.test.')
    names.load()
    found = findings(site)
    assert ['wrong', 'wrong'] == [f[0] for f in found[:2]]
    assert 'is an alias of real.nuncio.test' in found[0][2]
    assert 'the address is called customer.isp.test' in found[1][2]


def test_a_tlsa_record_that_fits_nothing(site, names):
    names.zone('nuncio.test', names.own_zone.replace(names.tlsa, '3 1 1 ' + '00' * 32), signed=True)
    names.load()
    [[state, about, text]] = findings(site)
    assert (state, about) == ('wrong', 'TLSA') and names.tlsa in text
    names.zone('nuncio.test', names.own_zone)
    names.load()
    [[state, _, text]] = findings(site, code=0)
    assert state == 'advised' and 'not signed' in text


def test_a_zone_that_does_not_validate(site, names):
    names.zone('example.test', COMPLETE, signed=True, spoil='expired')
    names.load()
    found = findings(site)
    assert found[0][:2] == ['wrong', 'MX'] and 'signature expired' in found[0][2]


def test_as_a_zone_file(site, names, folder):
    zone = folder / 'zone'
    zone.write_text(ask(site, '--zone', '--address', '192.0.2.25', '--address', '2001:db8::1',
                        'new.test'))
    check = subprocess.run([nsd('nsd-checkzone'), 'new.test', zone], env=NSD_ENV, check=False,
                           capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr
    # What it printed and we publish is complete.
    records = [line for line in zone.read_text().splitlines() if line.startswith(('new', '_', 'a', 'mta'))]
    names.zone('new.test', '\n'.join(records))
    names.load()
    answer = ask(site, '--address', '192.0.2.25', 'new.test')
    assert {line.split()[0] for line in answer.splitlines()[1:]} == {'ok', 'advised'}


def test_as_json(site):
    [domain] = site.json('dns', 'example.test')
    assert domain['domain'] == 'example.test' and domain['host'] == 'mx.nuncio.test'
    states = {(r['about'], r['state']) for r in domain['records']}
    assert ('MX', 'ok') in states and ('DKIM', 'advised') in states
    [tlsa] = [r for r in domain['records'] if r['about'] == 'TLSA']
    assert (tlsa['name'], tlsa['type']) == ('_25._tcp.mx.nuncio.test', 'TLSA')


def test_a_dns_that_cannot_be_asked(make_server, folder):
    (folder / 'server0').mkdir()
    server = make_server(f'dns {{{{ server 127.0.0.1:{free_port()}; validate no }}}}\n'
                         'domain example.test {{ deliver maildir }}\n', start=False)
    answer = ask(server, code=75)
    assert 'unknown  MX' in answer


@pytest.mark.parametrize('args, words', [
    (['--address', 'here'], 'an IP address is wanted'),
    (['--json', '--zone'], 'do not go together'),
    (['not a domain'], 'is no domain'),
])
def test_mistakes(site, args, words):
    done = site.run('dns', *args, check=False)
    assert done.returncode == 64 and words in done.stderr.decode()
