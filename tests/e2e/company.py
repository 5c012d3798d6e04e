"""A small company's mail server, to be moved: Postfix on 25, 587 and 465 with Dovecot behind it.

It lives in a network of its own (own_network), so the ports are the real ones and nothing of this
machine is in the way. Paths are the test's own, and so are two names of others that the company
sends to: map() puts them into a text. The commands `postconf`, `postqueue` and `doveadm` of a shell
with bin/ in its PATH are these peers'.
"""
import base64
import contextlib
import ctypes
import fcntl
import imaplib
import os
import re
import smtplib
import socket
import sqlite3
import ssl
import struct
import subprocess

import peers
from pki import Authority

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
NOBODY = 65534

# What doveadm pw made of each password, with a scheme of another age for each of them.
USERS = {'joe': ('secret', 'SHA512-CRYPT'), 'ann': ('Zwölf Boxkämpfer', 'BLF-CRYPT'),
         'eve': ('tr0ub4dor&3', 'SSHA256'), 'max': ('plain old', 'PLAIN'),
         'kim': ('md5 of long ago', 'MD5-CRYPT')}

FILES = '''
passdb {{{{
  driver = passwd-file
  args = {folder}/users
}}}}
userdb {{{{
  driver = passwd-file
  args = {folder}/users
  default_fields = uid={uid} gid={uid} home={folder}/home/%d/%n
}}}}
'''
SQL = '''
passdb {{{{
  driver = sql
  args = {folder}/sql.conf
}}}}
userdb {{{{
  driver = sql
  args = {folder}/sql.conf
}}}}
'''
SQL_CONF = '''driver = sqlite
connect = {folder}/users.db
password_query = SELECT password FROM users WHERE userid = '%u'
user_query = SELECT {uid} AS uid, {uid} AS gid, '{folder}/home/%d/%n' AS home FROM users \\
  WHERE userid = '%u'
'''
SOCKET = '''
service auth {{{{
  unix_listener {folder}/auth-postfix {{{{
    user = postfix
    mode = 0600
  }}}}
}}}}
!include_try {folder}/conf.d/*.conf
'''
SERVICES = '''\
127.0.0.1:587 inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
127.0.0.1:465 inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
'''
DOVEADM = '''#!/bin/sh
exec unshare -m sh -ec 'mount -t overlay overlay -o lowerdir={usr}:/usr /usr
exec /usr/bin/doveadm -c {conf} "$@"' doveadm "$@"
'''
POSTFIX_COMMAND = '''#!/bin/sh
export MAIL_CONFIG={etc} LD_LIBRARY_PATH={usr}/lib/postfix
exec {usr}/sbin/{name} "$@"
'''


