"""MTA-STS and TLS reports against a real name server and a real web server with TLS.

The web server is on port 443 of an address of its own (127.0.0.9), as anybody's is; the CA is that
of the default route. Names are those of names.py.
"""
import datetime
import email
import gzip
import http.server
import json
import os
import re
import ssl
import threading

import pytest

import peers
from names import Names
from peers import wait_until
from pki import Authority

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='port 443 is root\'s')

WEB, MX, NOBODY = '127.0.0.9', '127.0.0.12', '127.0.0.10'
POLICY = 'version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n'
DATE = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ')


class Web:
    """Answers by host name; certificates by SNI. .posts: (host, content type, body) of each."""

    def __init__(self, folder):
        self.authority = Authority(folder / 'pki')
        self.folder, self.pages, self.contexts, self.posts = folder, {}, {}, []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers['Host']
                status, kind, body = web.pages.get(host, (404, 'text/plain', b'no'))
                right = self.path == '/.well-known/mta-sts.txt'
                self.send_response(status if right else 404)
                self.send_header('Content-Type', kind)
                if status == 301:
                    self.send_header('Location', f'https://{host}/other')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                web.posts.append((self.headers['Host'], self.headers['Content-Type'], body))
                self.send_response(201)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((WEB, 443), Handler, False)
        self.server.daemon_threads = True
        base = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        base.load_cert_chain(*self.authority.issue('base', ['base.test']))
        base.sni_callback = self.choose
        self.server.socket = base.wrap_socket(self.server.socket, server_side=True,
                                              do_handshake_on_connect=False)
        self.server.server_bind()
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def choose(self, sock, name, _):
        sock.context = self.contexts.get(name, sock.context)

    def page(self, domain, body, status=200, kind='text/plain', names=None, days=30):
        host = f'mta-sts.{domain}'
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.authority.issue(host, names or [host], days=days))
        self.contexts[host] = context
        self.pages[host] = (status, kind, body.encode())

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def zone_of(domain, records='', txt='"v=STSv1; id=1;"', web=WEB):
    return f'''
        @ MX 10 mx
        mx A {MX}
        _mta-sts TXT {txt}
        mta-sts A {web}
        {records}
    '''


@pytest.fixture
def site(tmp_path, make_server):
    class Site:
        def start(self):
            self.names.start()
            self.server = make_server(self.names.statement + f'''
                listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
                domain example.test {{{{ deliver maildir }}}}
                trusted {{{{ 127.0.0.1 }}}}
                default_route world
                route world {{{{ mx; port {self.sink.port}; tls_ca {self.web.authority.ca} }}}}
                ''')
            return self.server

        def got(self, rcpt):
            return any(rcpt in line for _, rcpts, _ in self.sink.messages for line in rcpts)

    site = Site()
    site.web = Web(tmp_path)
    with Names(tmp_path, signed_root=False) as site.names, peers.Sink(host=MX) as site.sink:
        yield site
    site.web.close()


def test_an_enforced_policy_is_enforced(site):
    for domain, mode, mx in (('plain.test', 'enforce', 'mx.plain.test'),
                             ('other.test', 'enforce', 'mail.elsewhere.test'),
                             ('try.test', 'testing', 'mail.elsewhere.test')):
        site.names.zone(domain, zone_of(domain))
        site.web.page(domain, POLICY.format(mode=mode, mx=mx))
    server = site.start()
    for domain in ('plain.test', 'other.test', 'try.test'):
        server.send('a@example.test', [f'b@{domain}'], b'Subject: x\r\n\r\nx\r\n')
    wait_until(lambda: site.got('b@try.test'), 30, 'mail under a policy that is being tested')
    wait_until(lambda: 'allows none of its mail servers' in server.log(), 30, 'the wrong MX')
    wait_until(lambda: 'rule=sts' in server.log(), 30, 'the server without TLS')
    assert not site.got('b@plain.test') and not site.got('b@other.test')
    kept = server.state / 'relay' / 'sts' / 'plain.test'
    assert 'mode: enforce' in kept.read_text()
    server.stop()
    # All three are failures for those who read reports: no TLS, not named, and not named if it
    # were enforced.
    [counts] = (server.state / 'relay' / 'tlsrpt').iterdir()
    found = set()
    for entry in map(json.loads, counts.read_text().splitlines()):
        check_policy(entry)
        assert entry['policy']['policy-type'] == 'sts'
        found |= {(entry['policy']['policy-domain'], failure['receiving-mx-hostname'],
                   failure['result-type']) for failure in entry['failure-details']}
    assert found == {('plain.test', 'mx.plain.test', 'starttls-not-supported'),
                     ('other.test', 'mx.other.test', 'validation-failure'),
                     ('try.test', 'mx.try.test', 'starttls-not-supported')}
    # What was learned holds when the policy is out of reach, after a restart too.
    site.web.close()
    server.start()
    server.send('a@example.test', ['c@other.test'], b'Subject: x\r\n\r\nx\r\n')
    wait_until(lambda: server.log().count('allows none of its mail servers') > 1, 30, 'the policy')
    assert not site.got('c@other.test')


