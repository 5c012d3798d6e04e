"""Aliases, forwarding, catch-all, domain aliases, subaddresses, programs."""
import email
import os
import re
import smtplib

import pytest

from peers import Sink, wait_until

LOCAL = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir; catch_all rest@example.test }}
domain old.test {{ alias_of example.test }}
domain strict.test {{ deliver maildir }}
queue {{ retry_first 1s; retry_max 2s; gather 1s }}
'''
HELLO = b'Subject: x\r\n\r\nhello\r\n'


@pytest.fixture
def server(make_server):
    server = make_server(LOCAL)
    for name in ('joe', 'ann', 'rest'):
        server.account(f'{name}@example.test')
    server.account('joe@strict.test')
    return server


def test_subaddress_case_and_domain_alias_reach_the_same_mailbox(server):
    addresses = ['joe@example.test', 'JOE+list@example.test', 'Joe@OLD.test']
    for address in addresses:
        server.send('a@else.test', [address], HELLO)
    mails = server.wait_for_mail('joe@example.test', 3)
    delivered_to = {email.message_from_bytes(mail)['Delivered-To'] for mail in mails}
    assert delivered_to == set(addresses)


def test_catch_all_takes_the_rest_and_strict_refuses_it(server):
    server.send('a@else.test', ['whoever@example.test'], HELLO)
    server.wait_for_mail('rest@example.test')
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        server.send('a@else.test', ['whoever@strict.test'], HELLO)
    code, text = refused.value.recipients['whoever@strict.test']
    assert code == 550 and b'5.1.1' in text


def test_alias_to_several_and_to_another_domain(make_server):
    with Sink() as sink:
        server = make_server(LOCAL + f'relay 127.0.0.1:{sink.port}\n')
        for name in ('joe', 'ann', 'rest'):
            server.account(f'{name}@example.test')
        server.run('alias', 'add', 'team@example.test', 'joe@example.test', 'ann@example.test',
                   'far@away.test')
        server.send('a@else.test', ['team@example.test'], HELLO)
        server.wait_for_mail('joe@example.test')
        server.wait_for_mail('ann@example.test')
        wait_until(lambda: sink.messages, what='the forwarded copy')
        sender, recipients, text = sink.messages[0]
        assert recipients[0].startswith('RCPT TO:<far@away.test>')
        assert b'Delivered-To: team@example.test' in text
        server.wait_for_empty_queue()
        # Whoever looks for an address in the log finds what became of it.
        for event, address in (('expanded', 'team@example.test'), ('delivered', 'joe@example.test'),
                               ('delivered', 'ann@example.test'), ('delivered', 'far@away.test')):
            assert re.search(rf' queue {event} .*\bto={address} ', server.log()), (event, address)


def test_alias_loop_bounces_once(server):
    server.run('alias', 'add', 'a@strict.test', 'b@strict.test')
    server.run('alias', 'add', 'b@strict.test', 'a@strict.test')
    server.send('joe@strict.test', ['a@strict.test'], HELLO)
    [bounce] = server.wait_for_mail('joe@strict.test')
    assert b'5.4.6' in bounce
    server.wait_for_empty_queue()
    assert re.search(r' queue refused .*\bto=[ab]@strict.test .*why=', server.log()), server.log()


def test_postmaster_is_always_there(server):
    server.send('', ['postmaster@strict.test'], HELLO)
    server.wait_for_mail('postmaster')
    server.send('', ['postmaster'], HELLO)
    server.wait_for_mail('rest@example.test')  # the first domain has somebody for the rest


def test_mail_for_the_host_itself_is_ours(make_server):
    server = make_server('''
        listen mx {{ service mx; address 127.0.0.1:{mx} }}
        domain strict.test {{ deliver maildir }}
    ''')
    server.account('joe@strict.test')
    server.send('', ['postmaster@mx.nuncio.test'], HELLO)
    server.wait_for_mail('postmaster')
    server.send('', ['joe@[127.0.0.1]'], HELLO)
    server.wait_for_mail('joe@strict.test')
    for other in ('joe@mx.nuncio.test', 'joe@[127.0.0.2]', 'nobody@[127.0.0.1]'):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            server.send('', [other], HELLO)


def test_strangers_cannot_relay(server):
    for recipient in ('a@far.test', 'a%far.test@else.test', '@example.test:a@far.test'):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            server.send('joe@example.test', [recipient], HELLO)
        assert list(refused.value.recipients.values())[0][0] == 550


PROGRAM = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
domain fax.test {{ deliver program fax; recipients any }}
program fax {{ command "/bin/sh" "{folder}/fax.sh"; user USER; timeout 5s }}
queue {{ retry_first 1s; retry_max 1s; gather 1s }}
'''


def program_server(make_server, folder, script):
    user = 'nuncio-program-test' if os.getuid() == 0 else os.environ.get('USER', 'nobody')
    if os.getuid() == 0:
        import subprocess
        subprocess.run(['useradd', '--no-create-home', '--home', '/nonexistent', user],
                       capture_output=True)
    out = folder / 'out'
    out.mkdir()
    out.chmod(0o777)
    server = make_server(PROGRAM.replace('USER', user), start=False)
    (server.folder / 'fax.sh').write_text(script.format(out=out))
    server.start()
    server.account('joe@example.test')
    return server, out


def test_program_gets_the_text_and_the_envelope(make_server, folder):
    server, out = program_server(
        make_server, folder, 'cat >{out}/$RECIPIENT; echo "$SENDER" >{out}/sender; id -un >{out}/id\n')
    server.send('joe@example.test', ['123@fax.test'], HELLO)
    wait_until(lambda: (out / 'id').exists() and (out / 'id').read_text(), what='the program')
    assert (out / '123@fax.test').read_bytes().endswith(b'\nhello\n')
    assert (out / 'sender').read_text() == 'joe@example.test\n'
    assert (out / 'id').read_text().strip() != 'root'
    server.wait_for_empty_queue()


def test_program_exit_codes_decide(make_server, folder):
    server, out = program_server(make_server, folder,
                                 'echo "no such fax" >&2; echo x >>{out}/tries; exit 67\n')
    server.send('joe@example.test', ['123@fax.test'], HELLO)
    [bounce] = server.wait_for_mail('joe@example.test')
    assert b'no such fax' in bounce and b'5.1.1' in bounce
    assert (out / 'tries').read_text() == 'x\n'


def test_program_that_asks_for_later_gets_it_again(make_server, folder):
    server, out = program_server(
        make_server, folder, 'echo x >>{out}/tries; test $(wc -l <{out}/tries) -gt 1 || exit 75\n')
    server.send('joe@example.test', ['123@fax.test'], HELLO)
    server.wait_for_empty_queue()
    assert (out / 'tries').read_text() == 'x\nx\n'
    assert server.mail('joe@example.test') == []
