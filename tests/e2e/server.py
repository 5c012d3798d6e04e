"""A private Nuncio for a test: its own folder, high ports, ended and examined with the test.

    def test_x(make_server):
        server = make_server('''
            listen mx {{ service mx; address 127.0.0.1:{mx} }}
            domain example.test {{ deliver maildir }}
        ''')
        server.account('joe@example.test')
        server.send('a@b.test', ['joe@example.test'], b'Subject: x\\r\\n\\r\\nhello\\r\\n')
        [mail] = server.wait_for_mail('joe@example.test')

In the text of the configuration {name} stands for a free port, the same for the same name, and is
found again as server.port('name'); {folder} is the test's folder. `hostname` and `state` are put in
front, and `default_route none` unless the text says where foreign mail goes: no test sends anything
to the real world, or asks it: senders are checked only if the text speaks of `checks`. At the end the server must stop in order, no role may have crashed, and no sanitizer may have
spoken.

$NUNCIO_BUILD is the build folder under test, by default build/test (AddressSanitizer and UBSan);
make_server(..., release=True) takes the release build.
"""
import json
import os
import pathlib
import re
import signal
import smtplib
import subprocess

import peers

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('NUNCIO_BUILD', ROOT / 'build' / 'test'))
RELEASE = pathlib.Path(os.environ.get('NUNCIO_RELEASE', ROOT / 'build' / 'release'))
UNCHECKED = 'checks { %s }\n' % '; '.join(
    f'{name} ignore' for name in 'spf softfail dkim dmarc arc iprev helo'.split())
LEADS_OUT = re.compile(r'(^|[;}])\s*(relay|default_route)\s', re.M)
# How AddressSanitizer, LeakSanitizer, ThreadSanitizer and UBSan begin to speak.
SANITIZER = re.compile(r'(Address|Leak|Thread|UndefinedBehavior)Sanitizer|: runtime error: ')


class Ports(dict):
    """Names to free ports, made as they are asked for."""

    def __missing__(self, name):
        self[name] = peers.free_port()
        return self[name]


