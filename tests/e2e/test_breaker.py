"""An account that sends too much: its mail is kept, the postmaster is told, and he decides."""
import concurrent.futures
import os
import re
import signal
import smtplib
import time

import pytest

from peers import Sink, wait_until

CONF = '''
listen submission {{
    service submission; address 127.0.0.1:{submission}
    tls off; auth required; insecure_auth yes
}}
domain example.test {{ deliver maildir }}
postmaster boss@example.test
relay 127.0.0.1:{next}
account_limits {{ recipients_per_hour 5; bounces_per_hour 2 }}
queue {{ retry_first 1h; retry_max 2h; gather 1s }}
'''
JOE, BOSS, PASSWORD = 'joe@example.test', 'boss@example.test', 'correct horse battery'


@pytest.fixture
def server(make_server):
    return with_accounts(make_server(CONF))


def with_accounts(server):
    server.run('account', 'add', JOE, '--password-stdin', input=PASSWORD.encode() + b'\n')
    server.run('account', 'add', BOSS, '--none')
    return server


@pytest.fixture
def sink(server):
    with Sink(port=server.port('next')) as sink:
        yield sink


def submit(server, name, recipients=3):
    """Handed in by joe: name is its subject."""
    to = [f'{name}-{i}@far.test' for i in range(recipients)]
    text = f'From: {JOE}\r\nTo: them\r\nSubject: {name}\r\n\r\nhello\r\n'
    with smtplib.SMTP('127.0.0.1', server.port('submission')) as client:
        client.login(JOE, PASSWORD)
        assert client.sendmail(JOE, to, text) == {}


def sent(sink):
    """How often each subject has come to the next server."""
    return sorted(re.search(rb'Subject: (\S+)', message[2])[1].decode()
                  for message in sink.messages)


def states(server):
    return [recipient['state'] for line in server.json('queue', 'list', '--sender', JOE)
            for recipient in line.get('recipients', [])]


def freeze_by_sending(server, sink):
    submit(server, 'one')
    wait_until(lambda: sent(sink) == ['one'], what='the first message')
    submit(server, 'two')


def test_mail_above_the_limit_is_held_and_the_postmaster_gets_one_mail(server, sink):
    freeze_by_sending(server, sink)
    [mail] = server.wait_for_mail(BOSS)
    for words in (b'Subject: The account joe@example.test is frozen', b'1 message now',
                  b'6 recipients in an hour, the limit is 5', b'Auto-Submitted: auto-generated',
                  b'nuncio account thaw joe@example.test', b'Return-Path: <>',
                  b'nuncio queue release --sender joe@example.test'):
        assert words in mail
    submit(server, 'three')
    wait_until(lambda: states(server) == ['held'] * 6, what='two messages that are held')
    shown = server.run('queue', 'show', server.queue_ids()[0]).stdout.decode()
    assert 'the account is frozen: 6 recipients in an hour, the limit is 5' in shown
    server.stop()
    server.start()
    assert states(server) == ['held'] * 6, 'forgotten over a restart'
    assert sent(sink) == ['one']
    assert len(server.mail(BOSS)) == 1


def test_thawed_and_released_it_is_delivered(server, sink):
    freeze_by_sending(server, sink)
    server.wait_for_mail(BOSS)
    server.run('account', 'thaw', JOE)
    time.sleep(1.5)
    assert sent(sink) == ['one'], 'thawing alone sends nothing'
    server.run('queue', 'release', '--sender', JOE)
    wait_until(lambda: sent(sink) == ['one', 'two'], what='what was held')
    server.wait_for_empty_queue()
    submit(server, 'three')
    wait_until(lambda: sent(sink) == ['one', 'three', 'two'], what='mail after the thaw')
    assert len(server.mail(BOSS)) == 1


def test_removed_it_is_gone_and_nobody_is_told(server, sink):
    freeze_by_sending(server, sink)
    server.wait_for_mail(BOSS)
    server.run('queue', 'remove', '--sender', JOE)
    server.wait_for_empty_queue()
    assert sent(sink) == ['one']
    assert server.mail(JOE) == []


def test_what_waits_in_the_queue_is_held_when_the_administrator_freezes_it(server):
    submit(server, 'one')
    wait_until(lambda: states(server) == ['waiting'] * 3, what='a first attempt')
    server.run('account', 'freeze', JOE)
    wait_until(lambda: states(server) == ['held'] * 3, what='the mail to be held')
    with Sink(port=server.port('next')) as sink:
        server.run('queue', 'retry', '--all')
        time.sleep(1)
        assert sink.messages == []
        server.run('account', 'thaw', JOE)
        server.run('queue', 'release', '--sender', JOE)
        wait_until(lambda: sent(sink) == ['one'], what='what was held')


def test_refused_recipients_freeze_it_too(server):
    with Sink(port=server.port('next'), answer=lambda rcpt: '550 5.1.1 nobody'):
        submit(server, 'one')
        [mail] = server.wait_for_mail(BOSS)
    assert b'3 refused recipients in an hour, the limit is 2' in mail


MOMENTS = [(role, seconds) for role in ('auth', 'queue') for seconds in (0, 0.5, 2)]


def test_killed_at_any_moment_it_is_still_held_and_told(make_server):
    """All moments at once, each with a server of its own: much of it is waiting."""
    servers = [with_accounts(make_server(CONF)) for _ in MOMENTS]
    with concurrent.futures.ThreadPoolExecutor(len(MOMENTS)) as pool:
        list(pool.map(lambda server, moment: kill_at(server, *moment), servers, MOMENTS))


def kill_at(server, role, seconds):
    server.may_die = True
    with Sink(port=server.port('next')) as sink:
        kill_and_look(server, sink, role, seconds)


def kill_and_look(server, sink, role, seconds):
    freeze_by_sending(server, sink)
    time.sleep(seconds)
    os.kill(server.role_pid(role), signal.SIGKILL)
    server.wait_for_mail(BOSS)
    wait_until(lambda: states(server) == ['held'] * 3, what='the mail to be held')
    time.sleep(2.5)
    assert sent(sink) == ['one']
    assert len(server.mail(BOSS)) in (1, 2)
    server.run('account', 'thaw', JOE)
    server.run('queue', 'release', '--sender', JOE)
    wait_until(lambda: sent(sink) == ['one', 'two'], what='what was held')
    server.wait_for_empty_queue()
