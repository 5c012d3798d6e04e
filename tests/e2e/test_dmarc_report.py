"""DMARC reports, both ways: what was counted of a day goes to those who may have it, and what comes
is recognised, kept and summed up by nuncio report dmarc.

The day is made to end by giving what was counted an earlier date, in the file where it is kept.
All of it runs behind the sandbox too, where there is a release build.
"""
import email
import gzip
import json
import pathlib
import smtplib
import sqlite3
import struct
import time

import pytest

from names import Names
from peers import short_folder, wait_until
from server import RELEASE, Server

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
trusted {{ 127.0.0.1/32 }}
domain example.test {{ deliver maildir }}
domain other.test {{ deliver maildir }}
'''
REPORT = '''<?xml version="1.0"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><report_metadata><org_name>Big\x1b Mail</org_name>
<email>d@big.test</email><report_id>{id}</report_id><date_range><begin>{begin}</begin>
<end>{end}</end></date_range></report_metadata>
<policy_published><domain>{domain}</domain><p>reject</p></policy_published>
<record><row><source_ip>192.0.2.7</source_ip><count>5</count><policy_evaluated>
<disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>
<identifiers><header_from>{domain}</header_from></identifiers><auth_results>
<spf><domain>forger.test</domain><scope>mfrom</scope><result>pass</result></spf></auth_results>
</record>
<record><row><source_ip>127.0.0.1</source_ip><count>2</count><policy_evaluated>
<disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>
<identifiers><header_from>{domain}</header_from></identifiers><auth_results/></record></feedback>'''


JUDGING = '''
listen mx {{ service mx; address 127.0.0.1:{mx}; tls off; xclient {{ 127.0.0.1 }} }}
domain here.test {{ deliver maildir }}
checks {{ dmarc enforce }}
dmarc_report {{ organisation "Here Mail"; contact admin@here.test; from reports@here.test }}
default_route world
route world {{ mx; port OWNER }}
'''
OWNER = '''
listen mx {{ service mx; address 127.0.0.2:{mx}; tls off }}
domain owner.test {{ deliver maildir }}
checks {{ dmarc enforce; spf reject }}
'''
MESSAGE = b'From: joe@owner.test\r\nTo: ann@here.test\r\nSubject: x\r\n\r\nhello\r\n'
BUILDS = [pytest.param(False, id='sanitized'),
          pytest.param(True, id='release', marks=pytest.mark.skipif(
              not (RELEASE / 'nuncio').exists(), reason='needs a release build'))]


@pytest.fixture(scope='module', params=BUILDS)
def server(users, request):
    with short_folder() as folder, Names(pathlib.Path(folder)) as names:
        names.zone('example.test', '''
            @ A 127.0.0.1
            _dmarc TXT "v=DMARC1; p=none; rua=mailto:d@example.test"
            allowed.test._report._dmarc TXT "v=DMARC1"
        ''')
        for name in ('other.test', 'allowed.test', 'forbidden.test'):
            names.zone(name, '@ A 127.0.0.1')
        # no resolver can say anything of it
        names.zone('down.test', '@ A 127.0.0.1', signed=True, spoil='expired')
        names.start()
        server = Server(pathlib.Path(folder) / 's', CONF + names.statement,
                        release=request.param)
        server.account('d@example.test')
        server.account('d@other.test')
        yield server
        server.stop()


def facts(author, ip):
    """A row as receive tells it: signed by somebody else, in the SPF record."""
    def text(value):
        return struct.pack('<I', len(value)) + value.encode()
    return (struct.pack('<Q', 0) + text('-') + text('') + text(author) + text(author) + text(ip)
            + text(author) + text('example.test') + bytes([2, 0, 0, 1, 0])
            + struct.pack('<I', 0)
            + struct.pack('<I', 1) + text('list.test') + text('s1') + text('pass') + b'\0' + text('')
            + text(author) + b'\0' + text('pass') + text(''))


def count(server, domain, rua, age=1, ips=('192.0.2.1',)):
    """As if so many messages had come on a day before today, and it were time to tell."""
    day = int(time.time()) // 86400 - age
    with sqlite3.connect(server.state / 'history/dmarc_rows.db', timeout=10) as db:
        heap = db.execute('INSERT INTO heap (day, domain, record, rows, next) VALUES (?, ?, ?, ?, 1)',
                          (day, domain, f'v=DMARC1; p=reject; rua={rua}', len(ips))).lastrowid
        db.executemany('INSERT INTO row (heap, facts, count) VALUES (?, ?, 4)',
                       [(heap, facts(domain, ip)) for ip in ips])
    db.close()


def heaps(server, domain=None):
    done = server.run('report', 'dmarc', '--outgoing', '--json', *([domain] if domain else []),
                      check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def mail_of(xml, packed=True):
    message = email.message.EmailMessage()
    message['From'], message['To'] = 'd@big.test', 'd@example.test'
    message['Subject'] = 'Report Domain: example.test Submitter: big.test Report-ID: <1>'
    message.set_content('hello')
    message.add_attachment(gzip.compress(xml) if packed else xml, 'application',
                           'gzip' if packed else 'xml', filename='big.test!example.test!1!2.xml.gz')
    return message.as_bytes(policy=email.policy.SMTP)


def report(id, domain='example.test', days=-1, more=''):
    day = (int(time.time()) // 86400 + days) * 86400
    xml = REPORT.format(id=id, begin=day, end=day + 86399, domain=domain)
    # U+009B begins a command to a terminal
    return xml.replace('\x1b', '&#xe9;&#x9b;').replace('<record>', more + '<record>', 1).encode()


def test_a_day_goes_to_its_owner_and_is_summed_up_there(server):
    assert server.run('report', 'dmarc', '--outgoing', check=False).returncode == 66
    count(server, 'example.test', 'mailto:d@example.test', ips=('192.0.2.1', '2001:db8::1'))
    [text] = server.wait_for_mail('d@example.test', 1)
    message = email.message_from_bytes(text)
    day = time.strftime('%Y-%m-%d', time.gmtime(time.time() - 86400))
    assert f'<{day}.example.test@mx.nuncio.test>' in message['Subject'].replace('\r\n', '')
    part = message.get_payload()[1]
    assert part.get_content_type() == 'application/gzip'
    assert part.get_filename().startswith('mx.nuncio.test!example.test!')
    xml = gzip.decompress(part.get_payload(decode=True)).decode()
    assert '<source_ip>2001:db8::1</source_ip>' in xml and '<count>4</count>' in xml
    wait_until(lambda: 'dmarc-report-received' in server.log(), 20, 'the report')
    wait_until(lambda: not heaps(server, 'example.test'), 20, 'the heap is gone')
    done = server.run('report', 'dmarc', 'example.test')
    assert b'example.test: 8 messages, 0 failed, by 1 reports' in done.stdout
    assert b'2001:db8::1' in done.stdout and b'told by mx.nuncio.test' in done.stdout


def test_only_who_wants_it_gets_it_and_one_does_not_stop_another(server):
    before = len(server.mail('d@other.test'))
    # nobody at other.test wants reports about allowed.test
    count(server, 'allowed.test', 'mailto:d@other.test,mailto:d@example.test,https://x.test/')
    count(server, 'forbidden.test', 'mailto:d@example.test')
    count(server, 'late.test', 'mailto:d@down.test')
    wait_until(lambda: server.log().count('dmarc-report-forbidden') >= 2, 20, 'the refusals')
    wait_until(lambda: 'dmarc-report-sent domain=allowed.test to=d@example.test' in server.log(), 20,
               'the report')
    wait_until(lambda: not heaps(server, 'allowed.test') and not heaps(server, 'forbidden.test'), 20,
               'the heaps are gone')
    assert len(server.mail('d@other.test')) == before
    wait_until(lambda: 'dmarc-report-destination-unknown' in server.log(), 60, 'the DNS is away')
    [late] = heaps(server, 'late.test')
    assert late['messages'] == 4 and late['to'] == ['d@down.test'] and late['next']
    done = server.run('report', 'dmarc', '--outgoing', 'late.test').stdout.decode()
    assert 'for d@down.test, next try at' in done and '192.0.2.1 as late.test' in done


def test_what_is_too_old_is_given_up(server):
    count(server, 'old.test', 'mailto:d@down.test', age=9)
    wait_until(lambda: 'dmarc-report-given-up domain=old.test' in server.log(), 60, 'the end')
    wait_until(lambda: not heaps(server, 'old.test'), 20, 'the heap is gone')


def test_reports_of_others_are_kept_and_bad_ones_left(server):
    before = len(server.mail('d@other.test'))
    received, left = (server.log().count(f'dmarc-report-{word}') for word in ('received', 'left'))
    mails = [mail_of(report('1', 'other.test')), mail_of(report('1', 'other.test')),
             mail_of(report('2', 'other.test'), packed=False),
             mail_of(b'<!DOCTYPE f [<!ENTITY a "b">]><feedback>&a;</feedback>'),
             mail_of(bytes(8 << 20)), mail_of(report('3', 'stranger.test')),
             mail_of(report('4', 'other.test', days=30))]
    for text in mails:
        assert not server.send('d@big.test', ['d@other.test'], text)
    server.wait_for_mail('d@other.test', before + len(mails))
    wait_until(lambda: server.log().count('dmarc-report-left') == left + 5, 20, 'what is none')
    assert server.log().count('dmarc-report-received') == received + 2
    done = server.run('report', 'dmarc', 'other.test', check=False)
    text = done.stdout.decode()
    assert done.returncode == 65
    assert 'other.test: 14 messages, 14 failed, by 2 reports' in text
    assert 'SPF for forger.test: pass, but not for this domain' in text
    assert '127.0.0.1 (this machine)' in text and 'nuncio dkim keygen' in text
    lines = [json.loads(line) for line in server.run(
        'report', 'dmarc', 'other.test', '--json', check=False).stdout.splitlines()]
    assert [line.get('source') for line in lines] == [None, '192.0.2.7', '127.0.0.1']
    assert lines[1]['failed'] == 10 and lines[2]['own_address'] and not lines[1]['own_address']
    assert server.run('report', 'dmarc', 'nobody.test', check=False).returncode == 66
    assert server.run('report', 'tls', '--outgoing', check=False).returncode == 64


def test_json_has_all(server):
    """And text says how much more there is; nobody's text commands the terminal."""
    row = ('<record><row><source_ip>10.0.0.{0}</source_ip><count>1</count><policy_evaluated>'
           '<dkim>fail</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>'
           'many.example.test</header_from></identifiers><auth_results>{1}</auth_results></record>')
    keys = ''.join(f'<dkim><domain>d{i}.test</domain><selector>&#x9b;&#x202e;</selector>'
                   '<result>fail</result></dkim>' for i in range(20))
    server.send('d@big.test', ['d@example.test'], mail_of(report(
        'many', more=''.join(row.format(i, '' if i else keys) for i in range(250)))))
    wait_until(lambda: 'report=many ' in server.log(), 20, 'the report')
    text = server.run('report', 'dmarc', 'many.example.test', check=False).stdout.decode()
    assert 'and 50 more addresses' in text and 'and 8 more of these' in text
    assert 'told by Big\u00e9? Mail' in text and 'selector ??' in text
    out = server.run('report', 'dmarc', 'many.example.test', '--json', check=False).stdout
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == 251 and len(lines[1]['seen']) == 20 and out.isascii()
    assert lines[1]['seen'][0]['selector'] == '\x9b\u202e'


@pytest.fixture
def two(make_server, folder):
    """One that judges mail, and whose name is in it; both check what they get. One of them is
    behind the sandbox."""
    with Names(folder) as names:
        owner = make_server(OWNER + names.statement, release=(RELEASE / 'nuncio').exists(), start=False)
        owner.conf.write_text(owner.conf.read_text().replace('mx.nuncio.test', 'mx.owner.test'))
        names.zone('owner.test', '''
            @ MX 10 mx
            @ TXT "v=spf1 ip4:192.0.2.1 -all"
            mx A 127.0.0.2
            _dmarc TXT "v=DMARC1; p=reject; np=quarantine; t=n; rua=mailto:d@owner.test,mailto:d@no.test"
        ''')
        names.zone('no.test', '@ MX 10 mx.owner.test.')
        names.zone('here.test', '@ TXT "v=spf1 ip4:127.0.0.0/8 -all"\n_dmarc TXT "v=DMARC1; p=reject"')
        names.start()
        judging = make_server(JUDGING.replace('OWNER', str(owner.port())) + names.statement)
        owner.start()
        judging.account('ann@here.test')
        owner.account('d@owner.test')
        yield judging, owner


def test_from_a_message_to_a_report_at_the_owner(two):
    judging, owner = two
    for address, code in (('192.0.2.1', 250), ('192.0.2.1', 250), ('2001:db8::5', 550)):
        with smtplib.SMTP('127.0.0.1', judging.port(), local_hostname='mail.test') as client:
            client.ehlo()
            client.docmd('XCLIENT', f'ADDR={"IPV6:" * (":" in address)}{address}')
            client.ehlo()
            client.mail('joe@owner.test')
            client.rcpt('ann@here.test')
            assert client.data(MESSAGE)[0] == code
    judging.wait_for_mail('ann@here.test', 2)
    wait_until(lambda: heaps(judging) and heaps(judging)[0]['messages'] == 3, 20, 'what was counted')
    with sqlite3.connect(judging.state / 'history/dmarc_rows.db', timeout=10) as db:
        db.execute('UPDATE heap SET day = day - 1, next = 1')
    db.close()
    [text] = owner.wait_for_mail('d@owner.test')
    message = email.message_from_bytes(text)
    assert 'reports@here.test' in message['From'] and 'dmarc=pass' in message['Authentication-Results']
    xml = gzip.decompress(message.get_payload()[1].get_payload(decode=True)).decode()
    for one in ('<org_name>Here Mail</org_name>', '<email>admin@here.test</email>', '<np>quarantine</np>',
                '<testing>n</testing>', '<envelope_to>here.test</envelope_to>', '<count>2</count>',
                '<disposition>pass</disposition>', '<disposition>reject</disposition>',
                '<source_ip>2001:db8::5</source_ip>', '<scope>mfrom</scope>'):
        assert one in xml, xml
    wait_until(lambda: 'dmarc-report-received' in owner.log(), 20, 'the report')
    done = owner.run('report', 'dmarc', 'owner.test', check=False)
    assert b'owner.test: 3 messages, 1 failed, by 1 reports' in done.stdout
    assert b'told by Here Mail' in done.stdout
    wait_until(lambda: not heaps(judging), 20, 'the heap is gone')
    assert 'dmarc-report-forbidden domain=owner.test to=d@no.test' in judging.log()
    # the report itself passed, and is not reported on
    assert not heaps(owner)