FAILURES = {
    'late.test': ('sts-webpki-invalid', {'days': -1}),
    'alias.test': ('sts-webpki-invalid', {'names': ['mta-sts.somebody.test']}),
    'moved.test': ('sts-policy-fetch-error', {'status': 301}),
    'gone.test': ('sts-policy-fetch-error', {'status': 404}),
    'page.test': ('sts-policy-invalid', {'kind': 'text/html'}),
    'large.test': ('sts-policy-invalid', {'body': 'x' * 70000}),
    'wrong.test': ('sts-policy-invalid', {'body': 'hello'}),
    'down.test': ('sts-policy-fetch-error', {'web': NOBODY}),
}


def test_a_policy_that_cannot_be_had_is_none_and_is_reported(site):
    for domain, (_, wrong) in FAILURES.items():
        wrong = dict(wrong)
        wanted = '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@reports.test"'
        if domain == 'moved.test':
            wanted = wanted.replace('mailto:tls@reports.test', 'https://mta-sts.reports.test/tls')
        site.names.zone(domain, zone_of(domain, wanted, web=wrong.pop('web', WEB)))
        body = wrong.pop('body', POLICY.format(mode='enforce', mx='nobody.test'))
        site.web.page(domain, body, **wrong)
    site.names.zone('two.test', zone_of('two.test', '_mta-sts TXT "v=STSv1; id=2;"'))
    site.names.zone('reports.test', zone_of('reports.test', txt='"nothing"'))
    site.web.page('two.test', POLICY.format(mode='enforce', mx='nobody.test'))
    site.web.page('reports.test', '')
    server = site.start()
    domains = [*FAILURES, 'two.test']
    for domain in domains:
        server.send('a@example.test', [f'b@{domain}'], b'Subject: x\r\n\r\nx\r\n')
    for domain in domains:
        wait_until(lambda: site.got(f'b@{domain}'), 40, f'mail to {domain}')
    for domain, (result, _) in FAILURES.items():
        assert re.search(rf'sts-failed domain={domain} .*result={result}', server.log()), domain
    assert 'sts-failed domain=two.test' not in server.log()
    check_reports(site, server)


def check_reports(site, server):
    """What was counted today is made the day before yesterday's: its reports are due."""
    server.stop()
    [counts] = (server.state / 'relay' / 'tlsrpt').iterdir()
    for line in counts.read_text().splitlines():
        check_policy(json.loads(line))
    day = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=2)
    counts.rename(counts.with_name(day.isoformat()))
    server.start()
    wait_until(lambda: site.web.posts, 40, 'a report by HTTPS')
    [(host, kind, body)] = site.web.posts
    assert (host, kind) == ('mta-sts.reports.test', 'application/tlsrpt+gzip')
    check_report(json.loads(gzip.decompress(body)), 'moved.test', day)
    mailed = set(FAILURES) - {'moved.test'}

    def reports():
        return [text for _, rcpts, text in site.sink.messages
                if any('tls@reports.test' in rcpt for rcpt in rcpts)]
    wait_until(lambda: len(reports()) >= len(mailed), 60, 'the reports by mail')
    for text in reports():
        mailed.remove(check_mail(text, day))
    assert not mailed
    wait_until(lambda: not (server.state / 'relay' / 'tlsrpt' / day.isoformat()).exists(), 20,
               'nothing left to report')


def check_mail(text, day):
    mail = email.message_from_bytes(text if isinstance(text, bytes) else text.encode())
    domain = mail['TLS-Report-Domain']
    assert mail['TLS-Report-Submitter'] == 'mx.nuncio.test'
    assert mail.get_content_type() == 'multipart/report'
    assert mail.get_param('report-type') == 'tlsrpt'
    assert mail['TLS-Required'] == 'No'
    _, part = mail.get_payload()
    assert part.get_content_type() == 'application/tlsrpt+gzip'
    assert part.get_filename().startswith(f'mx.nuncio.test!{domain}!')
    check_report(json.loads(gzip.decompress(part.get_payload(decode=True))), domain, day)
    return domain


def check_policy(entry):
    """RFC 8460 section 4.4, member by member."""
    assert set(entry) <= {'policy', 'summary', 'failure-details'}
    assert entry['policy']['policy-type'] in ('sts', 'tlsa', 'no-policy-found')
    assert set(entry['policy']) <= {'policy-type', 'policy-string', 'policy-domain', 'mx-host'}
    assert set(entry['summary']) == {'total-successful-session-count',
                                     'total-failure-session-count'}
    failures = entry.get('failure-details', [])
    assert sum(f['failed-session-count'] for f in failures) == \
        entry['summary']['total-failure-session-count']
    for failure in failures:
        assert set(failure) <= {'result-type', 'sending-mta-ip', 'receiving-mx-hostname',
                                'receiving-mx-helo', 'receiving-ip', 'failed-session-count',
                                'additional-information', 'failure-reason-code'}


def check_report(report, domain, day):
    assert set(report) == {'organization-name', 'date-range', 'contact-info', 'report-id',
                           'policies'}
    assert report['date-range'] == {'start-datetime': f'{day}T00:00:00Z',
                                    'end-datetime': f'{day}T23:59:59Z'}
    assert all(DATE.fullmatch(time) for time in report['date-range'].values())
    assert report['contact-info'] == 'postmaster@mx.nuncio.test'
    for entry in report['policies']:
        check_policy(entry)
        assert entry['policy']['policy-domain'] == domain
    results = {failure['result-type'] for entry in report['policies']
               for failure in entry.get('failure-details', [])}
    assert FAILURES[domain][0] in results
