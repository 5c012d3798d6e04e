"""Delivery status notifications, section by section of RFC 3461 (with 3464, 6522 and 6533), each
read by the strict reader of dsn.py."""
import itertools
import re
import smtplib

import pytest

from dsn import Dsn
from peers import Sink, wait_until

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
trusted {{ 127.0.0.1/32 }}
domain example.test {{ deliver maildir }}
route main {{ host 127.0.0.1:{main} }}
default_route main
'''
QUEUE = 'queue {{ retry_first 1s; retry_max 1s; gather 1s }}\n'
WITH_DSN = ('sink.test', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'SIZE')
WITHOUT = ('sink.test', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE')
BARE = ('sink.test', 'PIPELINING', 'DSN')
TEXT = b'Subject: news\r\nMessage-ID: <1@example.test>\r\n\r\nthe body\r\n'
ANN = 'ann@example.test'

NOTIFY = ['', 'NEVER', 'SUCCESS', 'FAILURE', 'DELAY', 'SUCCESS,FAILURE', 'FAILURE,DELAY',
          'SUCCESS,DELAY', 'SUCCESS,FAILURE,DELAY', 'success,Failure']

# What the sender hears of a recipient, by what happens to it: for each event the words of NOTIFY
# that ask for it, and whether it is told without any NOTIFY.
EVENTS = {
    'passed on': (None, set(), False),              # 5.2.1: the next server tells
    'relayed': ('relayed', {'SUCCESS'}, False),     # 5.2.2 (b), (e)
    'refused': ('failed', {'FAILURE'}, True),       # 5.2.2 (c), (d), (f), 5.2.6
    'delivered': ('delivered', {'SUCCESS'}, False),  # 5.2.3
    'delayed': ('delayed', {'DELAY'}, True),        # 5.2.5
}


def told(event, notify):
    action, words, without = EVENTS[event]
    given = set(notify.upper().split(',')) - {''}
    return action if (words & given if given else without) else None


def answer(rcpt):
    if '<no' in rcpt or '<gone' in rcpt:
        return '550 5.1.1 nobody here'
    return '450 4.7.1 come back later' if '<later' in rcpt else '250 2.1.5 ok'


def dsns(server, address=ANN):
    return [Dsn(re.sub(rb'^(Return-Path|Delivered-To|Received): .*?\n(?=\S)', b'',
                       b'%s' % mail, flags=re.S | re.M).replace(b'\n', b'\r\n'))
            for mail in server.mail(address) if b'multipart/report' in mail]


def actions(server, address=ANN):
    found = {}
    for one in dsns(server, address):
        for recipient, action in one.actions().items():
            assert recipient not in found, f'{recipient} is told twice'
            found[recipient] = action
    return found


def send(server, recipients, sender=ANN, options='', text=TEXT):
    """recipients: (address, parameters) pairs."""
    with smtplib.SMTP('127.0.0.1', server.port(), local_hostname='me.test') as client:
        client.ehlo()
        client.command_encoding = 'utf-8'
        assert client.docmd(f'MAIL FROM:<{sender}>{options}')[0] == 250
        for address, parameters in recipients:
            code, reply = client.docmd(f'RCPT TO:<{address}>{parameters}')
            assert code == 250, reply
        assert client.data(text)[0] == 250


@pytest.fixture
def server(make_server):
    server = make_server(CONF + QUEUE)
    server.account(ANN)
    return server


@pytest.mark.parametrize('extensions, ok', [(WITH_DSN, 'passed on'), (WITHOUT, 'relayed')],
                         ids=['peer with DSN', 'peer without DSN'])
def test_relay(server, extensions, ok):
    """5.2.1, 5.2.2, 5.2.6: one message, every NOTIFY, taken and refused."""
    events = {'yes': ok, 'no': 'refused'}
    recipients = {f'{name}-{i}@far.test': (events[name], notify)
                  for name, (i, notify) in itertools.product(events, enumerate(NOTIFY))}
    with Sink(port=server.port('main'), extensions=extensions, answer=answer) as sink:
        send(server, [(address, f' NOTIFY={notify}' if notify else '')
                      for address, (_, notify) in recipients.items()])
        server.wait_for_empty_queue()
        lines = [line for _, rcpts, _ in sink.messages for line in rcpts]
    for address, (event, notify) in recipients.items():
        if event == 'passed on':  # 5.2.1 (c): as it was given, or not at all
            [line] = [line for line in lines if f'<{address}>' in line]
            given = re.search(r' NOTIFY=(\S+)', line)
            assert set(given.group(1).split(',')) == set(notify.upper().split(',')) if notify \
                else not given
    if extensions == WITHOUT:  # 5.2.2 (a)
        assert not re.search('NOTIFY|ORCPT|ENVID|RET=', ' '.join(lines + [sink.messages[0][0]]))
    want = {address: told(event, notify) for address, (event, notify) in recipients.items()}
    assert actions(server) == {address: action for address, action in want.items() if action}


def test_local_delivery(server):
    """5.2.3, and 5.2.8: nothing about those who did not ask."""
    for i, _ in enumerate(NOTIFY):
        server.account(f'u{i}@example.test')
    send(server, [(f'u{i}@example.test', f' NOTIFY={notify}' if notify else '')
                  for i, notify in enumerate(NOTIFY)])
    server.wait_for_empty_queue()
    want = {f'u{i}@example.test': told('delivered', notify) for i, notify in enumerate(NOTIFY)}
    assert actions(server) == {address: action for address, action in want.items() if action}
    assert all(one.returned_type == 'text/rfc822-headers' for one in dsns(server))  # 4.3


def test_delay(make_server):
    """5.2.5, and 6.3 (h), (i) of what a server has said."""
    server = make_server(CONF + QUEUE.replace('gather', 'warn_after 2s; gather'))
    server.account(ANN)
    with Sink(port=server.port('main'), answer=answer):
        send(server, [(f'later-{i}@far.test', f' NOTIFY={notify}' if notify else '')
                      for i, notify in enumerate(NOTIFY)])
        want = {f'later-{i}@far.test': told('delayed', notify) for i, notify in enumerate(NOTIFY)}
        want = {address: action for address, action in want.items() if action}
        wait_until(lambda: actions(server) == want, what='the delay told')
        server.run('queue', 'remove', '--all')
        server.wait_for_empty_queue()
    assert actions(server) == want, 'told once'
    one = dsns(server)[0]
    for found in one.recipients:
        assert found['diagnostic-code'] == 'smtp; 450 4.7.1 come back later'
        assert found['remote-mta'] == 'dns; 127.0.0.1' or found['remote-mta'].startswith('dns;')
        assert found['will-retry-until']


@pytest.mark.parametrize('ret, returned', [
    ('', 'message/rfc822'), (' RET=FULL', 'message/rfc822'), (' RET=HDRS', 'text/rfc822-headers')])
def test_fields_of_a_failure(server, ret, returned):
    """4.3, 4.4, 6.1, 6.2, 6.3."""
    with Sink(port=server.port('main'), answer=answer) as sink:
        send(server, [('no@far.test', ' ORCPT=rfc822;old+2B1@else.test'), ('no-2@far.test', '')],
             options=f'{ret} ENVID=QQ+2B314159')
        server.wait_for_empty_queue()
        assert not sink.messages
    [one] = dsns(server)
    assert one.returned_type == returned
    assert (b'the body' in one.returned) == (returned == 'message/rfc822')
    assert b'Message-ID: <1@example.test>' in one.returned
    assert one.message['original-envelope-id'] == 'QQ+314159'
    assert one.message['reporting-mta'] == 'dns; mx.nuncio.test'
    first, second = one.of('no@far.test'), one.of('no-2@far.test')
    assert first['original-recipient'] == 'rfc822; old+1@else.test' or \
        first['original-recipient'] == 'rfc822;old+1@else.test'
    assert 'original-recipient' not in second  # 6.3 (d): MUST NOT
    for found in (first, second):
        assert (found['action'], found['status']) == ('failed', '5.1.1')
        assert found['diagnostic-code'].startswith('smtp; 550 5.1.1 nobody here')
        assert found['remote-mta'] == 'dns; 127.0.0.1' or found['remote-mta'] == 'dns; [127.0.0.1]'
    assert one.top['To'] == ANN and 'MAILER-DAEMON@mx.nuncio.test' in one.top['From']
    assert server.mail(ANN)[0].startswith(b'Return-Path: <>')


def test_without_envid_there_is_none(server):
    """6.3 (a): MUST NOT."""
    with Sink(port=server.port('main'), answer=answer):
        send(server, [('no@far.test', '')])
        server.wait_for_empty_queue()
    [one] = dsns(server)
    assert 'original-envelope-id' not in one.message


def test_a_large_message_is_not_returned_whole(server):
    """6.2: above a length the header alone, whatever RET says."""
    with Sink(port=server.port('main'), answer=answer):
        send(server, [('no@far.test', '')], options=' RET=FULL', text=TEXT + b'x' * 70 + b'\r\n' +
             (b'y' * 70 + b'\r\n') * 1000)
        server.wait_for_empty_queue()
    [one] = dsns(server)
    assert one.returned_type == 'text/rfc822-headers' and b'yyy' not in one.returned


def test_parameters_are_passed_on_as_they_came(server):
    """5.2.1 (a) to (d): not even the case of letters changes."""
    with Sink(port=server.port('main'), extensions=WITH_DSN) as sink:
        send(server, [('joe@far.test', ' NOTIFY=SUCCESS ORCPT=rfc822;Joe+40Old@Else.TEST'),
                      ('eve@far.test', '')], options=' RET=HDRS ENVID=Abc+3Dd')
        server.wait_for_empty_queue()
        [(mail, rcpts, _)] = sink.messages
    assert ' RET=HDRS' in mail and ' ENVID=Abc+3Dd' in mail
    assert 'RCPT TO:<joe@far.test> NOTIFY=SUCCESS ORCPT=rfc822;Joe+40Old@Else.TEST' in rcpts
    assert 'RCPT TO:<eve@far.test>' in rcpts
    assert dsns(server) == []


def test_an_alias_of_one(server):
    """5.2.7.2: everything goes along, and nothing is told."""
    server.run('alias', 'add', 'one@example.test', 'joe@far.test')
    with Sink(port=server.port('main'), extensions=WITH_DSN) as sink:
        send(server, [('one@example.test', ' NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;one@example.test')],
             options=' RET=FULL ENVID=one')
        server.wait_for_empty_queue()
        [(mail, [rcpt], _)] = sink.messages
    assert ' RET=FULL' in mail and ' ENVID=one' in mail
    assert rcpt == 'RCPT TO:<joe@far.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;one@example.test'
    assert dsns(server) == []


@pytest.mark.parametrize('notify, left, expanded', [
    ('', '', False), (' NOTIFY=NEVER', ' NOTIFY=NEVER', False),
    (' NOTIFY=FAILURE', ' NOTIFY=FAILURE', False),
    (' NOTIFY=SUCCESS,FAILURE', ' NOTIFY=FAILURE', True), (' NOTIFY=SUCCESS', ' NOTIFY=NEVER', True)])
def test_an_alias_of_several(server, notify, left, expanded):
    """5.2.7.3 (c): ENVID, RET and ORCPT go along, NOTIFY without SUCCESS; "expanded" is told when
    it was asked for. NOTIFY=SUCCESS alone leaves nothing that is to be told."""
    server.run('alias', 'add', 'two@example.test', 'joe@far.test', 'eve@far.test')
    with Sink(port=server.port('main'), extensions=WITH_DSN) as sink:
        send(server, [('two@example.test', notify + ' ORCPT=rfc822;two@example.test')],
             options=' RET=HDRS ENVID=two')
        server.wait_for_empty_queue()
        rcpts = sorted(rcpt for _, rcpts, _ in sink.messages for rcpt in rcpts)
        assert ' RET=HDRS' in sink.messages[0][0] and ' ENVID=two' in sink.messages[0][0]
    assert rcpts == [f'RCPT TO:<{name}@far.test>{left} ORCPT=rfc822;two@example.test'
                     for name in ('eve', 'joe')]
    assert actions(server) == ({'two@example.test': 'expanded'} if expanded else {})


def test_a_failure_behind_an_alias_names_who_was_asked_for(server):
    server.run('alias', 'add', 'two@example.test', 'no@far.test', 'eve@far.test')
    with Sink(port=server.port('main'), answer=answer):
        send(server, [('two@example.test', ' ORCPT=rfc822;two@example.test')])
        server.wait_for_empty_queue()
    [one] = dsns(server)
    assert one.of('no@far.test')['original-recipient'].split(';')[1].strip() == 'two@example.test'


@pytest.mark.parametrize('orcpt', ['utf-8;\\x{E4}@else.test', 'utf-8;ä@else.test'])
def test_international_addresses(server, orcpt):
    """RFC 6533 section 4.1: the UTF-8 form in both fields, whichever form ORCPT had."""
    with Sink(port=server.port('main'), answer=answer):
        send(server, [('no-ü@far.test', f' ORCPT={orcpt}')], options=' SMTPUTF8 BODY=8BITMIME',
             text='Subject: grüße\r\n\r\nx\r\n'.encode())
        server.wait_for_empty_queue()
    [one] = dsns(server)
    assert one.status_type == 'message/global-delivery-status'
    assert one.returned_type == 'message/global'
    found = one.of('no-ü@far.test')
    assert re.sub('; *', ';', found['final-recipient']) == 'utf-8;no-ü@far.test'
    assert re.sub('; *', ';', found['original-recipient']) == 'utf-8;ä@else.test'
    assert 'grüße'.encode() in one.returned


def test_an_international_orcpt_goes_in_ascii_where_it_must(server):
    """RFC 6533 section 3, 1: utf-8-addr-xtext to a server without SMTPUTF8."""
    with Sink(port=server.port('main'), extensions=BARE) as sink:
        send(server, [('joe@far.test', ' NOTIFY=FAILURE ORCPT=utf-8;ä@else.test')],
             options=' SMTPUTF8')
        server.wait_for_empty_queue()
        [(_, [rcpt], _)] = sink.messages
    assert rcpt == 'RCPT TO:<joe@far.test> NOTIFY=FAILURE ORCPT=utf-8;\\x{E4}@else.test'


def test_an_international_notification_over_a_7bit_path(server):
    """RFC 6533 section 4.5: encoded, not lost."""
    with Sink(port=server.port('main'), extensions=BARE) as sink:
        send(server, [('ü@far.test', '')], sender='bob@away.test', options=' SMTPUTF8')
        wait_until(lambda: sink.messages, what='the notification')
        mail, _, text = sink.messages[0]
        server.wait_for_empty_queue()
    assert mail.startswith('MAIL FROM:<>') and text.isascii()
    assert b'message/global-delivery-status' in text
    assert re.search(rb'message/global-delivery-status\r\nContent-Transfer-Encoding: '
                     rb'(quoted-printable|base64)', text), text.decode()


def test_the_envelope_of_a_notification(server):
    """6.1: the null reverse-path, no RET; NOTIFY at most NEVER. 5.2: none in answer to one."""
    with Sink(port=server.port('main'), extensions=WITH_DSN, answer=answer) as sink:
        send(server, [('no@far.test', ''), (ANN, ' NOTIFY=SUCCESS')], sender='bob@away.test',
             options=' RET=FULL ENVID=x')
        wait_until(lambda: len(sink.messages) == 2, what='both notifications')
        server.wait_for_empty_queue()
    for mail, rcpts, _ in sink.messages:
        assert mail.startswith('MAIL FROM:<>') and 'RET=' not in mail and 'ENVID=' not in mail
        assert re.fullmatch(r'RCPT TO:<bob@away.test>( NOTIFY=NEVER)?', rcpts[0])


def test_a_bounce_that_cannot_be_delivered_goes_to_the_postmaster_and_is_counted(server):
    with Sink(port=server.port('main'), answer=answer):
        send(server, [('no@far.test', '')], sender='gone@far.test')
        server.wait_for_mail('postmaster')
        server.wait_for_empty_queue()
    assert actions(server, 'postmaster') == {'gone@far.test': 'failed'}
    [stats] = server.json('queue', 'stats')
    assert stats['since_start']['double_bounces'] == 1 and stats['since_start']['bounces'] == 2
    assert 'double_bounces' in server.run('status', '--json').stdout.decode()
    assert 'double_bounces 1' in server.run('queue', 'stats').stdout.decode()


def test_a_storm_of_bounces_is_bounded_and_loses_nothing(make_server):
    """Two an hour: the others' failures wait for the hour's end, and a restart forgets none of
    them. (The sum at the hour's end is tried in virtual time: tests/sim/sim_queue.c.)"""
    server = make_server(CONF + QUEUE.replace('gather 1s', 'gather 1s; bounces_per_sender 2'))
    server.account(ANN)

    def failed():
        return [r for m in server.json('queue', 'list') for r in m['recipients']]
    with Sink(port=server.port('main'), answer=answer):
        for i in range(7):
            send(server, [(f'no-{i}@far.test', '')])
        wait_until(lambda: len(failed()) == 5 and {r['state'] for r in failed()} == {'failed'})
        assert len(dsns(server)) == 2
        server.stop()
        server.start()
        wait_until(lambda: len(dsns(server)) == 4, what='what the new hour allows')
        wait_until(lambda: len(failed()) == 3)
        server.stop()
        server.start()
        wait_until(lambda: len(dsns(server)) == 6)
        server.stop()
        server.start()
        server.wait_for_empty_queue()
    assert sorted(actions(server)) == [f'no-{i}@far.test' for i in range(7)]
