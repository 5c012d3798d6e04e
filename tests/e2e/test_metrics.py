"""Metrics: what the web role serves, and a real Prometheus that scrapes it."""
import json
import re
import smtplib
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

import peers
from names import Names
from server import ROOT

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
default_route none
web {{ listen 127.0.0.1:{web} }}
'''
WORLD = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
trusted {{ 127.0.0.1 }}
default_route world
route world {{ mx; port PORT; idle 0s; source 127.0.0.1 }}
web {{ listen 127.0.0.1:{web} }}
'''
TEXT = b'Subject: x\r\n\r\nhello\r\n'
PROMETHEUS = peers.PEERS / 'prometheus/usr/bin'
RULES = ROOT / 'packaging/prometheus/nuncio.rules.yml'
needs_prometheus = pytest.mark.skipif(not (PROMETHEUS / 'prometheus').exists(),
                                      reason='needs the unpacked Prometheus')


def fetch(server, path='/metrics', method='GET'):
    request = urllib.request.Request(f'http://127.0.0.1:{server.port("web")}{path}', method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode(), answer.headers


def sample(text, name):
    """The value of one sample, named with its labels."""
    [value] = re.findall(rf'^{re.escape(name)} (\S+)$', text, re.M)
    return float(value)


def test_what_happens_is_counted(make_server):
    server = make_server(CONF)
    server.account('joe@example.test')
    before, headers = fetch(server)
    assert headers['Content-Type'].startswith('text/plain; version=0.0.4')
    for _ in range(3):
        server.send('a@b.test', ['joe@example.test'], TEXT)
    server.wait_for_mail('joe@example.test', 3)
    with smtplib.SMTP('127.0.0.1', server.port('mx')) as client:
        client.ehlo()
        client.mail('a@b.test')
        assert client.rcpt('nobody@example.test')[0] == 550

    def all_over():
        now = fetch(server)[0]
        return sample(now, 'nuncio_deliveries_total{result="delivered"}') == 3 and \
            sample(now, 'nuncio_queue_messages') == 0
    peers.wait_until(all_over, 10)
    text, _ = fetch(server)
    assert sample(before, 'nuncio_messages_accepted_total{from="smtp"}') == 0
    assert sample(text, 'nuncio_messages_accepted_total{from="smtp"}') == 3
    assert sample(text, 'nuncio_recipients_refused_total') == 1
    assert sample(text, 'nuncio_local_deliveries_total{result="delivered"}') == 3
    assert sample(text, 'nuncio_commit_seconds_count{role="receive"}') == 3
    assert sample(text, 'nuncio_commit_seconds_bucket{role="receive",le="+Inf"}') == 3
    assert sample(text, 'nuncio_queue_age_seconds_count') == 3
    assert sample(text, 'nuncio_role_up{role="receive"}') == 1
    assert sample(text, 'nuncio_role_resident_memory_bytes{role="queue"}') > 1 << 20


def test_mail_to_the_world_is_counted(make_server, folder):
    port, mx = peers.free_port(), '127.0.0.12'

    def answer(rcpt):
        return '550 5.7.1 blocked using zen.spamhaus.org' if 'two.test' in rcpt else '250 2.1.5 ok'
    with Names(folder) as names, peers.Sink(host=mx, port=port, answer=answer) as sink:
        for domain in ('one.test', 'two.test'):
            names.zone(domain, f'@ MX 10 mx\nmx A {mx}')
        names.zone('bad.test', '@ A 127.0.0.3\n', signed=True, spoil='expired')
        names.start()
        server = make_server(names.statement + WORLD.replace('PORT', str(port)))
        for domain in ('one.test', 'nowhere.test', 'bad.test'):
            server.send('a@example.test', [f'b@{domain}'], TEXT)
        peers.wait_until(lambda: sink.messages, 20)

        def over():
            text = fetch(server)[0]
            return sample(text, 'nuncio_relay_attempts_total{result="delivered"}') >= 1 and \
                sample(text, 'nuncio_relay_sites_total{result="later"}') >= 1
        peers.wait_until(over, 30)
        text = fetch(server)[0]
        for name, least in (('nuncio_relay_sites_total{result="found"}', 1),
                            ('nuncio_relay_sites_total{result="never"}', 1),
                            ('nuncio_relay_connections_opened_total{result="ok"}', 1),
                            ('nuncio_relay_tls_sessions_total{rule="opportunistic",result="clear"}', 1),
                            ('nuncio_relay_domains{state="known"}', 1),
                            ('nuncio_dns_questions_total{role="relay"}', 5),
                            ('nuncio_dns_cache_hits_total{role="relay"}', 1),
                            ('nuncio_dns_failures_total{role="relay"}', 1),
                            ('nuncio_history_events_total', 1), ('nuncio_history_bytes', 4096)):
            peers.wait_until(lambda: sample(fetch(server)[0], name) >= least, 10, name)
        assert sample(text, 'nuncio_relay_attempts_total{result="refused"}') == 0
        assert sample(text, 'nuncio_events_dropped_total{role="relay"}') == 0
        assert sample(text, 'nuncio_sts_fetches_total{result="ok"}') == 0
        server.send('a@example.test', ['b@two.test'], TEXT)
        peers.wait_until(lambda: sample(fetch(server)[0],
                                        'nuncio_answers_total{class="blocklisted"}') == 1, 20)
        assert sample(fetch(server)[0], 'nuncio_source_suspensions_total') == 1


def test_the_text_is_grouped_and_named_by_the_conventions(make_server):
    text, _ = fetch(make_server(CONF))
    seen, current = [], None
    for line in text.splitlines():
        if line.startswith('# HELP '):
            current = line.split()[2]
            assert current not in seen
            seen.append(current)
        elif not line.startswith('#'):
            name = re.match(r'[a-z_]+', line).group()
            assert name in (current, current + '_bucket', current + '_sum', current + '_count')
    assert all(name.startswith('nuncio_') for name in seen)
    documented = (ROOT / 'docs/metrics.md').read_text()
    assert sorted(re.findall(r'^\| `(nuncio_\w+)`', documented, re.M)) == sorted(seen)


def test_nothing_but_metrics_is_served(make_server):
    server = make_server(CONF)
    assert 'metrics' in fetch(server, '/')[0]
    assert fetch(server, method='HEAD')[0] == ''
    for path, method, code in (('/x', 'GET', 404), ('/../etc/passwd', 'GET', 404),
                               ('/metrics', 'POST', 405), ('/metrics', 'DELETE', 405)):
        with pytest.raises(urllib.error.HTTPError) as error:
            fetch(server, path, method)
        assert error.value.code == code


def test_rubbish_and_silence_hold_nobody_up(make_server):
    server = make_server(CONF)
    silent = [socket.create_connection(('127.0.0.1', server.port('web'))) for _ in range(20)]
    for rubbish in (b'\0' * 4000, b'GET /metrics HTTP/1.1\r\nX: ' + b'a' * 100000,
                    b'GET ' + b'/' * 70000, b'\x16\x03\x01\x02\x00'):
        with socket.create_connection(('127.0.0.1', server.port('web'))) as sock:
            try:
                sock.sendall(rubbish)
            except ConnectionError:
                pass
    # Who leaves while the answer is on its way is forgotten.
    for _ in range(5):
        with socket.create_connection(('127.0.0.1', server.port('web'))) as sock:
            sock.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
    assert 'nuncio_uptime_seconds' in fetch(server)[0]
    for sock in silent:
        sock.close()


def test_many_ask_at_once(make_server):
    server = make_server(CONF)
    socks = [socket.create_connection(('127.0.0.1', server.port('web'))) for _ in range(20)]
    for sock in socks:
        sock.settimeout(20)
        sock.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
    for sock in socks:
        answer = b''
        while block := sock.recv(65536):
            answer += block
        assert answer.startswith(b'HTTP/1.') and b'nuncio_build_info{version=' in answer
        sock.close()


def test_an_address_that_is_taken_stops_no_mail(make_server):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        server = make_server(CONF.replace('{web}', str(taken.getsockname()[1])))
        server.account('joe@example.test')
        server.send('a@b.test', ['joe@example.test'], TEXT)
        server.wait_for_mail('joe@example.test')
        assert 'web-address' in server.log()


def test_without_web_there_is_no_such_process(make_server):
    server = make_server(CONF.replace('web {{ listen 127.0.0.1:{web} }}', ''))
    assert 'web' not in {role['role'] for role in server.status()['roles']}


class Prometheus(peers.Peer):
    """One server to scrape, and our alerts."""

    def __init__(self, folder, target):
        folder.mkdir()
        self.folder = folder
        self.port = peers.free_port()
        (folder / 'prometheus.yml').write_text(
            'global: {scrape_interval: 1s, evaluation_interval: 1s}\n'
            f'rule_files: [{RULES}]\n'
            'scrape_configs:\n- job_name: nuncio\n  static_configs:\n'
            f'  - targets: ["127.0.0.1:{target}"]\n')
        self.start([PROMETHEUS / 'prometheus', f'--config.file={folder}/prometheus.yml',
                    f'--storage.tsdb.path={folder}/data',
                    f'--web.listen-address=127.0.0.1:{self.port}'])
        peers.wait_for_port(self.port)
        peers.wait_until(self.is_ready, 30, 'Prometheus')

    def is_ready(self):
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/-/ready', timeout=10):
                return True
        except urllib.error.HTTPError:
            return False

    def ask(self, path):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/api/v1/{path}',
                                    timeout=10) as answer:
            return json.load(answer)['data']


