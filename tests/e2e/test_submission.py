"""Submission by one's own users (RFC 6409, RFC 4954): they log in, send as themselves within their
limits, and nobody else sends at all."""
import base64
import contextlib
import os
import re
import signal
import smtplib
import subprocess
import time

import pytest

from session import Client, client_context

CONF = '''
listen submission {{ service submission; address 127.0.0.1:{submission} }}
listen smtps {{ service submission; address 127.0.0.1:{smtps}; tls implicit }}
listen mx {{ service mx; address 127.0.0.1:{mx} }}
listen friends {{ service submission; address 127.0.0.1:{friends}; auth offered; tls offered }}
trusted {{ 127.0.0.9 }}
relay 127.0.0.1:{nobody}
domain example.test {{ deliver maildir }}
domain loose.test {{ deliver maildir; foreign_sender rewrite }}
auth {{ delay 100ms }}
account_limits {{ message_size 1M }}
'''
PASSWORD = 'a correct horse'
JOE, ANN, LEA = 'joe@example.test', 'ann@example.test', 'lea@loose.test'
TEXT = b'From: %s\r\nTo: ann@example.test\r\nSubject: x\r\n\r\nhello\r\n'


@pytest.fixture
def server(make_server):
    server = make_server(CONF)
    for address in JOE, ANN, LEA:
        server.run('account', 'add', address, '--stdin', input=PASSWORD.encode() + b'\n')
    return server


def plain(user, password=PASSWORD):
    return 'AUTH PLAIN ' + base64.b64encode(f'\0{user}\0{password}'.encode()).decode()


def log_in(server, user=JOE):
    client = Client(('127.0.0.1', server.port('smtps')), tls=client_context())
    client.reply()
    client.say('EHLO client.test', '250')
    client.say(plain(user), r'235 2\.7\.0 ')
    return client


def hand_in(client, sender, text, *expected, recipient=ANN):
    client.say(f'MAIL FROM:<{sender}>', r'250 2\.1\.0 ')
    client.say(f'RCPT TO:<{recipient}>', r'250 2\.1\.5 ')
    client.say('DATA', '354')
    return client.say(text + b'\r\n.\r\n', *expected)


def test_python_logs_in_over_starttls_and_sends(server):
    with smtplib.SMTP('127.0.0.1', server.port('submission')) as client:
        client.ehlo()
        assert 'auth' not in client.esmtp_features
        client.starttls(context=client_context())
        client.ehlo()
        assert 'PLAIN' in client.esmtp_features['auth']
        client.login(JOE, PASSWORD)
        client.sendmail(JOE, [ANN], TEXT % JOE.encode())
    [mail] = server.wait_for_mail(ANN)
    assert b'with ESMTPSA' in mail and mail.startswith(b'Return-Path: <joe@example.test>\n')
    assert re.search(r' login .*account=joe@example.test .*mechanism=', server.log())
    assert re.search(r' accepted .*login=joe@example.test mechanism=', server.log())
    assert PASSWORD not in server.log()


@pytest.mark.parametrize('mechanism', ['PLAIN', 'LOGIN'])
@pytest.mark.parametrize('port, tls', [('submission', '--tls'), ('smtps', '--tlsc')])
def test_swaks(server, mechanism, port, tls):
    def swaks(password):
        return subprocess.run(
            ['swaks', '--server', '127.0.0.1', '--port', str(server.port(port)), tls,
             '--auth', mechanism, '--auth-user', JOE, '--auth-password', password,
             '--from', JOE, '--to', ANN], capture_output=True, text=True, timeout=60)
    done = swaks(PASSWORD)
    assert done.returncode == 0, done.stdout
    assert len(server.wait_for_mail(ANN)) == 1
    done = swaks('wrong')
    assert done.returncode == 28 and '535 5.7.8 ' in done.stdout, done.stdout


def test_nothing_without_a_login(server):
    for source in None, '127.0.0.9':
        with Client(('127.0.0.1', server.port('smtps')), source=source,
                    tls=client_context()) as client:
            client.reply()
            client.run([('EHLO client.test', '250'), (f'MAIL FROM:<{JOE}>', r'530 5\.7\.0 '),
                        (plain(JOE, 'wrong'), r'535 5\.7\.8 '),
                        (f'MAIL FROM:<{JOE}>', r'530 5\.7\.0 '), ('AUTH LOGIN', '334 '),
                        ('*', r'501 5\.7\.0 '), ('MAIL FROM:<>', r'530 5\.7\.0 ')])
    for source, code in (None, '530'), ('127.0.0.9', '250'):
        with Client(('127.0.0.1', server.port('friends')), source=source) as client:
            client.reply()
            client.run([('EHLO client.test', '250'), (f'MAIL FROM:<{JOE}>', code)])


def test_senders_are_owned(server):
    server.run('alias', 'add', 'info@example.test', JOE)
    server.run('account', 'grant', JOE, 'add', 'boss@elsewhere.test')
    with log_in(server) as client:
        for sender in (JOE, 'JOE@example.test', 'joe+list@example.test', 'info@example.test',
                       'boss@elsewhere.test', ''):
            client.say(f'MAIL FROM:<{sender}>', r'250 2\.1\.0 ')
            client.say('RSET', '250')
        for sender in ANN, 'ceo@bank.test', 'joe@elsewhere.test', 'joe@sub.example.test':
            client.say(f'MAIL FROM:<{sender}>', r'553 5\.7\.1 ')
        for author in (b'joe@example.test', b'"Info" <info@example.test>, joe@example.test',
                       b'boss@elsewhere.test'):
            hand_in(client, JOE, TEXT % author, r'250 2\.0\.0 ')
        for author in (b'ann@example.test', b'"ceo@bank.test" <joe@example.test>',
                       b'joe@example.test\r\nSender: ann@example.test',
                       b'=?utf-8?q?ceo=40bank.test?= <joe@example.test>'):
            hand_in(client, JOE, TEXT % author, r'550 5\.7\.1 ')
        hand_in(client, JOE, TEXT % b'joe@example.test\r\nFrom: ceo@bank.test', r'550 5\.6\.0 ')
        hand_in(client, '', b'Subject: no author\r\n\r\nx', r'250 2\.0\.0 ')
    mails = server.wait_for_mail(ANN, 4)
    assert sum(b'From: <joe@example.test>' in mail for mail in mails) == 1


