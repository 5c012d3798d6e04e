"""Postfix and OpenSMTPD as next and previous servers; what goes to whom, and what comes back."""
import email
import smtplib

import pytest

import peers
from peers import OpenSMTPD, Postfix, Sink, wait_until

RELAY = '''
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain example.test {{{{ deliver maildir }}}}
relay 127.0.0.1:{port}
queue {{{{ retry_first 1s; retry_max 2s; gather 1s }}}}
'''
needs = pytest.mark.skipif


@needs(not peers.available('postfix'), reason='needs root and Postfix')
def test_postfix_is_the_next_and_the_previous_server(make_server, folder):
    with Sink() as sink, \
            Postfix(folder / 'postfix', {'relayhost': f'[127.0.0.1]:{sink.port}'}) as postfix:
        server = make_server(RELAY.format(port=postfix.port))
        server.account('joe@example.test')
        server.send('joe@example.test', ['away@far.test'], b'Subject: out\r\n\r\n.dots\r\n..\r\n')
        wait_until(lambda: sink.messages, what='the message through Postfix')
        assert sink.messages[0][2].endswith(b'\r\n\r\n.dots\r\n..\r\n')
        server.wait_for_empty_queue()
        log = postfix.mail_log()
        assert 'commands=' in log and 'non-SMTP' not in log, log
    with Postfix(folder / 'postfix2', {'relayhost': f'[127.0.0.1]:{server.port()}'}) as postfix:
        with smtplib.SMTP('127.0.0.1', postfix.port) as client:
            client.sendmail('away@far.test', ['joe@example.test'], b'Subject: in\r\n\r\nhello\r\n')
        [text] = server.wait_for_mail('joe@example.test')
        assert b'postfix.test' in text


@needs(not peers.available('opensmtpd'), reason='needs root and OpenSMTPD')
def test_opensmtpd_is_the_next_and_the_previous_server(make_server, folder):
    with Sink() as sink:
        config = f'action "out" relay host smtp://127.0.0.1:{sink.port}\nmatch from any for any action "out"\n'
        with OpenSMTPD(folder / 'opensmtpd', config) as opensmtpd:
            server = make_server(RELAY.format(port=opensmtpd.port))
            server.account('joe@example.test')
            server.send('joe@example.test', ['away@far.test'], b'Subject: out\r\n\r\nhello\r\n')
            wait_until(lambda: sink.messages, what='the message through OpenSMTPD')
            server.wait_for_empty_queue()
    config = f'action "out" relay host smtp://127.0.0.1:{server.port()}\nmatch from any for any action "out"\n'
    with OpenSMTPD(folder / 'opensmtpd2', config) as opensmtpd:
        with smtplib.SMTP('127.0.0.1', opensmtpd.port) as client:
            client.sendmail('away@far.test', ['joe@example.test'],
                            b'From: a@far.test\r\nSubject: in\r\n\r\nhello\r\n')
        server.wait_for_mail('joe@example.test')


def test_a_thousand_recipients_go_in_few_transactions_and_one_bounces_alone(make_server):
    def answer(rcpt):
        return '550 5.1.1 no such user here' if 'r500@' in rcpt else '250 2.1.5 ok'
    with Sink(answer=answer) as sink:
        server = make_server(RELAY.format(port=sink.port))
        server.account('joe@example.test')
        with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='client.test') as client:
            client.sendmail('joe@example.test', [f'r{i}@far.test' for i in range(1000)],
                            b'Subject: many\r\n\r\nhello\r\n')
        [bounce] = server.wait_for_mail('joe@example.test')
        server.wait_for_empty_queue()
        assert sum(len(message[1]) for message in sink.messages) == 999
        assert len(sink.messages) == 10
        report = email.message_from_bytes(bounce)
        assert report.get_content_type() == 'multipart/report'
        status = report.get_payload()[1].as_string()
        assert status.count('Final-Recipient') == 1 and 'r500@far.test' in status
        assert 'Status: 5.1.1' in status and '550 5.1.1 no such user here' in status


def test_refused_for_now_is_tried_again(make_server):
    seen = []

    def answer(rcpt):
        seen.append(rcpt)
        return '450 4.2.0 later, please' if len(seen) == 1 else '250 2.1.5 ok'
    with Sink(answer=answer) as sink:
        server = make_server(RELAY.format(port=sink.port))
        server.account('joe@example.test')
        server.send('joe@example.test', ['a@far.test'], b'Subject: x\r\n\r\nhello\r\n')
        wait_until(lambda: sink.messages, what='the second attempt')
        server.wait_for_empty_queue()
        assert server.mail('joe@example.test') == []


def test_eight_bit_for_a_peer_without_it_is_encoded(make_server):
    with Sink(extensions=('sink.test', 'PIPELINING')) as sink:
        server = make_server(RELAY.format(port=sink.port))
        server.account('joe@example.test')
        text = ('MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
                'Content-Transfer-Encoding: 8bit\r\nSubject: x\r\n\r\nGrüße\r\n').encode()
        server.send('joe@example.test', ['a@far.test'], text, options=['BODY=8BITMIME'])
        wait_until(lambda: sink.messages, what='the message')
        got = sink.messages[0][2]
        assert max(got) < 128
        assert email.message_from_bytes(got).get_payload(decode=True).decode() == 'Grüße\r\n'


def test_utf8_address_for_a_peer_without_smtputf8_bounces(make_server):
    with Sink(extensions=('sink.test', '8BITMIME')) as sink:
        server = make_server(RELAY.format(port=sink.port))
        server.account('joe@example.test')
        server.send('joe@example.test', ['jürgen@far.test'], b'Subject: x\r\n\r\nhello\r\n',
                    options=['SMTPUTF8'])
        [bounce] = server.wait_for_mail('joe@example.test')
        assert b'5.6.7' in bounce
        assert sink.messages == []


def test_success_is_told_when_asked_and_the_peer_cannot(make_server):
    with Sink(extensions=('sink.test', 'PIPELINING')) as sink:
        server = make_server(RELAY.format(port=sink.port))
        server.account('joe@example.test')
        with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='client.test') as client:
            client.sendmail('joe@example.test', ['a@far.test'], b'Subject: x\r\n\r\nhello\r\n',
                            mail_options=['RET=HDRS', 'ENVID=QQ314'],
                            rcpt_options=['NOTIFY=SUCCESS,FAILURE', 'ORCPT=rfc822;a@far.test'])
        [report] = server.wait_for_mail('joe@example.test')
        assert b'Action: relayed' in report and b'Original-Envelope-Id: QQ314' in report
        assert len(sink.messages) == 1


def test_notify_never_is_kept(make_server):
    with Sink(answer=lambda rcpt: '550 5.1.1 no') as sink:
        server = make_server(RELAY.format(port=sink.port))
        server.account('joe@example.test')
        with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='client.test') as client:
            client.sendmail('joe@example.test', ['a@far.test'], b'Subject: x\r\n\r\nhello\r\n',
                            rcpt_options=['NOTIFY=NEVER'])
        server.wait_for_empty_queue()
        assert server.mail('joe@example.test') == []


def test_a_bounce_that_cannot_be_delivered_goes_to_the_postmaster(make_server):
    with Sink(answer=lambda rcpt: '550 5.1.1 no') as sink:
        server = make_server(RELAY.format(port=sink.port))
        server.send('nobody@elsewhere.test', ['a@far.test'], b'Subject: x\r\n\r\nhello\r\n')
        [text] = server.wait_for_mail('postmaster')
        assert b'nobody@elsewhere.test' in text
        server.wait_for_empty_queue()
