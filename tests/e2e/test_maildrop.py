"""The maildrop is open to everybody on the machine, and so is filling it with rubbish."""
import os
import pathlib
import time

import pytest

from peers import wait_until

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
'''
JOE = 'joe@example.test'
FLOOD = 6000


def make_rubbish(path, i):
    """Something that is no message, under the name of one."""
    kind = i % 8
    if kind == 0:
        os.mkfifo(path)
    elif kind == 1:
        path.symlink_to('/etc/shadow')
    elif kind == 2:
        path.symlink_to('/dev/zero')
    elif kind == 3:
        path.mkdir()
    elif kind == 4:
        path.write_bytes(b'nuncio-drop 1 ' + b'9' * 5000)
        path.chmod(0)
    elif kind == 5:
        path.write_bytes(b'')
        os.truncate(path, 1 << 40)
    elif kind == 6:
        os.link(path.parent / 'victim', path)
    else:
        path.write_bytes(os.urandom(300))


def flood(drop):
    (drop / 'victim').write_text('somebody else\'s')
    for i in range(FLOOD):
        make_rubbish(drop / f'{i:032x}.msg', i)
    # Where rubbish would be put aside something is in the way already.
    for i in range(3, FLOOD, 800):
        (drop / f'{i:032x}.msg.bad' / 'in the way').mkdir(parents=True)


def good_names(drop):
    return [path for path in drop.iterdir() if path.suffix == '.msg']


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can leave what the server cannot read')
def test_a_flood_of_rubbish_holds_up_nobody(make_server):
    server = make_server(CONF)
    server.account(JOE)
    drop = pathlib.Path(server.state / 'maildrop')
    server.stop()
    flood(drop)
    server.start()
    begin = time.monotonic()
    server.run('sendmail', '-i', JOE, input=b'Subject: by sendmail\n\nhello\n')
    slowest = 0
    for _ in range(10):
        start = time.monotonic()
        server.send('a@else.test', [JOE], b'Subject: by SMTP\r\n\r\nhello\r\n')
        slowest = max(slowest, time.monotonic() - start)
    server.wait_for_mail(JOE, 11, seconds=15)
    assert time.monotonic() - begin < 15
    assert slowest < 2, 'receive answers while it looks through the rubbish'

    in_the_way = len(range(3, FLOOD, 800))
    wait_until(lambda: len(good_names(drop)) <= in_the_way, 60, 'all rubbish to be put aside')
    assert (drop / 'victim').read_text() == 'somebody else\'s'
    server.run('sendmail', '-i', JOE, input=b'Subject: after\n\nhello\n')
    server.wait_for_mail(JOE, 12, seconds=10)
    # Each is told of once, and what stays not once a round.
    log = server.log()
    assert log.count(' maildrop-bad ') == FLOOD - in_the_way
    assert 1 <= log.count(' maildrop-bad-stays ') <= 3
