"""Mail sent by the programs that people use, and delivered to a Maildir."""
import email
import shutil
import smtplib
import subprocess

import pytest

BOX = '''
listen mx {{ service mx; address 127.0.0.1:{mx}; address [::1]:{mx} }}
domain example.test {{ deliver maildir }}
'''


@pytest.fixture
def server(make_server):
    server = make_server(BOX)
    server.account('joe@example.test')
    return server


def run(server, *argv, input=None, cwd=None):
    if not shutil.which(argv[0]):
        pytest.skip(f'{argv[0]} is not installed')
    done = subprocess.run(argv, input=input, capture_output=True, timeout=60, cwd=cwd,
                          env={**server.environment, 'HOME': str(server.folder)})
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def only_mail(server):
    [text] = server.wait_for_mail('joe@example.test')
    assert text.startswith(b'Return-Path: <'), text[:200]
    assert b'\r' not in text
    return email.message_from_bytes(text)


def test_swaks(server):
    run(server, 'swaks', '--server', f'127.0.0.1:{server.port()}', '--from', 'ann@else.test',
        '--to', 'joe@example.test', '--header', 'Subject: by swaks')
    mail = only_mail(server)
    assert mail['Subject'] == 'by swaks'
    assert mail['Return-Path'] == '<ann@else.test>'
    assert mail['Delivered-To'] == 'joe@example.test'
    assert 'mx.nuncio.test' in mail['Received'] and 'ESMTP' in mail['Received']


def test_swaks_pipelined(server):
    run(server, 'swaks', '--server', f'127.0.0.1:{server.port()}', '--pipeline', '--from',
        'ann@else.test', '--to', 'joe@example.test')
    only_mail(server)


def test_curl(server):
    (server.folder / 'mail.txt').write_bytes(b'Subject: by curl\r\n\r\nhello\r\n')
    run(server, 'curl', '-sS', f'smtp://127.0.0.1:{server.port()}/client.test', '--mail-from',
        'ann@else.test', '--mail-rcpt', 'joe@example.test', '-T', str(server.folder / 'mail.txt'))
    assert only_mail(server)['Subject'] == 'by curl'


def test_msmtp(server):
    run(server, 'msmtp', '--host=127.0.0.1', f'--port={server.port()}', '--from=ann@else.test',
        '--tls=off', '--auth=off', 'joe@example.test', input=b'Subject: by msmtp\n\nhello\n')
    assert only_mail(server)['Subject'] == 'by msmtp'


def test_git_send_email(server):
    repository = server.folder / 'repository'
    run(server, 'git', 'init', '-q', str(repository))
    (repository / '0001.patch').write_text(
        'From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n'
        'From: Ann <ann@else.test>\nDate: Mon, 2 Nov 2026 10:00:00 +0000\n'
        'Subject: [PATCH] by git\n\ntext\n')
    for name, value in (('user.name', 'Ann'), ('user.email', 'ann@else.test')):
        run(server, 'git', '-C', str(repository), 'config', name, value)
    run(server, 'git', 'send-email', '--quiet', '--confirm=never', '--from=Ann <ann@else.test>',
        '--to=joe@example.test', '--smtp-server=127.0.0.1', f'--smtp-server-port={server.port()}',
        '--suppress-cc=all', '0001.patch', cwd=repository)
    assert only_mail(server)['Subject'] == '[PATCH] by git'


def test_smtplib_over_ipv6_with_utf8(server):
    try:
        client = smtplib.SMTP('::1', server.port())
    except OSError:
        pytest.skip('no IPv6 here')
    client.ehlo('client.test')
    client.sendmail('grüße@else.test', ['joe@example.test'],
                    'Subject: Grüße\r\n\r\nähm\r\n'.encode(),
                    mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
    client.quit()
    [text] = server.wait_for_mail('joe@example.test')
    assert 'Subject: Grüße\n'.encode() in text
    assert b'UTF8SMTP' in text and '<grüße@else.test>'.encode() in text


def test_sendmail_t_with_the_server_running(server):
    text = (b'To: Joe <joe@example.test>\nBcc: someone@example.test, joe@example.test\n'
            b'Subject: by sendmail\n\nhello\n.\nnot the end\n')
    server.run('sendmail', '-t', '-i', '-f', 'ann@else.test', input=text)
    mail = only_mail(server)
    assert mail['Subject'] == 'by sendmail'
    assert mail['Bcc'] is None
    assert mail['Date'] and mail['Message-ID'] and mail['From']
    assert 'not the end' in mail.get_payload()


def test_sendmail_while_the_server_is_down(server):
    server.stop()
    server.run('sendmail', '-i', 'joe@example.test', input=b'Subject: while down\n\nhello\n')
    assert server.mail('joe@example.test') == []
    server.start()
    assert only_mail(server)['Subject'] == 'while down'


def test_sendmail_bs_speaks_smtp(server):
    done = server.run('sendmail', '-bs', input=(
        b'EHLO me\r\nMAIL FROM:<ann@else.test>\r\nRCPT TO:<joe@example.test>\r\nDATA\r\n'
        b'Subject: by -bs\r\n\r\n..dot\r\n.\r\nQUIT\r\n'))
    assert [line[:3] for line in done.stdout.splitlines() if line[3:4] != b'-'] == [
        b'220', b'250', b'250', b'250', b'354', b'250', b'221']
    mail = only_mail(server)
    assert mail['Subject'] == 'by -bs' and mail.get_payload() == '.dot\n'


def test_sendmail_bv_bp_and_q(server):
    done = server.run('sendmail', '-bv', 'joe@example.test', 'ann@nowhere.test', check=False)
    assert done.returncode == 68
    assert done.stdout.splitlines() == [b'joe@example.test: a domain of ours',
                                        b'ann@nowhere.test: there is no route to this domain']
    assert server.run('sendmail', '-bp').stdout == server.run('mailq').stdout
    assert server.run('sendmail', '-q').stdout == b''


def test_nuncio_send_tells_of_tls(server):
    done = server.run('send', f'127.0.0.1:{server.port()}', '--tls', 'starttls', '--to',
                      'joe@example.test')
    assert b'C: STARTTLS' in done.stdout and b'TLS: TLSv1.3 ' in done.stdout
    only_mail(server)
    done = server.run('send', f'127.0.0.1:{server.port()}', '--tls', 'starttls', '--verify', '--to',
                      'joe@example.test', check=False)
    assert done.returncode == 75 and b'no delivery without TLS (verify)' in done.stdout


def test_nuncio_send(server):
    (server.folder / 'm.eml').write_bytes(b'Subject: by nuncio\r\n\r\n.dot\r\n')
    done = server.run('send', f'127.0.0.1:{server.port()}', '--from', 'ann@else.test', '--to',
                      'joe@example.test', '--data', server.folder / 'm.eml')
    assert b'250' in done.stdout
    mail = only_mail(server)
    assert mail.get_payload() == '.dot\n'