@contextlib.contextmanager
def own_network():
    """This thread and what it starts see a network that has nothing but a loopback of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'unshare')
    try:
        with socket.socket() as sock:
            fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack('16sh14x', b'lo', IFF_UP))
        yield
    finally:
        libc.setns(before, CLONE_NEWNET)
        os.close(before)


class Company:
    """driver: where Dovecot has its users, 'passwd-file' or 'sql'."""

    def __init__(self, folder, driver):
        self.folder, self.desk, self.driver = folder, folder / 'desk', driver
        self.mail, self.ssl = folder / 'theirs', folder / 'ssl'
        for path in (self.desk / 'bin', self.mail, folder / 'dovecot/conf.d'):
            path.mkdir(parents=True)
        os.chown(self.mail, NOBODY, NOBODY)
        self.busy = set()  # names of others that take nothing for now
        self.branch = peers.Sink(host='127.0.0.2', port=2526, answer=self.answer_of('branch'))
        self.world = peers.Sink(host='127.0.0.3', port=2527, answer=self.answer_of('world'))
        self.make_certificate()
        self.start_dovecot()
        self.start_postfix()

    def answer_of(self, name):
        return lambda rcpt: '451 4.3.0 later' if name in self.busy else '250 2.1.5 ok'

    def map(self, text):
        for theirs, ours in (('/etc/nuncio', self.folder / 'server0'),
                             ('/etc/postfix', self.folder / 'postfix/etc'),
                             ('/etc/dovecot', self.folder / 'dovecot'),
                             ('/run/dovecot', self.folder / 'dovecot/run'),
                             ('/etc/ssl/mx1', self.ssl),
                             ('mail.branch.example.com:25', '127.0.0.2:2526'),
                             ('out.example.net:25', '127.0.0.3:2527')):
            text = text.replace(theirs, str(ours))
        return text

    def make_certificate(self):
        self.authority = Authority(self.ssl)
        pair = self.authority.issue('mx1', ['mx1.example.org', '127.0.0.1'])
        pair.chain.rename(self.ssl / 'fullchain.pem')
        pair.key.rename(self.ssl / 'privkey.pem')

    def tool(self, name, text):
        path = self.desk / 'bin' / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def start_dovecot(self):
        folder = self.folder / 'dovecot'
        users = (SQL if self.driver == 'sql' else FILES) + SOCKET
        self.doveadm = self.tool('doveadm', DOVEADM.format(usr=peers.PEERS / 'dovecot/usr',
                                                           conf=folder / 'dovecot.conf'))
        (folder / 'users').touch()
        (folder / 'sql.conf').write_text(SQL_CONF.format(folder=folder, uid=NOBODY))
        (folder / 'home').mkdir()
        os.chown(folder / 'home', NOBODY, NOBODY)
        peers.ensure_user('postfix')
        self.dovecot = peers.Dovecot(folder, f'{self.mail}/%d/%n', NOBODY, NOBODY,
                                     users=users.format(folder=folder, uid=NOBODY))
        self.add_users(folder)

    def add_users(self, folder):
        rows = []
        for user, (password, scheme) in USERS.items():
            form = subprocess.run([self.doveadm, 'pw', '-s', scheme, '-p', password],
                                  check=True, capture_output=True, text=True).stdout.strip()
            rows.append((f'{user}@example.org', form))
        if self.driver == 'sql':
            with sqlite3.connect(folder / 'users.db') as table:
                table.execute('CREATE TABLE users (userid TEXT PRIMARY KEY, password TEXT)')
                table.executemany('INSERT INTO users VALUES (?, ?)', rows)
        else:
            (folder / 'users').write_text(''.join(f'{name}:{form}:::::\n' for name, form in rows))

    def start_postfix(self):
        etc = self.folder / 'postfix/etc'
        etc.mkdir(parents=True)
        usr = peers.PEERS / 'postfix/usr'
        for name in ('postconf', 'postqueue', 'postmap'):
            self.tool(name, POSTFIX_COMMAND.format(etc=etc, usr=usr, name=name))
        (etc / 'virtual').write_text('# as Postfix has it\n'
                                     'sales@example.org   joe@example.org, ann@example.org\n'
                                     'office@example.org  eve@example.org\n')
        (etc / 'vmailbox').write_text(''.join(f'{user}@example.org x\n' for user in USERS))
        (etc / 'transport').write_text('branch.example.com smtp:[127.0.0.2]:2526\n')
        self.postfix = peers.Postfix(self.folder / 'postfix', port=25, services=SERVICES, main={
            'myhostname': 'mx1.example.org', 'mynetworks': '192.0.2.0/24',
            'virtual_mailbox_domains': 'example.org', 'virtual_mailbox_maps': f'texthash:{etc}/vmailbox',
            'virtual_alias_maps': f'texthash:{etc}/virtual',
            'virtual_transport': f'lmtp:unix:{self.dovecot.lmtp_socket}',
            'relay_domains': 'branch.example.com', 'transport_maps': f'texthash:{etc}/transport',
            'relayhost': '[127.0.0.3]:2527', 'recipient_delimiter': '+',
            'smtpd_sasl_type': 'dovecot', 'smtpd_sasl_path': self.folder / 'dovecot/auth-postfix',
            'smtpd_tls_security_level': 'may',
            'smtpd_tls_chain_files': f'{self.ssl}/privkey.pem, {self.ssl}/fullchain.pem'})
        self.wait_for_ports()

    @staticmethod
    def wait_for_ports():
        for port in 25, 587, 465:
            peers.wait_for_port(port)

    def systemctl(self, server, line):
        """Stands in for the machine's services."""
        verb, unit = re.fullmatch(r'systemctl (start|stop|restart|enable) (\w+)\n', line).groups()
        what = {'nuncio': server, 'postfix': self.postfix, 'dovecot': self.dovecot}[unit]
        if verb in ('stop', 'restart'):
            what.stop()
        if verb in ('start', 'restart'):
            server.start() if what is server else what.run()
        if what is self.postfix:
            peers.wait_until(lambda: subprocess.run([self.desk / 'bin/postqueue', '-p'],
                                                    capture_output=True).returncode == 0,
                             20, 'Postfix')

    def context(self):
        return ssl.create_default_context(cafile=self.authority.ca)

    def submit(self, user, recipients, subject, port=587):
        """As a mail program does that checks the certificate."""
        sender = f'{user}@example.org'
        if port == 465:
            client = smtplib.SMTP_SSL('127.0.0.1', 465, context=self.context())
        else:
            client = smtplib.SMTP('127.0.0.1', port)
        with client:
            if port != 465:
                client.starttls(context=self.context())
            client.ehlo()
            plain = base64.b64encode(f'\0{sender}\0{USERS[user][0]}'.encode())
            code, text = client.docmd('AUTH', f'PLAIN {plain.decode()}')
            assert code == 235, text
            client.sendmail(sender, recipients,
                            f'From: {sender}\r\nSubject: {subject}\r\n\r\n{subject}\r\n')

    @staticmethod
    def receive(recipient, subject):
        """What a stranger's server sends on port 25."""
        with smtplib.SMTP('127.0.0.1', 25) as client:
            client.sendmail('stranger@example.net', [recipient], f'Subject: {subject}\r\n\r\n.\r\n')

    def subjects(self, user):
        """What the user's mail program shows, after a login with his own password."""
        client = imaplib.IMAP4('127.0.0.1', self.dovecot.imap_port)
        name, password = f'{user}@example.org', USERS[user][0]
        client.authenticate('PLAIN', lambda _: f'\0{name}\0{password}'.encode())
        _, [count] = client.select('INBOX', readonly=True)
        parts = [] if count == b'0' else client.fetch('1:*', '(BODY[HEADER.FIELDS (SUBJECT)])')[1]
        client.logout()
        return sorted(re.search(rb'Subject: *(.*?)\r\n', part[1])[1].decode()
                      for part in parts if isinstance(part, tuple))

    def stop(self):
        for part in (self.postfix, self.dovecot, self.branch, self.world):
            with part:
                pass
