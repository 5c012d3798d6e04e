"""A peer that drops, stalls, replies garbage, late, too much or too early, and lies about what it knows.

What must hold, whatever it does: mail arrives as often as the protocol excuses and no more, none is lost,
the next message is not touched by what came before it, and the story has the peer's words. One
server sends to all of the peers at the same time, and is stopped while some of them still stall.
"""
import contextlib
import os
import pathlib
import re
import time

import pytest

import peers
from liar import OFFER, Liar, drop, endless, first, late, says, stall, twice
from peers import short_folder, wait_until
from server import Server

CORPORA = pathlib.Path(os.environ.get('NUNCIO_CORPORA', peers.ROOT.parent / 'shared' / 'corpora'))
CURL = CORPORA / 'smtp/curl-tests'
STEPS = ('banner', 'ehlo', 'mail', 'rcpt', 'data', 'half', 'final')
WORDS = 'liar says so'
CONF = '''
listen mx {{{{ service mx; address 127.0.0.1:{{mx}} }}}}
trusted {{{{ 127.0.0.1/32 }}}}
domain example.test {{{{ deliver maildir }}}}
queue {{{{ retry_first 1s; retry_max 1s; gather 1s }}}}
{routes}
'''


def with_offer(*more, without=()):
    return tuple(line for line in OFFER if line not in without) + more


# Wrong in the first connection: all of this mail arrives in the end.
PASSING = {
    **{f'drop-{step}': ({step: drop}, OFFER) for step in STEPS},
    **{f'late-{step}': ({step: late}, OFFER) for step in STEPS},
    **{f'421-{step}': ({step: says(f'421 4.3.2 {WORDS}', False)}, OFFER) for step in STEPS},
    **{f'421-open-{step}': ({step: says(f'421 4.3.2 {WORDS}')}, OFFER) for step in STEPS},
    **{f'451-{step}': ({step: says(f'451 4.3.0 {WORDS}')}, OFFER)
       for step in STEPS if step != 'half'},
    **{f'garbage-{step}': ({step: says(b'\x00\xffno\r\n\r\n25\r\n', False)}, OFFER) for step in STEPS},
    **{f'code-{step}': ({step: says('999 what now')}, OFFER) for step in STEPS if step != 'half'},
    **{f'nul-{step}': ({step: says(b'250 a\0b\r\n')}, OFFER) for step in ('mail', 'rcpt')},
    **{f'cut-{step}': ({step: says(b'250-more\r\n250', False)}, OFFER) for step in STEPS},
    **{f'codes-{step}': ({step: says('250-one\r\n550 other')}, OFFER)
       for step in ('ehlo', 'mail', 'rcpt', 'final')},
    **{f'endless-{step}': ({step: endless(b'250-and so on\r\n')}, OFFER) for step in STEPS},
    **{f'line-{step}': ({step: endless(b'250 and so on ')}, OFFER) for step in ('banner', 'final')},
    'no-354': ({'data': says('250 2.0.0 thanks')}, OFFER),
    'banner-twice': ({'banner': twice}, OFFER),
    'ehlo-twice': ({'ehlo': twice}, OFFER),
    'early-final': ({'data': first('250 2.0.0 taken')}, OFFER),
    'early-ehlo': ({'banner': first('250 2.0.0 hello')}, OFFER),
    'early-354': ({'data': says('354 go on\r\n250 2.0.0 taken'), 'half': drop}, OFFER),
    'many-lines': ({'rcpt': says('250-a\r\n250-b\r\n250 c')}, OFFER),
    'bare-lf': ({'rcpt': says(b'250 ok\n')}, OFFER),
    'no-text': ({'rcpt': says(b'250\r\n')}, OFFER),
    'quit-421': ({'quit': says('421 no')}, OFFER),
    'helo': ({'ehlo': says('500 5.5.1 what is EHLO')}, OFFER),
    'limits-1': ({}, with_offer('LIMITS RCPTMAX=1 MAILMAX=1')),
    'limits-0': ({}, with_offer('LIMITS RCPTMAX=0 MAILMAX=0 RCPTDOMAINMAX=0')),
    'limits-odd': ({}, with_offer('LIMITS RCPTMAX=-1 MAILMAX=x =7 RCPTMAX')),
    'size-odd': ({}, with_offer('SIZE 99999999999999999999999', without=[OFFER[-1]])),
    'offer-odd': ({}, with_offer('', ' ', '-', 'AUTH', 'AUTH=', 'SIZE=9', 'X' * 900, 'PIPELINING no')),
    'starttls-500': ({'starttls': says('500 5.5.1 what is STARTTLS')}, with_offer('STARTTLS')),
    'starttls-drop': ({'starttls': drop}, with_offer('STARTTLS')),
}
# Whoever had the text may have taken it: then it comes a second time.
MAY_REPEAT = re.compile(r'^(drop|garbage|cut|codes|endless|line|421|421-open|451|code)-(final|half)$')
# Wrong for ever: what becomes of it, and the words that the sender or the administrator reads.
LYING = {
    'chunking': ({'bdat': says('500 5.5.2 what is BDAT')}, with_offer('CHUNKING'), 'arrives', 'BDAT'),
    'smtputf8': ({'mail': says('555 5.5.4 what is SMTPUTF8')}, with_offer('SMTPUTF8'), 'bounces',
                 'what is SMTPUTF8'),
    'dsn': ({'rcpt': says('555 5.5.4 what is NOTIFY')}, OFFER, 'bounces', 'what is NOTIFY'),
    'size': ({'mail': says('552 5.3.4 too large')}, OFFER, 'bounces', 'too large'),
    'size-32': ({}, with_offer('SIZE 32', without=[OFFER[-1]]), 'bounces', '32 bytes'),
    'encrypt': ({'starttls': says('454 4.7.0 not today')}, with_offer('STARTTLS'), 'waits', 'not today'),
    'encrypt-500': ({'starttls': says('500 5.5.1 what is STARTTLS')}, with_offer('STARTTLS'), 'waits',
                    'what is STARTTLS'),
    'encrypt-none': ({}, OFFER, 'waits', 'STARTTLS'),
    'encrypt-plain': ({'starttls': says('220 go\r\n250 2.0.0 in the clear')}, with_offer('STARTTLS'),
                      'waits', ''),
}
STALLING = {step: {step: stall} for step in STEPS}


