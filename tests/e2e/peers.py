"""Other people's mail servers, run privately: nothing of the system is touched, every file lies in
the test's own folder, every port is high, and every process ends with the object.

The servers come unpacked from Debian's packages (scripts/install-deps puts them under
$NUNCIO_PEERS, one folder a package family), because as packages they exclude each other.

    with Postfix(folder, main={'relayhost': '[127.0.0.1]:2600'}) as peer: ... peer.port
    with Dovecot(folder, mail='/path/%d/%n') as peer: ... peer.imap_port, peer.pop3_port, peer.lmtp
    with Sink(smtp_port) as sink: ... sink.messages
"""
import contextlib
import fcntl
import grp
import itertools
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = pathlib.Path(os.environ.get('NUNCIO_PEERS', ROOT / 'build' / 'peers'))


# Below those that the kernel takes for connections; each worker of pytest-xdist has its own part.
PORTS_FIRST, PORTS_EACH = 10000, 5000
WORKER = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:]) % 4
PORT_NUMBERS = itertools.count(random.randrange(PORTS_EACH))


def free_port():
    """A TCP port that is free now, and that nobody gets again for the next thousands."""
    for number in PORT_NUMBERS:
        port = PORTS_FIRST + WORKER * PORTS_EACH + number % PORTS_EACH
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind(('127.0.0.1', port))
            return port


