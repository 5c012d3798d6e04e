"""MT-PRIORITY (RFC 6710) from the door to the next server, and who overtakes whom."""
import re
import smtplib
import time

import pytest

from peers import Sink, wait_until

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
listen submission {{ service submission; address 127.0.0.1:{submission}; tls off; auth offered;
    insecure_auth yes }}
domain example.test {{ deliver maildir }}
route main {{ host 127.0.0.1:{main}; concurrency 1 }}
default_route main
queue {{ retry_first 1h; retry_max 2h; gather 1s }}
'''
TRUST = 'trusted {{ 127.0.0.1/32 }}\n'
OFFERS = ('sink.test', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'SIZE', 'MT-PRIORITY MIXER')
TEXT = b'Subject: p\r\n\r\nx\r\n'


def ehlo(server, port='mx'):
    with smtplib.SMTP('127.0.0.1', server.port(port)) as client:
        client.ehlo('me.test')
        return client.esmtp_features


def test_offered_to_those_whose_priority_may_count(make_server):
    server = make_server(CONF)
    assert 'mt-priority' not in ehlo(server)
    assert 'mt-priority' in ehlo(server, 'submission')
    server.configure(CONF + TRUST)
    server.run('reload')
    wait_until(lambda: 'mt-priority' in ehlo(server))


# Section 4.1: what MAIL says, what the reply is, what stands in the Received field and goes on.
@pytest.mark.parametrize('asked, reply, granted', [
    ('', rb'2\.1\.0 ', 0),
    (' MT-PRIORITY=0', rb'2\.1\.0 ', 0),
    (' MT-PRIORITY=3', rb'2\.1\.0 ', 3),
    (' mt-priority=-9', rb'2\.1\.0 ', -9),
    (' MT-PRIORITY=9', rb'2\.3\.6 3 ', 3)])
def test_a_priority_is_granted_kept_and_passed_on(make_server, asked, reply, granted):
    server = make_server(CONF + TRUST)
    with Sink(port=server.port('main'), extensions=OFFERS) as sink:
        with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='me.test') as client:
            client.ehlo()
            code, text = client.docmd('MAIL FROM:<ann@example.test>' + asked)
            assert code == 250 and re.match(reply, text)
            client.docmd('RCPT TO:<joe@far.test>')
            client.data(TEXT)
        wait_until(lambda: sink.messages, what='the message')
        assert sink.messages[0][0].endswith(f' MT-PRIORITY={granted}')
        clause = re.search(rb'\r\n\tPRIORITY (-?\d)', sink.messages[0][2])
        assert int(clause.group(1)) == granted if granted else not clause
    assert re.search(rf'accepted .*priority={granted}\b', server.log())


def test_a_server_that_does_not_offer_it_is_told_nothing(make_server):
    server = make_server(CONF + TRUST)
    with Sink(port=server.port('main')) as sink:
        server.send('ann@example.test', ['joe@far.test'], TEXT, options=['MT-PRIORITY=2'])
        wait_until(lambda: sink.messages, what='the message')
        assert 'PRIORITY' not in sink.messages[0][0]
        assert b'MT-Priority' not in sink.messages[0][2]


@pytest.mark.parametrize('asked, reply', [(9, '2.3.6 0 '), (1, '2.3.6 0 '), (-2, '2.1.0 ')])
def test_a_stranger_raises_nothing(make_server, asked, reply):
    server = make_server(CONF)
    with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='me.test') as client:
        client.ehlo()
        code, text = client.docmd(f'MAIL FROM:<a@far.test> MT-PRIORITY={asked}')
        assert code == 250 and text.decode().startswith(reply)


@pytest.mark.parametrize('value', ['10', '-10', '+1', '01', '-0', '', 'high', '1 MT-PRIORITY=1'])
def test_a_bad_value_is_refused(make_server, value):
    server = make_server(CONF)
    with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='me.test') as client:
        client.ehlo()
        assert client.docmd(f'MAIL FROM:<a@far.test> MT-PRIORITY={value}')[0] == 501


def test_who_has_logged_in_may_raise_it(make_server):
    server = make_server(CONF)
    server.account('ann@example.test', password='secret words')
    with Sink(port=server.port('main'), extensions=OFFERS) as sink:
        with smtplib.SMTP('127.0.0.1', server.port('submission')) as client:
            client.login('ann@example.test', 'secret words')
            client.sendmail('ann@example.test', ['joe@far.test'],
                            b'From: ann@example.test\r\n' + TEXT, mail_options=['MT-PRIORITY=2'])
        wait_until(lambda: sink.messages, what='the message')
        assert ' MT-PRIORITY=2' in sink.messages[0][0]


def test_a_notification_has_the_priority_of_its_message(make_server):
    """Section 4.6."""
    server = make_server(CONF + TRUST)
    with Sink(port=server.port('main'), extensions=OFFERS,
              answer=lambda rcpt: '550 5.1.1 nobody' if 'joe' in rcpt else '250 2.1.5 ok') as sink:
        server.send('ann@away.test', ['joe@far.test'], TEXT, options=['MT-PRIORITY=2'])
        wait_until(lambda: sink.messages, what='the bounce')
        assert sink.messages[0][0].startswith('MAIL FROM:<>')
        assert ' MT-PRIORITY=2' in sink.messages[0][0]


def test_urgent_mail_overtakes(make_server):
    """Forty bulky messages of one sender wait for a slow server; what is urgent goes before them,
    and what is not goes after them."""
    def slow(rcpt):
        time.sleep(0.1)
        return '250 2.1.5 ok'
    server = make_server(CONF + TRUST)
    server.run('queue', 'suspend', '--lane', 'main')
    with Sink(port=server.port('main'), answer=slow) as sink:
        for i in range(10):
            server.send('bulk@example.test', [f'low{i}@far.test'], TEXT, options=['MT-PRIORITY=-4'])
        for i in range(40):
            server.send('bulk@example.test', [f'bulk{i}@far.test'], TEXT)
        server.send('bulk@example.test', ['urgent@far.test'], TEXT, options=['MT-PRIORITY=3'])
        wait_until(lambda: len(server.json('queue', 'list', '--is', 'suspended')) == 51)
        server.run('queue', 'resume', '--all')
        wait_until(lambda: len(sink.messages) == 51, 60)
        order = [message[1][0].split('<')[1].split('@')[0] for message in sink.messages]
    assert order.index('urgent') < 10, order
    ends = [name for name in order[-10:] if name.startswith('low')]
    assert len(ends) >= 8, order
