"""DMARC reports, both ways: what was counted of a day goes to those who may have it, and what comes
is recognised, kept and summed up by nuncio report dmarc.

The day is made to end by giving what was counted an earlier date, in the file where it is kept.
"""
import email
import gzip
import json
import pathlib
import sqlite3
import struct
import time

import pytest

from names import Names
from peers import short_folder, wait_until
from server import Server

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


@pytest.fixture(scope='module')
def server(users):
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
        server = Server(pathlib.Path(folder) / 's', CONF + names.statement)
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


def report(id, domain='example.test'):
    day = int(time.time()) // 86400 * 86400 - 86400
    return REPORT.format(id=id, begin=day, end=day + 86399, domain=domain).replace('\x1b', '&#xe9;').encode()


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
             mail_of(bytes(8 << 20)), mail_of(report('3', 'stranger.test'))]
    for text in mails:
        assert not server.send('d@big.test', ['d@other.test'], text)
    server.wait_for_mail('d@other.test', before + len(mails))
    wait_until(lambda: server.log().count('dmarc-report-left') == left + 4, 20, 'what is none')
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
