"""What refusals teach: times, slower sites, other routes, and a mail to the postmaster."""
import re
import time

import pytest

from peers import Sink, wait_until

RELAY = '''
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain example.test {{{{ deliver maildir }}}}
postmaster boss@example.test
relay 127.0.0.1:{port}
queue {{{{ retry_first 1h; retry_max 2h; gather 1s }}}}
'''
TEXT = b'Subject: hello\r\n\r\nhello\r\n'


def start(make_server, port):
    server = make_server(RELAY.format(port=port))
    for name in ('joe', 'boss'):
        server.account(name + '@example.test')
    return server


def event(server, name):
    """The last event of that name, as a dict."""
    lines = [line for line in server.log().splitlines() if f' queue {name} ' in line]
    wanted = lines[-1] if lines else ''
    return {key: value.strip('"') for key, value in re.findall(r'(\w+)=("[^"]*"|\S*)', wanted)}


def lane(server):
    [stats] = [line for line in server.json('queue', 'stats') if 'lanes' in line]
    [found] = [lane for lane in stats['lanes'] if lane['way'] == 'route']
    return found


def test_greylisted_mail_is_tried_again_when_the_words_say(make_server):
    answer = '450 4.2.0 Greylisted, please try again in 600 seconds'
    with Sink(answer=lambda rcpt: answer) as sink:
        server = start(make_server, sink.port)
        server.send('joe@example.test', ['a@far.test'], TEXT)
        deferred = wait_until(lambda: event(server, 'deferred'), what='the refusal')
        assert deferred['class'] == 'greylisted' and deferred['reply'] == answer
        assert deferred['route'] == 'relay' and deferred['remote'].endswith(f':{sink.port}')
        due = time.mktime(time.strptime(deferred['next'], '%Y-%m-%dT%H:%M:%SZ')) - time.timezone
        assert 600 <= due - time.time() <= 900  # not the hour of the schedule
        found = lane(server)
        assert found['classes'] == {'greylisted': 1} and found['last_words'] == answer


def test_a_site_that_wants_less_gets_less(make_server):
    answer = '450 4.7.0 too many connections from you'
    with Sink(answer=lambda rcpt: answer) as sink:
        server = start(make_server, sink.port)
        server.send('joe@example.test', ['a@far.test'], TEXT)
        wait_until(lambda: event(server, 'slowed'), what='that the site is slowed')
        server.send('joe@example.test', ['b@far.test'], TEXT)
        wait_until(lambda: lane(server)['waiting'] == 1, what='a message that waits')
        found = lane(server)
        assert found['window'] == 1 and 0 < found['rests_for_ms'] <= 30000
        # Who says that it may go now is heard.
        server.run('queue', 'retry', '--all')
        wait_until(lambda: 'b@far.test' in event(server, 'deferred').get('to', ''), what='the second')


def test_words_that_leave_no_doubt_end_it_at_once(make_server):
    with Sink(answer=lambda rcpt: '450 4.1.1 this mailbox no longer exists') as sink:
        server = start(make_server, sink.port)
        server.send('joe@example.test', ['a@far.test'], TEXT)
        [bounce] = server.wait_for_mail('joe@example.test')
        assert b'this mailbox no longer exists' in bounce
        server.wait_for_empty_queue()


def test_the_postmaster_hears_once_of_a_block_list(make_server):
    answer = '550 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org'
    with Sink(answer=lambda rcpt: answer) as sink:
        server = start(make_server, sink.port)
        for name in 'abc':
            server.send('joe@example.test', [name + '@far.test'], TEXT)
            wait_until(lambda: event(server, 'refused').get('to') == name + '@far.test', what=name)
            server.run('queue', 'retry', '--all')  # the lane rests
        [mail] = server.wait_for_mail('boss@example.test')
        assert b'Subject: Our address is on a block list' in mail and answer.encode() in mail
        assert lane(server)['classes'] == {'blocklisted': 3}


@pytest.mark.parametrize('back', [False, True])
def test_mail_goes_over_the_fallback_while_a_site_is_away(make_server, back):
    conf = RELAY.replace('relay 127.0.0.1:{port}', '''
route first {{{{ host 127.0.0.1:{{next}}; fallback second; fallback_after 2s }}}}
route second {{{{ host 127.0.0.1:{port} }}}}
default_route first''').replace('retry_first 1h', 'retry_first 10s')
    with Sink() as second:
        server = make_server(conf.format(port=second.port))
        server.account('joe@example.test')
        server.send('joe@example.test', ['a@far.test'], TEXT)
        wait_until(lambda: second.messages, what='the message over the fallback', seconds=40)
        if back:
            with Sink(port=server.port('next')) as first:
                for i in range(60):
                    server.send('joe@example.test', [f'b{i}@far.test'], TEXT)
                    if first.messages:
                        break
                    time.sleep(0.5)
                seen = len(second.messages)
                server.send('joe@example.test', ['last@far.test'], TEXT)
                wait_until(lambda: 'last@far.test' in str(first.messages), what='the way back')
                assert 'last@far.test' not in str(second.messages) and seen >= 1
