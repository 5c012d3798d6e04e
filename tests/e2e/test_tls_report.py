"""TLS reports that others send us: delivered, recognised, and summed up by nuncio report tls."""
import base64
import gzip
import json

from peers import wait_until

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
'''
REPORT = {
    'organization-name': 'Big Mail Inc.',
    'date-range': {'start-datetime': '2026-11-20T00:00:00Z',
                   'end-datetime': '2026-11-20T23:59:59Z'},
    'contact-info': 'tls@big.test', 'report-id': 'one',
    'policies': [
        {'policy': {'policy-type': 'sts', 'policy-string': ['version: STSv1'],
                    'policy-domain': 'example.test', 'mx-host': ['mx.example.test']},
         'summary': {'total-successful-session-count': 5326, 'total-failure-session-count': 3},
         'failure-details': [{'result-type': 'certificate-expired', 'failed-session-count': 3,
                              'sending-mta-ip': '192.0.2.1',
                              'receiving-mx-hostname': 'mx.example.test',
                              'failure-reason-code': 'too\x1b[2Jold'}]},
        {'policy': {'policy-type': 'sts', 'policy-domain': 'somebody-else.test'},
         'summary': {'total-successful-session-count': 1, 'total-failure-session-count': 0}},
    ]}


def mail_of(body, kind='application/tlsrpt+gzip'):
    return (b'From: <tls@big.test>\r\nSubject: Report Domain: example.test\r\n'
            b'TLS-Report-Domain: example.test\r\nMIME-Version: 1.0\r\n'
            b'Content-Type: multipart/report; report-type="tlsrpt"; boundary="b"\r\n\r\n'
            b'--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n'
            b'--b\r\nContent-Type: ' + kind.encode() + b'\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n'
            + base64.encodebytes(body).replace(b'\n', b'\r\n') + b'--b--\r\n')


def test_reports_are_delivered_kept_and_summed_up(make_server):
    server = make_server(CONF)
    server.account('tls@example.test')
    assert server.run('report', 'tls', check=False).returncode == 66
    packed = gzip.compress(json.dumps(REPORT).encode())
    for text in (mail_of(packed), mail_of(packed),  # the same twice
                 mail_of(b'\x1f\x8bdamaged'), mail_of(gzip.compress(bytes(100 << 20))),
                 mail_of(gzip.compress(b'[]')), b'Subject: no report\r\n\r\nhello\r\n'):
        assert not server.send('tls@big.test', ['tls@example.test'], text)
    server.wait_for_mail('tls@example.test', 6)
    wait_until(lambda: server.log().count('tls-report-left') == 4, 20, 'what is no report')
    assert server.log().count('tls-report-received') == 1
    done = server.run('report', 'tls', 'example.test', '--since', '2026-11-01', check=False)
    assert done.returncode == 65
    text = done.stdout.decode()
    assert '5326' in text and 'Big Mail Inc.' in text
    assert '3 x certificate-expired at mx.example.test from 192.0.2.1' in text
    assert 'the certificate had expired' in text and '-> renew it' in text
    assert '\x1b' not in text and 'somebody-else' not in text
    lines = [json.loads(line) for line in server.run(
        'report', 'tls', '--json', '--since', '2026-11-01', check=False).stdout.splitlines()]
    assert [line.get('failed') for line in lines] == [3, None]
    assert lines[1]['failure'] == 'certificate-expired' and lines[1]['sessions'] == 3
    assert server.run('report', 'tls', 'other.test', check=False).returncode == 66
    assert server.run('report', 'tls', '--since', 'soon', check=False).returncode == 64


def test_a_report_that_is_all_well_exits_with_0(make_server):
    server = make_server(CONF)
    server.account('tls@example.test')
    fine = dict(REPORT, policies=[{
        'policy': {'policy-type': 'no-policy-found', 'policy-domain': 'Example.TEST'},
        'summary': {'total-successful-session-count': 7, 'total-failure-session-count': 0}}])
    server.send('tls@big.test', ['tls@example.test'],
                mail_of(json.dumps(fine).encode(), 'application/tlsrpt+json'))
    wait_until(lambda: 'tls-report-received' in server.log(), 20, 'the report')
    done = server.run('report', 'tls', '--since', '2026-11-01')
    assert b'no-policy-found' in done.stdout
