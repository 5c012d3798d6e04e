"""The history: what is written down of each message, and that nothing waits for it."""
import os
import signal
import sqlite3

from peers import wait_until

CONF = '''
listen mx {{ service mx; address 127.0.0.1:{mx} }}
domain example.test {{ deliver maildir }}
'''
TEXT = b'Subject: x\r\nMessage-ID: <one@b.test>\r\n\r\nhello\r\n'


def rows(server, sql, *values):
    path = server.state / 'history' / 'history.db'
    with sqlite3.connect(f'file:{path}?mode=ro', uri=True) as db:
        return db.execute(sql, values).fetchall()


def names(server):
    try:
        return [name for name, in rows(server, 'SELECT name FROM event ORDER BY id')]
    except sqlite3.OperationalError:  # not there yet
        return []


def send_one(server):
    server.account('joe@example.test')
    assert not server.send('a@b.test', ['joe@example.test'], TEXT)
    server.wait_for_mail('joe@example.test')


def test_events_of_a_message_are_written_down(make_server):
    server = make_server(CONF)
    send_one(server)
    wait_until(lambda: 'delivered' in names(server), 10, 'the event of the delivery')
    assert {'accepted', 'delivered'} <= set(names(server))
    [(kind, session)] = rows(server, '''SELECT DISTINCT s.kind, s.session > 0 FROM subject s
        JOIN mention m ON m.subject = s.id JOIN term t ON t.id = m.term
        WHERE t.text = 'joe@example.test' AND s.kind = 1''')
    assert (kind, session) == (1, 1)


def test_what_is_logged_while_stopping_is_written_too(make_server):
    server = make_server(CONF)
    send_one(server)
    server.stop()
    assert {'accepted', 'delivered', 'session', 'stopping'} <= set(names(server))


def test_a_quiet_log_does_not_make_the_history_quiet(make_server):
    server = make_server(CONF + 'log {{ level error }}\n', start=False)
    server.start(wait=False)
    wait_until(lambda: server.run('status', check=False).returncode == 0, 20, 'the start')
    send_one(server)
    wait_until(lambda: 'delivered' in names(server), 10, 'the event of the delivery')
    assert 'accepted' not in server.log()


def test_history_can_be_switched_off_and_on_again(make_server):
    server = make_server(CONF + 'history off\n')
    send_one(server)
    assert 'history' not in {role['role'] for role in server.status()['roles']}
    server.configure(CONF)
    server.run('reload')
    wait_until(lambda: 'history' in {role['role'] for role in server.status()['roles']
                                     if role['state'] == 'ready'}, 10, 'the role')
    assert not server.send('a@b.test', ['joe@example.test'], TEXT)
    wait_until(lambda: 'accepted' in names(server), 10, 'the event')


def test_a_damaged_file_is_set_aside_and_begun_anew(make_server):
    server = make_server(CONF)
    send_one(server)
    server.stop()
    path = server.state / 'history' / 'history.db'
    path.write_bytes(b'no database' * 1000)
    server.start()
    assert not server.send('a@b.test', ['joe@example.test'], TEXT)
    wait_until(lambda: 'accepted' in names(server), 10, 'the event')
    assert path.with_name('history.db.damaged').read_bytes().startswith(b'no database')
    assert 'history-damaged' in server.log()


def test_events_are_kept_while_the_role_is_away(make_server):
    server = make_server(CONF)
    server.may_die = True
    pid = {role['role']: role['pid'] for role in server.status()['roles']}['history']
    os.kill(pid, signal.SIGKILL)
    send_one(server)
    wait_until(lambda: 'delivered' in names(server), 10, 'the events that came meanwhile')