def curl_cases():
    """What curl's tests let a server say, apart from logins."""
    for path in sorted(CURL.glob('test*')):
        text = path.read_text(errors='replace')
        commands = re.search(r'<servercmd>\n(.*?)</servercmd>', text, re.S)
        if not commands or re.search(r'^(AUTH|REPLY \S*AUTH)|b64', commands[1], re.M):
            continue
        faults = {}
        for step, words in re.findall(r'^REPLY (\w+) (.*)', commands[1], re.M):
            faults[{'welcome': 'banner'}.get(step.lower(), step.lower())] = says(
                words.replace('\\r\\n', '\r\n'))
        capabilities = re.findall(r'"[^"]*"|\S+', ' '.join(re.findall(r'^CAPA (.*)', commands[1], re.M)))
        yield path.name, faults, tuple(['curl.test', *(word.strip('"') for word in capabilities)])


CURLS = {name: (faults, offer) for name, faults, offer in curl_cases()}


def domain(name):
    return f'{name}.liar.test'


class World:
    """All liars at once; each gets two messages."""

    def __init__(self, folder, stack):
        self.liars = {}
        for name, (faults, offer) in PASSING.items():
            self.liars[name] = Liar(faults, times=max(1, len(faults)), offer=offer)
        for name, (faults, offer, *_) in LYING.items():
            self.liars[f'lie-{name}'] = Liar(faults, times=10 ** 6, offer=offer)
        for name, faults in STALLING.items():
            self.liars[f'stall-{name}'] = Liar(faults)
        for name, (faults, offer) in CURLS.items():
            self.liars[name] = Liar(faults, times=10 ** 6, offer=offer)
        for liar in self.liars.values():
            stack.enter_context(liar)
        routes = '\n'.join(f'destination {domain(name)} {{{{ host 127.0.0.1:{liar.port}; '
                           f'tls {"encrypt" if "encrypt" in name else "may"} }}}}'
                           for name, liar in self.liars.items())
        self.server = Server(folder / 'server', CONF.format(routes=routes))
        self.server.account('joe@example.test')
        for name in self.liars:
            self.send(name, 'one')

    def send(self, name, subject):
        utf8 = ['SMTPUTF8'] if name == 'lie-smtputf8' else []
        self.server.send('joe@example.test', [f'{subject}@{domain(name)}'],
                         f'Subject: {subject}\r\n\r\nhello\r\n.\r\nVRFY x\r\n'.encode(), options=utf8)

    def got(self, name, subject):
        liar = self.liars[name]
        with liar.lock:
            return [text for _, text in liar.messages if f'Subject: {subject}\r\n'.encode() in text]

    def story(self, name, subject='one'):
        return self.server.run('why', f'{subject}@{domain(name)}', check=False).stdout.decode()

    def bounces(self, name):
        return [text for text in self.server.mail('joe@example.test') if domain(name).encode() in text]

    def queued(self, name):
        listed = self.server.run('queue', 'list', '--domain', domain(name), check=False)
        return domain(name) in listed.stdout.decode()