@contextlib.contextmanager
def short_folder():
    """A short path that every user may enter: unix sockets need the one, dropped privileges the
    other."""
    path = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-', dir='/var/tmp'))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def one_at_a_time():
    """For what changes the system's users: workers must not do it at once."""
    with open('/var/tmp/nuncio-tests.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wait_for_port(port, seconds=20, host='127.0.0.1'):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f'nobody listens on {host}:{port}')


def wait_until(condition, seconds=20, what='the condition'):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError(f'{what} did not come true in {seconds} s')


def ensure_user(name, group=None):
    """System users that a peer insists on. Only root can make them; tests skip without."""
    group = group or name
    with one_at_a_time():
        try:
            grp.getgrnam(group)
        except KeyError:
            subprocess.run(['groupadd', '--system', group], check=True)
        try:
            pwd.getpwnam(name)
        except KeyError:
            subprocess.run(['useradd', '--system', '--no-create-home', '--home', '/nonexistent',
                            '--shell', '/usr/sbin/nologin', '--gid', group, name], check=True)


def in_overlay(name, script):
    """A command line that runs a script where this peer's package is laid over /usr: its compiled-in
    paths are then right, and nothing is changed for anybody outside its mount namespace."""
    usr = PEERS / name / 'usr'
    return ['unshare', '-m', 'sh', '-e', '-c',
            f'mount -t overlay overlay -o lowerdir={usr}:/usr /usr\n{script}']


class Peer:
    """A process group of ours with its log. resolver: the resolv.conf that it sees, instead of the
    system's."""
    process = None
    resolver = None

    def start(self, argv, env=None, **options):
        if self.resolver:
            argv = ['unshare', '-m', 'sh', '-ec',
                    f'mount --bind {self.resolver} /etc/resolv.conf; exec "$@"', 'sh', *argv]
        self.log = open(self.folder / 'peer.log', 'ab')
        self.process = subprocess.Popen([str(a) for a in argv], stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL, start_new_session=True,
                                        env={**os.environ, **(env or {})}, **options)

    def stop(self):
        if not self.process:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                continue
        self.log.close()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


MASTER_CF = '''\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
'''


class Postfix(Peer):
    """main: settings of main.cf that replace or add to the defaults below. services: lines of
    master.cf behind those above."""

    def __init__(self, folder, main=None, port=None, services='', resolver=None):
        self.folder, self.resolver = pathlib.Path(folder), resolver
        self.port = port or free_port()
        self.home = PEERS / 'postfix'
        self.queue = self.folder / 'queue'
        ensure_user('postfix')
        ensure_user('postdrop')
        self.make_folders()
        self.write_config(main or {}, services)
        libraries = self.home / 'usr/lib/postfix'
        self.env = {'MAIL_CONFIG': str(self.folder / 'etc'), 'LD_LIBRARY_PATH': str(libraries)}
        self.run()
        wait_for_port(self.port)

    def run(self):
        """Started by the constructor; after stop() it starts it again, without waiting for it."""
        self.start([self.home / 'usr/lib/postfix/sbin/master', '-c', self.folder / 'etc', '-d'],
                   env=self.env)

    def make_folders(self):
        owner, group = pwd.getpwnam('postfix').pw_uid, grp.getgrnam('postdrop').gr_gid
        for path in [self.folder, *self.folder.parents]:
            if path == pathlib.Path('/tmp') or path == pathlib.Path('/'):
                break
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(path.stat().st_mode | 0o755)
        for name in ('active bounce corrupt defer deferred flush hold incoming private saved '
                     'trace').split():
            (self.queue / name).mkdir(parents=True, exist_ok=True)
            os.chown(self.queue / name, owner, 0)
            (self.queue / name).chmod(0o700)
        (self.queue / 'pid').mkdir(exist_ok=True)
        for name, mode in (('maildrop', 0o730), ('public', 0o710)):
            (self.queue / name).mkdir(exist_ok=True)
            os.chown(self.queue / name, owner, group)
            (self.queue / name).chmod(mode)
        (self.folder / 'data').mkdir(exist_ok=True)
        os.chown(self.folder / 'data', owner, 0)
        (self.folder / 'etc').mkdir(exist_ok=True)

    def write_config(self, main, services):
        libraries = self.home / 'usr/lib/postfix'
        settings = {
            'compatibility_level': '3.6',
            'queue_directory': self.queue,
            'data_directory': self.folder / 'data',
            'daemon_directory': libraries / 'sbin',
            'command_directory': self.home / 'usr/sbin',
            'shlib_directory': libraries,
            'mail_owner': 'postfix',
            'setgid_group': 'postdrop',
            'import_environment': 'MAIL_CONFIG LD_LIBRARY_PATH ASAN_OPTIONS',
            'myhostname': 'postfix.test',
            'mydestination': '',
            'mynetworks': '127.0.0.0/8 [::1]/128',
            'inet_interfaces': '127.0.0.1',
            'inet_protocols': 'ipv4',
            'alias_maps': '',
            'alias_database': '',
            'smtp_host_lookup': 'native',
            'disable_dns_lookups': 'yes',
            'smtpd_peername_lookup': 'no',
            'message_size_limit': '104857600',
            'mailbox_size_limit': '0',
            'maillog_file': self.folder / 'mail.log',
            'maillog_file_prefixes': self.folder,
            **main,
        }
        lines = ''.join(f'{key} = {value}\n' for key, value in settings.items())
        (self.folder / 'etc/main.cf').write_text(lines)
        (self.folder / 'etc/master.cf').write_text(MASTER_CF.format(port=f'127.0.0.1:{self.port}')
                                                  + services)

    def mail_log(self):
        path = self.folder / 'mail.log'
        return path.read_text(errors='replace') if path.exists() else ''


ANY_USER = '''\
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%d/%n allow_all_users=yes
}}
'''

DOVECOT_CONF = '''\
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = {name}
auth_stats = no
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
log_path = {folder}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
first_valid_uid = 0
mail_location = maildir:{mail}
{plugins}
''' + ANY_USER + '''\
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3_port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
  unix_listener {folder}/lmtp.sock {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
'''


class Dovecot(Peer):
    """mail: the Maildir path with %d and %n. quota: "10M" puts Dovecot's maildir quota on it.
    users: the text that says who there is, instead of everybody with the password "secret"; {uid},
    {gid} and {folder} stand for what they are."""

    def __init__(self, folder, mail, uid=None, gid=None, quota=None, users=ANY_USER):
        self.folder = pathlib.Path(folder)
        self.imap_port, self.pop3_port, self.lmtp_port = free_port(), free_port(), free_port()
        self.lmtp_socket = self.folder / 'lmtp.sock'
        ensure_user('dovecot')
        ensure_user('dovenull')
        for name in ('run', 'state', 'home'):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        plugins = ''
        if quota:
            plugins = ('mail_plugins = $mail_plugins quota\n'
                       'protocol imap {\n  mail_plugins = $mail_plugins imap_quota\n}\n'
                       f'plugin {{\n  quota = maildir:User quota\n  quota_rule = *:storage={quota}\n}}')
        (self.folder / 'dovecot.conf').write_text(DOVECOT_CONF.replace(ANY_USER, users).format(
            folder=self.folder, name=f'nuncio-test-{self.imap_port}', mail=mail,
            internal='dovecot', internal_group='dovecot', login='dovenull', plugins=plugins,
            uid=os.getuid() if uid is None else uid, gid=os.getgid() if gid is None else gid,
            imap_port=self.imap_port, pop3_port=self.pop3_port,
            lmtp_port=self.lmtp_port))
        self.run()

    def run(self):
        """Started by the constructor; after stop() it starts it again."""
        self.start(in_overlay('dovecot', f'exec dovecot -F -c {self.folder}/dovecot.conf'))
        for port in (self.imap_port, self.pop3_port, self.lmtp_port):
            wait_for_port(port)


# /run as well: its control socket is there, and a second smtpd would stop at that of the first.
OPENSMTPD_SCRIPT = '''\
mount -t tmpfs none /var/spool
mkdir -p /var/spool/smtpd
chmod 711 /var/spool/smtpd
mount -t tmpfs none /var/lib
mkdir -p /var/lib/opensmtpd/empty
mount -t tmpfs none /run
exec smtpd -d -f {folder}/smtpd.conf
'''


class OpenSMTPD(Peer):
    """config: the text of smtpd.conf behind the listen line. ca: a file, for the certificates of other
    servers; otherwise the system's."""

    def __init__(self, folder, config, ca=None, resolver=None):
        self.folder, self.resolver = pathlib.Path(folder), resolver
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        ensure_user('opensmtpd')
        ensure_user('opensmtpq')
        (self.folder / 'smtpd.conf').write_text(
            f'listen on 127.0.0.1 port {self.port}\n' + config)
        (self.folder / 'smtpd.conf').chmod(0o600)
        self.start(in_overlay('opensmtpd', OPENSMTPD_SCRIPT.format(folder=self.folder)),
                   env={'SSL_CERT_FILE': str(ca)} if ca else None)
        wait_for_port(self.port)


def available(*names):
    """Whether these peers are unpacked and may be run (they need root)."""
    return os.getuid() == 0 and all((PEERS / name / 'usr').is_dir() for name in names)


class SinkHandler(socketserver.StreamRequestHandler):
    """Just enough of an SMTP or LMTP server to note what came; replies come from the sink."""

    def reply(self, text):
        self.wfile.write(text.encode() + b'\r\n')

    def handle(self):
        sink = self.server.sink
        with sink.lock:
            sink.open += 1
            sink.most = max(sink.most, sink.open)
        try:
            self.converse(sink)
        except ConnectionError:
            pass  # clients are killed in some tests
        finally:
            with sink.lock:
                sink.open -= 1

    def converse(self, sink):
        self.reply(sink.greeting)
        if not sink.greeting.startswith('2'):
            return
        sender, recipients = None, []
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb.startswith((b'EHLO', b'LHLO')):
                for extension in sink.extensions[:-1]:
                    self.reply('250-' + extension)
                self.reply('250 ' + sink.extensions[-1])
            elif verb.startswith(b'HELO'):
                self.reply('250 sink.test')
            elif verb.startswith(b'MAIL'):
                sender, recipients = line.decode('utf-8', 'replace').strip(), []
                self.reply('250 2.1.0 ok')
            elif verb.startswith(b'RCPT'):
                text = line.decode('utf-8', 'replace').strip()
                answer = sink.answer(text)
                if answer.startswith('2'):
                    recipients.append(text)
                self.reply(answer)
            elif verb.startswith(b'DATA'):
                if not recipients:
                    self.reply('503 5.5.1 no recipients')
                    continue
                self.reply('354 go on')
                body = b''
                while (line := self.rfile.readline()) not in (b'.\r\n', b''):
                    body += line[1:] if line.startswith(b'.') else line
                if not line:
                    return  # the end never came: this is no message
                time.sleep(sink.delay)
                with sink.lock:
                    sink.messages.append((sender, recipients, body))
                for _ in recipients if sink.lmtp else [None]:
                    self.reply(sink.final)
            elif verb.startswith(b'QUIT'):
                self.reply('221 2.0.0 bye')
                return
            else:
                self.reply('250 2.0.0 ok')


class Sink:
    """A server in a thread that keeps what it gets: .messages is a list of (MAIL line, RCPT lines,
    text), .most is how many connections it had at a time. answer: what it says to a RCPT line;
    delay: how long it takes over a message."""

    def __init__(self, extensions=('sink.test', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'SIZE'),
                 answer=lambda rcpt: '250 2.1.5 ok', final='250 2.0.0 taken', lmtp=False, port=0,
                 host='127.0.0.1', greeting='220 sink.test ESMTP', delay=0):
        class Server(socketserver.ThreadingTCPServer):
            address_family = socket.AF_INET6 if ':' in host else socket.AF_INET
            allow_reuse_address = True
            daemon_threads = True
            # With the default of 5, a burst of connections leaves some half-open: the kernel has
            # told the client that it is connected and has forgotten it.
            request_queue_size = 128
        self.extensions, self.answer, self.final, self.lmtp = extensions, answer, final, lmtp
        self.greeting, self.delay, self.open, self.most = greeting, delay, 0, 0
        self.messages, self.lock = [], threading.Lock()
        self.server = Server((host, port), SinkHandler)
        self.server.sink = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


if shutil.which('unshare') is None:
    def available(*names):  # noqa: F811 - util-linux is everywhere but in the smallest containers
        return False
