"""Three hosts on one switch, each in a network namespace of its own, that send each other mail by DNS
while cables are pulled.

The switch (a bridge) and the name server are in a namespace too, so nothing of it is seen outside. A
cable can be pulled (the link is down, the kernel knows) or cut (packets vanish, nobody knows).
"""
import contextlib
import ctypes
import os
import re
import shutil
import smtplib
import subprocess
import threading
import time

import pytest

import peers
from company import CLONE_NEWNET, own_network
from names import Names
from peers import short_folder, wait_until
from server import Server

NAMES = 'abc'
CONF = '''
listen mx {{{{ service mx; address {address}:25 }}}}
listen submit {{{{ service mx; address 127.0.0.1:2525 }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain {name}.test {{{{ deliver maildir }}}}
default_route world
queue {{{{ retry_first 1s; retry_max 2s; gather 1s }}}}
'''

pytestmark = pytest.mark.skipif(os.getuid() != 0 or not shutil.which('ip'),
                                reason='needs root and ip(8)')


def ip(line):
    subprocess.run(['ip', *line.split()], check=True)


@contextlib.contextmanager
def inside(pid):
    """This thread and what it starts are in the network of that process."""
    libc = ctypes.CDLL(None, use_errno=True)
    before, there = [os.open(path, os.O_RDONLY)
                     for path in ('/proc/thread-self/ns/net', f'/proc/{pid}/ns/net')]
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
        yield
    finally:
        libc.setns(before, CLONE_NEWNET)
        os.close(before)
        os.close(there)


class Host:
    def __init__(self, name, number, names, folder):
        self.name, self.address, self.cable = name, f'10.99.0.{number}', f'port-{name}'
        self.anchor = subprocess.Popen(['unshare', '-n', 'sleep', '600'])
        ours = os.readlink('/proc/thread-self/ns/net')
        wait_until(lambda: os.readlink(f'/proc/{self.anchor.pid}/ns/net') != ours)
        ip(f'link add {self.cable} type veth peer name eth0 netns {self.anchor.pid}')
        ip(f'link set {self.cable} master switch up')
        with inside(self.anchor.pid):
            ip('link set lo up')
            ip(f'address add {self.address}/24 dev eth0')
            ip('link set eth0 up')
            conf = CONF.format(address=self.address, name=name)
            self.server = Server(folder / name, names.statement + conf)
        for other in NAMES:
            self.server.account(f'from-{other}@{name}.test')
        self.sent, self.number = {other: set() for other in NAMES if other != name}, 0
        self.stopping = False

    def pull(self):
        ip(f'link set {self.cable} down')

    def cut(self):
        ip(f'link set {self.cable} nomaster')

    def mend(self):
        ip(f'link set {self.cable} master switch up')

    def start(self):
        with inside(self.anchor.pid):
            self.server.start()

    def keep_sending(self):
        """In a thread: numbered mail to both others, as its own users send it."""
        with inside(self.anchor.pid):
            while not self.stopping:
                self.number += 1
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    self.send(self.number)
                time.sleep(0.05)

    def send(self, number):
        with smtplib.SMTP('127.0.0.1', 2525, timeout=10, local_hostname='client.test') as client:
            for other, sent in self.sent.items():
                client.sendmail(f'from-{other}@{self.name}.test', [f'from-{self.name}@{other}.test'],
                                f'Subject: n{number}\r\n\r\nhello\r\n'.encode())
                sent.add(number)

    def got(self, other):
        """The numbers of what came from another one."""
        texts = self.server.mail(f'from-{other}@{self.name}.test')
        return [int(re.search(rb'^Subject: n(\d+)', text, re.M)[1]) for text in texts]

    def stop(self):
        self.server.stop()
        self.anchor.kill()
        self.anchor.wait()


class Network:
    def __init__(self, folder, stack):
        stack.enter_context(own_network())
        ip('link add switch type bridge')
        ip('address add 10.99.0.254/24 dev switch')
        ip('link set switch up')
        self.names = stack.enter_context(Names(folder, host='10.99.0.254'))
        for i, name in enumerate(NAMES):
            self.names.zone(f'{name}.test', f'@ MX 10 mx\nmx A 10.99.0.{i + 1}')
        self.names.start()
        self.hosts = {}
        for i, name in enumerate(NAMES):
            self.hosts[name] = Host(name, i + 1, self.names, folder)
            stack.callback(self.hosts[name].stop)

    @contextlib.contextmanager
    def traffic(self):
        """Mail flows between all of them for as long as this lasts, and has begun to."""
        before = {(host, other): len(other.got(host.name)) for host, other, _ in self.pairs()}
        for host in self.hosts.values():
            host.stopping = False
        threads = [threading.Thread(target=host.keep_sending) for host in self.hosts.values()]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: all(len(other.got(host.name)) > n
                                   for (host, other), n in before.items()),
                       30, 'mail between all of them')
            yield
        finally:
            for host in self.hosts.values():
                host.stopping = True
            for thread in threads:
                thread.join()

    def pairs(self):
        return [(host, other, host.sent[other.name]) for host in self.hosts.values()
                for other in self.hosts.values() if host is not other]

    def wait_for_all(self, seconds=60):
        def missing():
            return {f'{host.name}{other.name}': sorted(sent - set(other.got(host.name)))[:9]
                    for host, other, sent in self.pairs() if sent - set(other.got(host.name))}
        try:
            wait_until(lambda: not missing(), seconds)
        except TimeoutError:
            lists = [host.server.run('queue', 'list').stdout.decode()[:1500]
                     for host in self.hosts.values()]
            raise AssertionError(f'{missing()}\n' + '\n'.join(lists)) from None
        for host in self.hosts.values():
            host.server.wait_for_empty_queue()

    def repeats(self):
        return sum(len(other.got(host.name)) - len(set(other.got(host.name)))
                   for host, other, _ in self.pairs())

    def check_nothing_came_back(self):
        """Nobody got a bounce: mailboxes have numbered mail of the other host alone."""
        for host, other, sent in self.pairs():
            assert sent and set(other.got(host.name)) == sent


@pytest.fixture(scope='module')
def network(users):
    """For all tests, which leave it whole."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        yield Network(folder, stack)


@pytest.mark.parametrize('how', ['pull', 'cut'])
def test_a_partition_heals_and_all_mail_arrives_once(network, how):
    a = network.hosts['a']
    with network.traffic():
        getattr(a, how)()
        time.sleep(2)
        network.names.stop()
        time.sleep(2)
        network.names.start()
        time.sleep(1)
        before = {host.name: len(a.got(host.name)) for host in network.hosts.values()}
        time.sleep(0.5)
        assert before == {host.name: len(a.got(host.name)) for host in network.hosts.values()}
        a.mend()
        time.sleep(1)
    network.wait_for_all()
    network.check_nothing_came_back()
    assert network.repeats() == 0


def test_a_host_that_dies_behind_a_partition_loses_nothing(network):
    a = network.hosts['a']
    with network.traffic():
        a.cut()
        time.sleep(1)
        a.server.kill()
        time.sleep(1)
        a.start()
        time.sleep(1)
        a.mend()
        time.sleep(1)
    network.wait_for_all()
    network.check_nothing_came_back()
    # What was on the wire when a died may have been taken without its sender having heard of it.
    assert network.repeats() <= 2 * 20, network.repeats()
