"""`nuncio verify`: verdicts by a zone file, and by a real name server."""
import json
import os
import pathlib
import subprocess

import pytest
import yaml

from names import Names
from server import BUILD, ROOT

CORPORA = pathlib.Path(os.environ.get('NUNCIO_CORPORA', ROOT / '../shared/corpora'))

ZONE = """
$ORIGIN example.
mail    A     192.0.2.1
good    TXT   v=spf1 ip4:192.0.2.0/28 a:mail.example -all
good    TXT   v=DKIM1; not this
soft    TXT   "v=spf1 " "~all"
bad     TXT   v=spf1 ip4:192.0.2 -all
strict  TXT   v=spf1 -all exp=why.%{d}
why.strict TXT  %{i} may not send for %{s}
slow    TXT   !timeout
helo    TXT   v=spf1 a -all
        A     192.0.2.7
_dmarc.good TXT v=DMARC1; p=reject
_dmarc.slow TXT !servfail
$ORIGIN football.example.com.
brisbane._domainkey TXT ( "v=DKIM1; k=ed25519; "
                          "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" )
@       TXT   v=spf1 -all
_dmarc  TXT   v=DMARC1; p=quarantine
"""
# RFC 8463 appendix A.3, its first signature.
SIGNED = """DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
"""


@pytest.fixture(scope='module')
def zone(tmp_path_factory):
    path = tmp_path_factory.mktemp('verify') / 'records.zone'
    path.write_text(ZONE)
    return path


def run(*args, code=0, text=''):
    done = subprocess.run([BUILD / 'nuncio', 'verify', *map(str, args)], input=text.encode(),
                          capture_output=True, check=False, timeout=30)
    assert done.returncode == code, done
    return done.stdout.decode(), done.stderr.decode()


def verdict(*args, code=0, text=''):
    return json.loads(run(*args, '--json', code=code, text=text)[0])


@pytest.mark.parametrize('ip, helo, sender, result, code', [
    ('192.0.2.1', 'h.example', 'joe@good.example', 'pass', 0),
    ('192.0.2.99', 'h.example', 'joe@good.example', 'fail', 1),
    ('::ffff:192.0.2.1', 'h.example', '<joe@good.example>', 'pass', 0),
    ('192.0.2.99', 'h.example', 'joe@soft.example', 'softfail', 1),
    ('192.0.2.99', 'h.example', 'joe@mail.example', 'none', 1),
    ('192.0.2.99', 'h.example', 'joe@bad.example', 'permerror', 1),
    ('192.0.2.99', 'h.example', 'joe@slow.example', 'temperror', 75),
    ('192.0.2.7', 'helo.example', '<>', 'pass', 0),
    ('192.0.2.8', 'helo.example', '', 'fail', 1),
])
def test_spf(zone, ip, helo, sender, result, code):
    told = verdict('spf', ip, helo, sender, '--zone', zone, code=code)
    assert told['check'] == 'spf' and told['result'] == result
    assert told['identity'] == ('mailfrom' if '@' in sender else 'helo')


def test_spf_says_why(zone):
    told, _ = run('spf', '192.0.2.9', 'h.example', 'joe@strict.example', '--zone', zone, code=1)
    assert told.splitlines()[0] == 'spf: fail'
    assert '  explanation: 192.0.2.9 may not send for joe@strict.example' in told
    assert '  term: -all' in told
    assert told == run('spf', '--zone', zone, '--ip', '192.0.2.9', '--helo', 'h.example', '--sender',
                       'joe@strict.example', code=1)[0]
    told = verdict('spf', '192.0.2.9', 'h.example', 'joe@bad.example', '--zone', zone, code=1)
    assert told['problem'] == ('in the record of bad.example: "ip4:192.0.2": behind ip4: belongs an '
                               'IPv4 address with four numbers')


def test_dkim(zone, tmp_path):
    told = verdict('dkim', '--zone', zone, text=SIGNED)
    [signature] = told['signatures']
    assert told['result'] == signature['result'] == 'pass'
    assert signature['domain'] == 'football.example.com' and signature['selector'] == 'brisbane'
    path = tmp_path / 'message.eml'
    path.write_bytes(SIGNED.replace('\n', '\r\n').encode())
    assert run('dkim', path, '--zone', zone)[0].startswith('dkim: pass\n  signature 1: pass\n')
    told = verdict('dkim', '-', '--zone', zone, text=SIGNED.replace('Suzie', 'Susie'), code=1)
    assert told['result'] == 'fail'
    assert verdict('dkim', '--zone', zone, text='From: a@b.example\n\nhi\n', code=1)['result'] == 'none'
    (tmp_path / 'slow.zone').write_text('brisbane._domainkey.football.example.com !servfail')
    told = verdict('dkim', '--zone', tmp_path / 'slow.zone', text=SIGNED, code=75)
    assert told['result'] == 'temperror'