class Server:
    def __init__(self, folder, conf, release=False, start=True, user=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = self.folder / 'state'
        self.binary = (RELEASE if release else BUILD) / 'nuncio'
        self.conf = self.folder / 'nuncio.conf'
        self.ports, self.user, self.process = Ports(folder=str(self.folder)), user, None
        self.may_die = False
        self.configure(conf)
        if start:
            self.start()

    def configure(self, conf):
        nowhere = '' if LEADS_OUT.search(conf) else 'default_route none\n'
        unchecked = '' if 'checks {' in conf else UNCHECKED
        self.conf.write_text(f'hostname mx.nuncio.test\nstate {self.state}\n{nowhere}{unchecked}'
                             + conf.format_map(self.ports))

    def port(self, name='mx'):
        return self.ports[name]

    def line(self, text):
        """Where the configuration says this, as Nuncio writes it."""
        lines = self.conf.read_text().splitlines()
        [number] = [at for at, line in enumerate(lines, 1) if text in line]
        return f'{self.conf}:{number}'

    @property
    def environment(self):
        # No log_path: a role that is locked in could not open it. All goes to the server's log.
        return {**os.environ, 'NUNCIO_CONFIG': str(self.conf), 'ASAN_OPTIONS': 'exitcode=99',
                'UBSAN_OPTIONS': 'print_stacktrace=1'}

    def start(self, wait=True):
        self.log_start = len(self.log())
        self.log_file = open(self.folder / 'log', 'ab')
        self.process = subprocess.Popen([self.binary, 'serve', '-c', self.conf],
                                        env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log_file, stderr=self.log_file,
                                        user=self.user, group=self.user,
                                        extra_groups=[] if self.user else None)
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds=30):
        def ready():
            assert self.process.poll() is None, f'the server ended at start:\n{self.log()}'
            return ' parent ready ' in self.log()[self.log_start:]
        try:
            peers.wait_until(ready, seconds)
        except TimeoutError:
            self.process.kill()
            raise AssertionError(f'not ready in {seconds} s\n{self.log()}') from None

    def stop(self):
        """Orderly, and nothing may have gone wrong."""
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.process = None
        self.log_file.close()
        assert not SANITIZER.search(self.log()), self.log()
        if not self.may_die:
            assert 'role-died' not in self.log(), self.log()
        assert code == 0, f'exit code {code}\n{self.log()}'

    def kill(self):
        """The parent, as a power cut would: the roles must follow."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def run(self, *args, check=True, input=None, env=None):
        """nuncio ARGS with this server's configuration."""
        # Never the terminal of who runs the tests: there some commands ask for a password.
        done = subprocess.run([self.binary, *map(str, args)], capture_output=True,
                              input=b'' if input is None else input,
                              env={**self.environment, **(env or {})}, timeout=60)
        assert not SANITIZER.search(done.stderr.decode(errors='replace')), done.stderr.decode()
        if check and done.returncode != 0:
            raise AssertionError(f'nuncio {args}: exit {done.returncode}\n'
                                 f'{done.stdout.decode()}\n{done.stderr.decode()}')
        return done

    def json(self, *args):
        """The JSON lines that a command prints."""
        lines = self.run(*args, '--json').stdout.decode().splitlines()
        return [json.loads(line) for line in lines if line.strip()]

    def account(self, address, *options, password=None, cram=False):
        """With a password it can log in; cram: by CRAM-MD5 too."""
        line = f'{password}\n'.encode()
        if password is None:
            self.run('account', 'add', address, *options)
        else:
            self.run('account', 'add', address, '--stdin', *options, input=line)
        if cram:
            self.run('account', 'cram', address, 'on', '--stdin', input=line)

    def status(self):
        [status] = self.json('status')
        return status

    def role_pid(self, role):
        for pid in subprocess.run(['pgrep', '-P', str(self.process.pid)], capture_output=True,
                                  text=True).stdout.split():
            name = pathlib.Path(f'/proc/{pid}/comm').read_text().strip()
            if role in name:
                return int(pid)
        raise LookupError(f'no role {role}')

    def log(self):
        path = self.folder / 'log'
        return path.read_text(errors='replace') if path.exists() else ''

    def send(self, sender, recipients, message, port='mx', options=()):
        """One message by Python's client; returns the recipients that were refused."""
        with smtplib.SMTP('127.0.0.1', self.port(port), local_hostname='client.test') as client:
            return client.sendmail(sender, recipients, message, mail_options=list(options))

    def mailbox(self, address):
        user, _, domain = address.partition('@')
        return self.state / 'mail' / domain / user if domain else self.state / user

    def mail(self, address, folder='.'):
        """The texts in a mailbox, new and seen, in the order of their names."""
        box = self.mailbox(address) / folder
        files = [path for sub in ('new', 'cur') if (box / sub).is_dir()
                 for path in (box / sub).iterdir()]
        return [path.read_bytes() for path in sorted(files, key=lambda path: path.name)]

    def wait_for_mail(self, address, count=1, seconds=30, folder='.'):
        peers.wait_until(lambda: len(self.mail(address, folder)) >= count, seconds,
                         f'{count} in {address} (has {len(self.mail(address, folder))}; queue: '
                         f'{self.run("queue", "list", check=False).stdout.decode()[:2000]})')
        return self.mail(address, folder)

    def queue_ids(self):
        return re.findall(r'^([0-9A-Z]{13})\b', self.run('queue', 'list').stdout.decode(), re.M)

    def wait_for_empty_queue(self, seconds=30):
        try:
            peers.wait_until(lambda: not self.queue_ids(), seconds)
        except TimeoutError:
            raise AssertionError(self.run('queue', 'list').stdout.decode()[:3000]
                                 + self.run('queue', 'stats').stdout.decode()) from None
