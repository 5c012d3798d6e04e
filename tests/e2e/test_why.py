"""nuncio why: the story of mail that was delivered, put off, or refused at the door."""
import json
import os
import signal
import smtplib
import subprocess

import pytest

from peers import wait_until

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
'''
TEXT = b'Subject: x\r\nMessage-ID: <one@b.test>\r\n\r\nhello\r\n'


def why(server, *args, check=True):
    done = server.run('why', *args, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.decode()


def wait_for(server, words, *args):
    def told():
        text = why(server, *args, check=False)
        return text if words in text else None
    return wait_until(told, 10, f'{words} in the story')


@pytest.fixture
def sent(make_server):
    server = make_server(CONF)
    server.account('joe@example.test')
    refused = server.send('Ann+news@b.test', ['joe@example.test', 'nobody@example.test'], TEXT)
    assert refused
    server.wait_for_mail('joe@example.test')
    wait_for(server, 'delivered', 'joe@example.test')
    return server


@pytest.mark.parametrize('what', ['joe@example.test', 'JOE@Example.Test', 'ann@b.test',
                                  'ann+news@b.test', 'b.test', '127.0.0.1', '<one@b.test>',
                                  'one@b.test'])
def test_a_message_is_found_by_all_that_names_it(sent, what):
    text = why(sent, what)
    assert '127.0.0.1 connected to listener mx' in text
    assert ('recipient <nobody@example.test> refused: 550 5.1.1 no such user here, decided by '
            f'{sent.line("domain example.test")}\n') in text
    assert ': from <Ann+news@b.test> to <joe@example.test>' in text
    assert 'Message-ID one@b.test' in text
    assert 'delivered to <joe@example.test>' in text
    assert 'Last: <joe@example.test> delivered.' in text


def test_by_its_id_also_with_the_server_stopped(sent):
    [event] = [json.loads(line) for line in why(sent, 'joe@example.test', '--json').splitlines()
               if '"accepted"' in line]
    text = why(sent, event['message'])
    assert text.startswith(f'Message {event["message"]}\n')
    sent.stop()
    assert why(sent, event['message']).startswith(text[:40])


def test_what_was_refused_at_the_door_is_found(make_server):
    server = make_server(CONF)
    with smtplib.SMTP('127.0.0.1', server.port()) as client:
        client.helo('spam.test')
        client.mail('x@spam.test')
        assert client.rcpt('joe@elsewhere.test')[0] == 550
    for what in ('joe@elsewhere.test', 'x@spam.test', '127.0.0.1', 'spam.test'):
        text = wait_for(server, 'recipient <joe@elsewhere.test> refused: 550 5.7.1 relaying denied',
                        what)
        assert text.startswith('Session ')
    assert 'relaying denied' in why(server, '--since', '10m')


def test_many_are_a_list_with_the_command_for_more(sent):
    assert not sent.send('a@b.test', ['joe@example.test'], TEXT)
    text = wait_until(lambda: (lambda t: t if 'More about' in t else None)(
        why(sent, 'joe@example.test')), 10)
    first, second, more = text.splitlines()
    assert 'from <a@b.test> to <joe@example.test>: delivered' in first
    assert 'from <Ann+news@b.test> to <joe@example.test>: delivered' in second
    assert more == 'More about one of them: nuncio why ID'
    assert why(sent, first.split()[2]).startswith('Message ')


def test_mail_that_waits_says_when_it_is_tried_next(make_server):
    server = make_server(CONF + 'domain dead.test {{ route dead }}\n'
                                'route dead {{ host 127.0.0.1:1 }}\n')
    assert not server.send('a@b.test', ['joe@dead.test'], TEXT)
    text = wait_for(server, 'no server reached for <joe@dead.test>', 'joe@dead.test')
    assert 'Now: <joe@dead.test> is waiting, the next try is at 20' in text
    assert 'no server reached' in why(server, 'queue')
    assert 'joe@dead.test' in why(server, 'dead')
    server.stop()
    assert 'Last: <joe@dead.test> waiting' in why(server, 'joe@dead.test')
    assert server.run('why', 'queue', check=False).returncode == 69


def test_nothing_found_and_mistakes_have_their_codes(sent):
    assert sent.run('why', 'who@else.test', check=False).returncode == 1
    assert sent.run('why', '--since', 'tomorrowish', check=False).returncode == 64
    assert sent.run('why', check=False).returncode == 64
    assert sent.run('why', '--state', '/nowhere', 'x@y.test', check=False).returncode == 66


def test_following_shows_what_happens(sent):
    follower = subprocess.Popen([sent.binary, 'why', 'joe@example.test', '--follow'],
                                env=sent.environment, stdout=subprocess.PIPE, text=True)
    assert follower.stdout.readline().startswith('Message ')
    assert not sent.send('later@b.test', ['joe@example.test'], TEXT)
    for line in follower.stdout:
        if 'from <later@b.test>' in line:
            break
    follower.send_signal(signal.SIGINT)
    follower.stdout.close()
    assert follower.wait(10) in (0, -signal.SIGPIPE)


def test_the_history_is_rebuilt_from_the_log_and_that_twice(sent):
    sent.stop()
    before = why(sent, 'joe@example.test')
    for path in (sent.state / 'history').iterdir():
        path.unlink()
    for _ in range(2):
        why(sent, '--rebuild', str(sent.folder / 'log'))
        assert why(sent, 'joe@example.test') == before
    owner = os.stat(sent.state / 'history')
    assert os.stat(sent.state / 'history' / 'history.db').st_uid == owner.st_uid
    assert sent.run('why', '--rebuild', '/etc/passwd', check=False).returncode == 65
