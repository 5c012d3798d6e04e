"""The queue in the administrator's hands."""
import json

import pytest

from peers import Sink, wait_until

HELD = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
trusted {{ 127.0.0.1/32 }}
domain example.test {{ deliver maildir }}
relay 127.0.0.1:{next}
queue {{ retry_first 1h; retry_max 2h; gather 1s }}
'''


@pytest.fixture
def server(make_server):
    """One message that waits, because nobody listens at the next server's port."""
    server = make_server(HELD)
    server.account('joe@example.test')
    server.send('joe@example.test', ['a@far.test'], b'Subject: waiting\r\n\r\nhello\r\n')
    wait_until(server.queue_ids, what='a queued message')
    wait_until(lambda: 'refused' in show(server).lower(), what='the first attempt')
    return server


def show(server):
    [identity] = server.queue_ids()
    return server.run('queue', 'show', identity).stdout.decode()


def test_list_show_stats_and_mailq_say_what_waits_and_why(server):
    [listed] = [line for line in server.json('queue', 'list') if 'id' in line]
    assert listed['id'] == server.queue_ids()[0]
    assert 'joe@example.test' in json.dumps(listed)
    assert 'a@far.test' in show(server)
    assert server.queue_ids()[0] in server.run('mailq').stdout.decode()
    [stats] = [line for line in server.json('queue', 'stats') if 'messages' in line]
    assert stats['messages'] == 1


def test_retry_delivers_when_the_server_is_back(server):
    with Sink(port=server.port('next')) as sink:
        server.run('queue', 'retry', server.queue_ids()[0])
        wait_until(lambda: sink.messages, what='the message')
        server.wait_for_empty_queue()


def test_held_mail_stays_until_released(server):
    [identity] = server.queue_ids()
    server.run('queue', 'hold', identity)
    assert 'held' in show(server).lower()
    with Sink(port=server.port('next')) as sink:
        server.run('queue', 'retry', identity, check=False)
        server.stop()
        server.start()
        assert 'held' in show(server).lower(), 'forgotten over a restart'
        assert sink.messages == []
        server.run('queue', 'release', identity)
        wait_until(lambda: sink.messages, what='the message')
        server.wait_for_empty_queue()


def test_bounce_tells_the_sender(server):
    server.run('queue', 'bounce', server.queue_ids()[0])
    [bounce] = server.wait_for_mail('joe@example.test')
    assert b'a@far.test' in bounce and b'multipart/report' in bounce
    server.wait_for_empty_queue()


def test_remove_tells_nobody(server):
    server.run('queue', 'remove', server.queue_ids()[0])
    server.wait_for_empty_queue()
    assert server.mail('joe@example.test') == []


def test_deferred_mail_survives_a_restart_with_its_state(server):
    before = show(server)
    server.stop()
    server.start()
    assert 'refused' in show(server).lower(), before


def test_export_gives_text_and_envelope(server, folder):
    server.stop()
    server.run('spool', 'check')
    (folder / 'out').mkdir()
    server.run('spool', 'export', folder / 'out')
    [eml] = (folder / 'out').glob('*.eml')
    [envelope] = (folder / 'out').glob('*.json')
    assert eml.read_bytes().endswith(b'Subject: waiting\r\n\r\nhello\r\n')
    assert 'a@far.test' in envelope.read_text()


def test_unknown_id_is_said_clearly(server):
    done = server.run('queue', 'show', '0000000000000', check=False)
    assert done.returncode != 0
    assert b'0000000000000' in done.stderr
