"""`nuncio queue`: filters, what changes mail, other routes, suspensions, and 100,000 messages."""
import concurrent.futures
import json
import os
import pwd
import re
import smtplib
import subprocess
import threading
import time

import pytest

from peers import Sink, wait_until

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
trusted {{ 127.0.0.1/32 }}
domain example.test {{ deliver maildir }}
route main {{ host 127.0.0.1:{main} }}
route spare {{ host 127.0.0.1:{spare} }}
default_route main
queue {{ retry_first 1h; retry_max 2h; gather 1s }}
'''
MAILS = [('ann@example.test', ['joe@far.test']),
         ('bob@example.test', ['joe@far.test', 'eve@near.test']),
         ('', ['eve@sub.near.test'])]


def reply(rcpt):
    return '450 4.7.1 greylisted, try later' if 'near' in rcpt else '451 4.3.0 not today'


@pytest.fixture
def server(make_server):
    return with_mail(make_server)


@pytest.fixture(scope='module')
def looked_at(make_shared_server):
    """For tests that change nothing."""
    return with_mail(make_shared_server)


def with_mail(make_server):
    """Three messages that the next server has put off."""
    server = make_server(CONF)
    server.account('ann@example.test')
    with Sink(port=server.port('main'), answer=reply):
        for sender, recipients in MAILS:
            server.send(sender, recipients, b'Subject: of ' + sender.encode() + b'\r\n\r\nhello\r\n')
            time.sleep(0.05)  # so that they differ in age
        wait_until(lambda: all(r['attempts'] for m in listed(server) for r in m['recipients'])
                   and len(listed(server)) == 3, what='the first attempts')
    return server


def listed(server, *options):
    return server.json('queue', 'list', *options)


def addresses(server, *options):
    return sorted(r['address'] for m in listed(server, *options) for r in m['recipients'])


def text(server, *args, **kwargs):
    return server.run('queue', *args, **kwargs).stdout.decode()


def shown(server, identity):
    """The message and its recipients."""
    message, *recipients = server.json('queue', 'show', identity)
    return message, recipients


ALL = ['eve@near.test', 'eve@sub.near.test', 'joe@far.test', 'joe@far.test']
FILTERS = {
    ('--sender', 'ann@example.test'): ['joe@far.test'],
    ('--sender', '*@example.test'): ['eve@near.test', 'joe@far.test', 'joe@far.test'],
    ('--sender', '<>'): ['eve@sub.near.test'],
    ('--recipient', 'JOE@far.test'): ['joe@far.test', 'joe@far.test'],
    ('--recipient', 'eve@*'): ['eve@near.test', 'eve@sub.near.test'],
    ('--domain', '*near.test'): ['eve@near.test', 'eve@sub.near.test'],
    ('--domain', 'near.test'): ['eve@near.test'],
    ('--lane', 'main'): ALL,
    ('--lane', 'ma*'): ALL,
    ('--lane', 'spare'): [],
    ('--reply', 'GREYLISTED'): ['eve@near.test', 'eve@sub.near.test'],
    ('--reply', 'greylisted', '--sender', 'bob@*'): ['eve@near.test'],
    ('--is', 'waiting'): ALL,
    ('--is', 'held'): [],
    ('--older', '1h'): [],
    ('--newer', '1h'): ALL,
    ('--limit', '1'): ['joe@far.test'],
}


def test_filters(looked_at):
    for options, want in FILTERS.items():
        assert addresses(looked_at, *options) == want, options
    assert addresses(looked_at) == ALL


def test_the_oldest_comes_first_and_the_last_line_sums_up(looked_at):
    assert [m['sender'] for m in listed(looked_at)] == [sender for sender, _ in MAILS]
    assert text(looked_at, 'list').rstrip().endswith('3 messages, 4 recipients, 1 KB.')
    assert text(looked_at, 'list', '--limit', '2').rstrip().endswith('; there are more.')
    assert 'no such mail' in text(looked_at, 'list', '--sender', 'nobody@example.test')


@pytest.mark.parametrize('args', [('list', '--older', 'yesterday'), ('list', '--limit', '0'),
                                  ('reroute', '--all'), ('suspend',), ('show',), ('fly',),
                                  ('suspend', '--lane', 'x', '--domain', 'y'),
                                  ('list', '--source', '192.0.2.1')])
def test_what_is_no_command_is_told(looked_at, args):
    done = looked_at.run('queue', *args, check=False)
    assert done.returncode == os.EX_USAGE and done.stderr


@pytest.mark.parametrize('args, want', [
    (('remove',), 'say which'), (('list', '--is', 'asleep'), 'no such state'),
    (('reroute', '--all', '--to', 'nowhere'), 'no such route'),
    (('suspend', '--source', 'mx.test'), 'an IP address'),
    (('resume', '--lane', 'main'), 'not suspended')])
def test_what_the_server_refuses_is_told(looked_at, args, want):
    done = looked_at.run('queue', *args, check=False)
    assert done.returncode == os.EX_DATAERR and want in done.stderr.decode()


def test_show_says_it_all(looked_at):
    [identity] = [m['id'] for m in listed(looked_at, '--sender', 'bob@example.test')]
    message, recipients = shown(looked_at, identity)
    assert 'Subject: of bob@example.test' in message['header'] and 'hello' not in message['header']
    assert message['body'] == '7BIT' and message['client'] == '127.0.0.1'
    assert message['expires_ms'] > message['received_ms']
    assert {r['lane'] for r in recipients} == {'main'} and all(r['next_ms'] for r in recipients)
    assert all('tried again' in r['why'] for r in recipients)
    human = text(looked_at, 'show', identity)
    assert '| Subject: of bob@example.test' in human and 'now: it is tried again' in human
    assert '450 4.7.1 greylisted' in human
    whole = looked_at.run('queue', 'show', '--text', identity).stdout
    assert whole.startswith(b'Received: ') and whole.endswith(b'\r\n\r\nhello\r\n')


def test_a_dry_run_changes_nothing(looked_at):
    assert text(looked_at, 'remove', '-n', '--domain', 'far.test') == \
        'Would change 2 recipients of 2 messages.\n'
    assert addresses(looked_at) == ALL
    assert text(looked_at, 'hold', '-n', '--all') == 'Would change 4 recipients of 3 messages.\n'
    assert addresses(looked_at, '--is', 'held') == []


def test_changes_by_any_filter(server):
    assert text(server, 'hold', '--reply', 'greylisted') == '2 recipients of 2 messages.\n'
    assert addresses(server, '--is', 'held') == ['eve@near.test', 'eve@sub.near.test']
    assert text(server, 'hold', '--reply', 'greylisted') == '0 recipients of 0 messages.\n'
    assert text(server, 'release', '--recipient', 'eve@sub*') == '1 recipient of 1 message.\n'
    assert addresses(server, '--is', 'held') == ['eve@near.test']
    assert text(server, 'remove', '--newer', '1h', '--recipient', 'joe@*') == \
        '2 recipients of 2 messages.\n'
    wait_until(lambda: addresses(server) == ['eve@near.test', 'eve@sub.near.test'])
    text(server, 'bounce', '--is', 'held')
    wait_until(lambda: addresses(server) == ['eve@sub.near.test'])


def test_rerouted_mail_stays_so_over_a_restart(server):
    assert text(server, 'reroute', '--to', 'spare', '--sender', 'bob@*', '--domain', 'far.test') == \
        '1 recipient of 1 message.\n'
    wait_until(lambda: 'main' not in [r['lane'] for r in shown(server, bob(server))[1]
                                      if r['address'] == 'joe@far.test'])
    server.stop()
    server.start()
    assert {r['address']: r['lane'] for r in shown(server, bob(server))[1]} == \
        {'joe@far.test': 'spare', 'eve@near.test': 'main'}
    assert addresses(server, '--lane', 'spare') == ['joe@far.test']
    with Sink(port=server.port('spare')) as sink:
        text(server, 'retry', '--lane', 'spare')
        wait_until(lambda: sink.messages, what='the message over the other route')
        assert [line for line in sink.messages[0][1] if 'joe@far.test' in line]
        wait_until(lambda: addresses(server, '--sender', 'bob@*') == ['eve@near.test'])
        assert len(sink.messages) == 1 and len(sink.messages[0][1]) == 1
    # And back to the way that the configuration says. What is held stays so.
    text(server, 'hold', '--sender', 'ann@*')
    text(server, 'reroute', '--to', 'spare', '--sender', 'ann@*')
    assert text(server, 'reroute', '--to', '', '--sender', 'ann@*') == '1 recipient of 1 message.\n'
    assert addresses(server, '--lane', 'spare') == []
    assert addresses(server, '--is', 'held', '--lane', 'main') == ['joe@far.test']


def bob(server):
    [identity] = [m['id'] for m in listed(server, '--sender', 'bob@example.test')]
    return identity


def test_a_mailbox_is_not_rerouted(server):
    server.run('queue', 'suspend', '--domain', 'example.test')
    server.send('x@far.test', ['ann@example.test'], b'Subject: in\r\n\r\nx\r\n')
    wait_until(lambda: addresses(server, '--is', 'suspended') == ['ann@example.test'])
    assert text(server, 'reroute', '--to', 'spare', '--domain', 'example.test') == \
        '0 recipients of 0 messages.\n'
    server.run('queue', 'resume', '--domain', 'example.test')
    server.wait_for_mail('ann@example.test')


@pytest.mark.parametrize('target', [('--lane', 'main'), ('--domain', 'fa*.test'),
                                    ('--sender', 'ann@example.test')])
def test_what_is_suspended_waits_over_a_restart_until_resumed(server, target):
    text(server, 'remove', '--all')
    text(server, 'suspend', *target, '--reason', 'they asked us to')
    with Sink(port=server.port('main')) as sink:
        server.send('ann@example.test', ['joe@far.test'], b'Subject: late\r\n\r\nx\r\n')
        wait_until(lambda: addresses(server, '--is', 'suspended') == ['joe@far.test'])
        server.stop()
        server.start()
        wait_until(lambda: addresses(server, '--is', 'suspended') == ['joe@far.test'])
        [message] = listed(server)
        [recipient] = shown(server, message['id'])[1]
        assert 'is suspended: they asked us to' in recipient['why']
        assert 'they asked us to' in text(server, 'suspended')
        assert '1 suspension in force' in text(server, 'list')
        assert text(server, 'retry', '--all') == '0 recipients of 0 messages.\n'
        [stats] = server.json('queue', 'stats')
        assert stats['suspensions'] == 1 and stats['suspended'] == 1
        assert 'which hold back 1 recipients' in text(server, 'stats')
        assert sink.messages == []
        text(server, 'resume', *target)
        wait_until(lambda: sink.messages, what='the message')
        server.wait_for_empty_queue()
    assert text(server, 'suspended') == 'Nothing is suspended.\n'


def test_a_suspension_ends_by_itself(make_server):
    server = make_server(CONF)
    text(server, 'suspend', '--lane', 'main', '--for', '3s')
    assert 'ends in' in text(server, 'suspended')
    with Sink(port=server.port('main')) as sink:
        server.send('ann@example.test', ['joe@far.test'], b'Subject: late\r\n\r\nx\r\n')
        wait_until(lambda: 'joe@far.test' in addresses(server, '--is', 'suspended'))
        wait_until(lambda: sink.messages, what='the message')
    assert text(server, 'suspended') == 'Nothing is suspended.\n'


def test_what_is_suspended_meanwhile_in_the_lane_is_held_back(make_server):
    """Mail that was in the lane before the suspension began meets it when its turn comes."""
    server = make_server(CONF)

    gate = threading.Event()

    def slow(rcpt):
        gate.wait(60)
        return '250 2.1.5 ok'
    with Sink(port=server.port('main'), answer=slow) as sink:
        for i in range(60):
            server.send('ann@example.test', [f'r{i}@far.test'], b'Subject: x\r\n\r\nx\r\n')
        wait_until(lambda: addresses(server, '--is', 'sending'))
        text(server, 'suspend', '--lane', 'main')
        gate.set()
        wait_until(lambda: not addresses(server, '--is', 'sending')
                   and not addresses(server, '--is', 'ready'))
        came, waits = len(sink.messages), len(listed(server, '--is', 'suspended'))
        assert came + waits == 60 and waits > 0
        time.sleep(1)
        assert len(sink.messages) == came
        text(server, 'resume', '--all')
        wait_until(lambda: len(sink.messages) == 60, 60)


def test_suspended_mail_expires_and_bounces_as_usual(make_server):
    server = make_server(CONF.replace('gather 1s', 'gather 1s; expire_after 4s; warn_after 2s')
                         .replace('retry_first 1h; retry_max 2h', 'retry_first 1s; retry_max 1s'))
    server.account('ann@example.test')
    text(server, 'suspend', '--domain', 'far.test', '--reason', 'moving')
    server.send('ann@example.test', ['joe@far.test'], b'Subject: too old\r\n\r\nx\r\n')
    mails = server.wait_for_mail('ann@example.test', 2)
    assert any(b'Action: delayed' in mail for mail in mails)
    assert any(b'Action: failed' in mail and b'Status: 4.4.7' in mail and b'moving' in mail
               for mail in mails)
    server.wait_for_empty_queue()


def test_a_damaged_list_of_suspensions_is_told(server):
    text(server, 'suspend', '--domain', 'x.test')
    path = server.state / 'spool/queue/suspended.json'
    server.stop()
    path.write_text(path.read_text()[:-5])
    server.start()
    assert 'suspensions-not-read' in server.log()
    text(server, 'suspend', '--domain', 'y.test')
    assert json.loads(path.read_text())[0]['what'] == 'y.test'


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root, to be somebody else')
def test_who_may_read_may_not_change(make_server):
    server = make_server(CONF + 'control {{ read_group nogroup }}\n')
    server.folder.chmod(0o755)
    nobody = pwd.getpwnam('nobody')

    def ask(*args):
        return subprocess.run([server.binary, 'queue', *args, '--state', server.state],
                              env=server.environment, capture_output=True, text=True,
                              user=nobody.pw_uid, group='nogroup', extra_groups=[])
    if ask('list').returncode == os.EX_NOPERM:
        pytest.skip('the folder of the tests is closed to others')
    assert ask('list').returncode == 0 and ask('stats').returncode == 0
    assert ask('suspended').returncode == 0
    for args in [('retry', '--all'), ('suspend', '--domain', 'x.test'), ('resume', '--all'),
                 ('reroute', '--all', '--to', 'spare'), ('show', '--text', '0000000000000')]:
        done = ask(*args)
        assert done.returncode != 0 and 'not allowed' in done.stderr, args


def fill(server, count, connections=8):
    """So many messages, each its own."""
    def some(first):
        with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='client.test') as client:
            for i in range(first, count, connections):
                client.sendmail(f's{i % 50}@example.test', [f'r{i}@d{i % 97}.far.test'],
                                b'Subject: waiting\r\n\r\nhello\r\n')
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        list(pool.map(some, range(connections)))


def seconds(server, *args):
    started = time.monotonic()
    lines = text(server, 'list', *args).count('\n')
    return time.monotonic() - started, lines


def test_listing_scales_and_stops_nothing(make_server):
    """Twice as much takes not much more than twice as long, and mail goes on meanwhile. (How long
    100,000 take is measured by `make bench`.)"""
    server = make_server(CONF + 'limits {{ transactions 100000 }}\n')
    server.account('ann@example.test')
    text(server, 'suspend', '--lane', 'main')
    fill(server, 2000)
    wait_until(lambda: len(listed(server, '--is', 'suspended')) == 2000)
    small = min(seconds(server)[0] for _ in range(3))
    fill(server, 2000)
    wait_until(lambda: len(listed(server, '--is', 'suspended')) == 4000)
    took, lines = min(seconds(server) for _ in range(3))
    assert lines >= 8000
    assert took < 3.5 * small + 0.5, f'{small:.2f} s for 2000, {took:.2f} s for 4000'
    found = listed(server, '--recipient', 'r1234@*')
    assert len(found) >= 1 and all(m['n_fit'] == 1 for m in found)
    lister = subprocess.Popen([server.binary, 'queue', 'list', '--json'],
                              env=server.environment, stdout=subprocess.PIPE)
    server.send('x@far.test', ['ann@example.test'], b'Subject: meanwhile\r\n\r\nx\r\n')
    server.wait_for_mail('ann@example.test')  # although nobody reads what the list says
    out = lister.communicate()[0]
    assert len(re.findall(rb'^\{', out, re.M)) >= 4000