def test_the_time_of_the_verdict(zone):
    """A signature from the future is none yet (RFC 6376 section 3.5, t=)."""
    told = verdict('dkim', '--zone', zone, '--time', '2018-06-10T13:40Z', text=SIGNED)
    assert told['result'] == 'pass' and told['signatures'][0]['timestamp'] == 1528637909


def test_dmarc(zone):
    told = verdict('dmarc', '--zone', zone, text=SIGNED)
    assert told['result'] == 'pass' and told['dkim_aligned'] and not told['spf_aligned']
    assert 'spf' not in told and told['dkim']['result'] == 'pass'
    told = verdict('dmarc', '--zone', zone, '--ip', '192.0.2.1', '--sender', 'x@good.example', code=1,
                   text=SIGNED.replace('dinner', 'lunch'))
    assert told['result'] == 'fail' and told['asked'] == 'quarantine'
    assert told['spf']['result'] == 'pass' and told['dkim']['result'] == 'fail'
    letter = 'From: Joe <joe@good.example>\n\nhi\n'
    told = verdict('dmarc', '--zone', zone, '--ip', '192.0.2.1', '--sender', 'x@good.example',
                   text=letter)
    assert told['spf_aligned'] and told['policy_domain'] == 'good.example'
    told = verdict('dmarc', '--zone', zone, text=letter.replace('good', 'slow'), code=75)
    assert told['result'] == 'temperror'


def test_arc(tmp_path):
    path = CORPORA / 'arc/arc-draft-validation-tests.yml'
    if not path.exists():
        pytest.skip('no corpus of ARC')
    scenario = next(s for s in yaml.safe_load_all(path.read_text()) if s)
    (tmp_path / 'zone').write_text('\n'.join(
        f'{name} TXT {text}' for name, text in scenario['txt-records'].items()))
    for case, result, code in ('cv_pass_i1_1', 'pass', 0), ('cv_base1', 'none', 1):
        told = verdict('arc', '--zone', tmp_path / 'zone', text=scenario['tests'][case]['message'],
                       code=code)
        assert told['result'] == result and len(told['sets']) == (result == 'pass')


@pytest.mark.parametrize('args, code, words', [
    ((), 64, 'verify what?'),
    (('dane',), 64, "'dane' cannot be verified; spf, dkim, dmarc and arc can"),
    (('spf',), 64, 'spf is about a client'),
    (('spf', '1.2.3', 'x.example'), 64, "'1.2.3' is no IP address"),
    (('spf', '192.0.2.1'), 64, 'there is no name to judge'),
    (('spf', '192.0.2.1', 'a', 'b', 'c'), 64, "'c' is too much"),
    (('dkim', '--ip', '192.0.2.1'), 64, 'are for spf and dmarc'),
    (('dmarc', '--sender', 'a@b.example'), 64, 'say nothing without --ip'),
    (('dkim', '--time', 'soon'), 64, "'soon' is no time"),
    (('dkim', '/nonexistent'), 66, '/nonexistent: No such file'),
    (('dkim', '--zone', '/nonexistent'), 66, '/nonexistent: No such file'),
])
def test_mistakes(zone, args, code, words):
    rest = () if '--zone' in args else ('--zone', zone)
    assert words in run(*args, *rest, code=code)[1]


def test_a_zone_with_mistakes(tmp_path):
    (tmp_path / 'z').write_text('a.example A 1.2.3.4\nb.example MXX 1\n')
    _, told = run('spf', '192.0.2.1', 'x.example', '--zone', tmp_path / 'z', code=65)
    assert f"{tmp_path}/z:2: 'MXX' is no record type" in told


def test_a_real_name_server(folder, make_server):
    with Names(folder) as names:
        names.zone('example.test', '@ TXT "v=spf1 mx -all"\n@ MX 10 mx\nmx A 192.0.2.25\n', signed=True)
        names.zone('broken.test', '@ TXT "v=spf1 -all"', signed=True, spoil='expired')
        names.start()
        server = make_server(names.statement, start=False)
        for sender, ip, result, code in (('example.test', '192.0.2.25', 'pass', 0),
                                         ('example.test', '192.0.2.26', 'fail', 1),
                                         ('gone.test', '192.0.2.26', 'none', 1),
                                         ('broken.test', '192.0.2.26', 'temperror', 75)):
            told = verdict('-c', server.conf, 'spf', ip, 'h.test', f'joe@{sender}', code=code)
            assert told['result'] == result