@needs_prometheus
def test_prometheus_scrapes_it_and_knows_our_alerts(make_server, tmp_path):
    server = make_server(CONF)
    server.account('joe@example.test')
    server.send('a@b.test', ['joe@example.test'], TEXT)
    server.wait_for_mail('joe@example.test')
    prometheus = Prometheus(tmp_path / 'prometheus', server.port('web'))
    try:
        def accepted():
            result = prometheus.ask('query?query=nuncio_messages_accepted_total')['result']
            return {one['metric']['from']: one['value'][1] for one in result}
        peers.wait_until(lambda: accepted().get('smtp') == '1', 30)
        [target] = prometheus.ask('targets')['activeTargets']
        assert target['health'] == 'up' and not target['lastError']
        assert prometheus.ask('targets')['droppedTargets'] == []
        rules = prometheus.ask('rules')['groups'][0]['rules']
        peers.wait_until(lambda: all(rule['health'] != 'unknown' for rule in
                                     prometheus.ask('rules')['groups'][0]['rules']), 20)
        assert all(rule['health'] == 'ok' for rule in
                   prometheus.ask('rules')['groups'][0]['rules']), rules
    finally:
        prometheus.stop()


@needs_prometheus
def test_promtool_accepts_metrics_and_rules(make_server):
    text, _ = fetch(make_server(CONF))
    done = subprocess.run([PROMETHEUS / 'promtool', 'check', 'metrics'], input=text, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run([PROMETHEUS / 'promtool', 'check', 'rules', RULES], text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_prometheus
def test_every_alert_is_about_metrics_that_exist(make_server):
    text, _ = fetch(make_server(CONF))
    names = set(re.findall(r'^# HELP (\w+)', text, re.M))
    used = set(re.findall(r'nuncio_\w+', re.sub(r'#.*', '', RULES.read_text())))
    assert {re.sub(r'_(bucket|sum|count)$', '', name) for name in used} <= names