def test_senders_are_rewritten_where_the_domain_says_so(server):
    with log_in(server, LEA) as client:
        hand_in(client, 'ceo@bank.test', TEXT % b'CEO <ceo@bank.test>\r\nSender: x@bank.test',
                r'250 2\.0\.0 ')
    [mail] = server.wait_for_mail(ANN)
    assert b'Return-Path: <lea@loose.test>\n' in mail and b'\nSender: <lea@loose.test>\n' in mail
    assert b'x@bank.test' not in mail and b'\nFrom: CEO <ceo@bank.test>\n' in mail


def test_limits_are_the_accounts(server):
    server.run('account', 'limit', JOE, '--size', '2K', '--minute', '2')
    time.sleep(1.5)
    with log_in(server) as client:
        assert client.extensions()['SIZE'] == ['2048']
        client.say(f'MAIL FROM:<{JOE}> SIZE=3000', r'552 5\.3\.4 ')
        hand_in(client, JOE, TEXT % JOE.encode() + b'x' * 3000, r'552 5\.3\.4 ')
        for expected in r'250 2\.0\.0 ', r'250 2\.0\.0 ', r'450 4\.7\.1 ':
            hand_in(client, JOE, TEXT % JOE.encode(), expected)
    server.run('account', 'limit', ANN, '--size', '0')
    with log_in(server, ANN) as client:
        assert int(client.extensions()['SIZE'][0]) > 10 << 20
        hand_in(client, ANN, TEXT % ANN.encode() + b'x' * 3000, r'250 2\.0\.0 ')


def test_responses_that_nobody_asked_for_stand_in_no_log(server):
    """A client that does not wait sends its password behind an AUTH that was refused."""
    with log_in(server) as client:
        client.say('AUTH LOGIN', r'503 5\.5\.1 ')
        client.say('c2VjcmV0LW9uZQ==', r'500 5\.5\.2 ')
    with Client(('127.0.0.1', server.port('mx'))) as client:
        client.reply()
        client.say('EHLO client.test', '250')
        client.say('AUTH LOGIN', r'502 5\.5\.1 ')
        client.say('c2VjcmV0LXR3bw==', r'500 5\.5\.2 ')
        client.say('XYZZY', r'500 5\.5\.2 ')
    assert 'not shown' in server.log() and 'c2VjcmV0' not in server.log()


def test_a_frozen_account_is_heard_and_held(server):
    with log_in(server) as client:
        hand_in(client, JOE, TEXT % JOE.encode(), r'250 2\.0\.0 ')
        server.wait_for_mail(ANN)
        server.run('account', 'freeze', JOE)
        time.sleep(1.5)
        hand_in(client, JOE, TEXT % JOE.encode(), r'250 2\.0\.0 ')
    time.sleep(1)
    assert len(server.mail(ANN)) == 1 and len(server.queue_ids()) == 1
    server.run('account', 'thaw', JOE)
    server.run('queue', 'release', '--sender', JOE)
    assert len(server.wait_for_mail(ANN, 2)) == 2


def test_guesses_under_way_hold_up_nobody_and_end_with_auth(server):
    server.may_die = True
    with log_in(server) as client, contextlib.ExitStack() as stack:
        guessers = [stack.enter_context(Client(('127.0.0.1', server.port('smtps')),
                                               tls=client_context())) for _ in range(20)]
        for guesser in guessers:
            guesser.reply()
            guesser.say('EHLO client.test', '250')
        for guesser in guessers:
            guesser.socket.sendall(plain(ANN, 'wrong').encode() + b'\r\n')
        began = time.monotonic()
        hand_in(client, JOE, TEXT % JOE.encode(), r'250 2\.0\.0 ')
        assert time.monotonic() - began < 2
        os.kill(server.role_pid('auth'), signal.SIGKILL)
        replies = [guesser.reply() for guesser in guessers]
        assert all(re.match(r'(454 4\.7\.0|535 5\.7\.8) ', reply) for reply in replies)
        assert any(reply.startswith('454') for reply in replies)


def test_auth_goes_and_comes_back(server):
    server.may_die = True
    with log_in(server) as client:
        os.kill(server.role_pid('auth'), signal.SIGKILL)
        with Client(('127.0.0.1', server.port('smtps')), tls=client_context()) as other:
            other.reply()
            other.say('EHLO client.test', '250')
            reply = other.say(plain(ANN), '(454 4\\.7\\.0|235 2\\.7\\.0) ')
            for _ in range(50):
                if reply.startswith('235'):
                    break
                time.sleep(0.2)
                reply = other.say(plain(ANN), '(454 4\\.7\\.0|235 2\\.7\\.0) ')
            assert reply.startswith('235')
        hand_in(client, JOE, TEXT % JOE.encode(), r'250 2\.0\.0 ')