@pytest.fixture(scope='module')
def world(users):
    with contextlib.ExitStack() as stack:
        made = World(stack.enter_context(short_folder()), stack)
        yield made
        begin = time.monotonic()
        made.server.stop()
        assert time.monotonic() - begin < 15, 'stalled peers hold up the end'


@pytest.mark.parametrize('name', PASSING)
def test_a_peer_that_fails_once_gets_the_mail_once(world, name):
    wait_until(lambda: world.got(name, 'one'), 60, 'the message')
    world.send(name, 'two')
    wait_until(lambda: world.got(name, 'two'), 60, 'the next message')
    wait_until(lambda: not world.queued(name), 60, 'the end')
    most = 2 if MAY_REPEAT.match(name) else 1
    assert len(world.got(name, 'one')) <= most and len(world.got(name, 'two')) == 1
    for text in world.got(name, 'one') + world.got(name, 'two'):
        assert text.endswith(b'\r\n\r\nhello\r\n.\r\nVRFY x\r\n')
    assert not world.bounces(name)
    if name.startswith(('421', '451')):
        assert WORDS in world.story(name)


@pytest.mark.parametrize('name', LYING)
def test_a_peer_that_lies_for_ever(world, name):
    _, _, fate, words = LYING[name]
    name = f'lie-{name}'
    if fate == 'arrives':
        wait_until(lambda: world.got(name, 'one'), 60, 'the message')
        world.send(name, 'two')
        wait_until(lambda: world.got(name, 'two'), 60, 'the next message')
        assert len(world.got(name, 'one')) == len(world.got(name, 'two')) == 1
        assert not world.bounces(name)
    elif fate == 'bounces':
        text = wait_until(lambda: world.bounces(name), 60, 'the bounce')[0].decode()
        assert words in re.sub(r'\s+', ' ', text) and not world.got(name, 'one')
    else:
        wait_until(lambda: words in world.story(name) and 'one@' in world.story(name), 60, 'the reason')
        assert world.queued(name) and not world.bounces(name) and not world.got(name, 'one')
        assert not any(line.startswith('MAIL') for line in world.liars[name].lines)


@pytest.mark.parametrize('name', STALLING)
def test_a_peer_that_stalls_holds_up_nobody_else(world, name):
    name = f'stall-{name}'
    wait_until(lambda: world.liars[name].connections, 60, 'the connection')
    assert world.queued(name) and not world.bounces(name)


@pytest.mark.skipif(not CURLS, reason='no corpus')
@pytest.mark.parametrize('name', CURLS)
def test_what_curls_server_says(world, name):
    """Taken once, or it came back."""
    wait_until(lambda: world.got(name, 'one') or world.bounces(name), 60, 'an end')
    assert len(world.got(name, 'one')) + len(world.bounces(name)) == 1
