"""A mail server that goes wrong where a test wants it, and is honest otherwise.

    with Liar({'rcpt': drop}, times=1) as liar: ...
    liar.messages     the texts that it has taken in full, each with its RCPT lines
    liar.connections  how many there were

A step is 'banner', 'ehlo', 'mail', 'rcpt', 'data', 'half' (some of the text is in), 'final', 'quit'
or the verb of any other command in small letters. A fault is called with the Talk in place of the honest
reply, the first `times` times; what it returns False for ends the connection.
"""
import socketserver
import threading
import time

OFFER = ('liar.test', 'PIPELINING', '8BITMIME', 'DSN', 'SIZE 10000000')


class Talk(socketserver.StreamRequestHandler):
    replies = {'banner': '220 liar.test', 'mail': '250 2.1.0 ok', 'rcpt': '250 2.1.5 ok',
               'data': '354 go on', 'final': '250 2.0.0 taken', 'quit': '221 2.0.0 bye',
               'rset': '250 2.0.0 ok', 'helo': '250 liar.test', 'noop': '250 2.0.0 ok'}

    def say(self, text):
        self.said = text if isinstance(text, bytes) else text.encode() + b'\r\n'
        self.wfile.write(self.said)

    def honest(self, step):
        """False: the connection is over."""
        if step == 'ehlo':
            offer = self.server.liar.offer
            self.say('\r\n'.join(f'250{"-" if i + 1 < len(offer) else " "}{line}'
                                 for i, line in enumerate(offer)))
        elif step != 'half':
            self.say(self.replies.get(step, '500 5.5.2 liar.test knows no such command'))
        return step != 'quit'

    def step(self, name):
        liar = self.server.liar
        with liar.lock:
            fault = liar.faults.get(name) if liar.left else None
            liar.left -= bool(fault)
        self.now = name
        return fault(self) is not False if fault else self.honest(name)

    def handle(self):
        liar = self.server.liar
        with liar.lock:
            liar.connections += 1
        try:
            if self.step('banner'):
                self.converse(liar)
        except (ConnectionError, ValueError):
            pass

    def converse(self, liar):
        self.recipients = []
        while line := self.rfile.readline():
            self.line = line.decode('utf-8', 'replace').strip()
            verb = (self.line.split() or ['?'])[0].lower()
            with liar.lock:
                liar.lines.append(self.line)
            if verb == 'mail':
                self.recipients = []
            elif verb == 'rcpt':
                self.recipients.append(self.line)
            if not self.step(verb):
                return
            if verb == 'data' and self.said.startswith(b'354') and not self.take_text(liar):
                return

    def take_text(self, liar):
        text, half = b'', False
        while (line := self.rfile.readline()) not in (b'.\r\n', b''):
            text += line[1:] if line.startswith(b'.') else line
            if not half and b'\r\n\r\n' in text:
                half = True
                if not self.step('half'):
                    return False
        if not line:
            return False
        with liar.lock:
            liar.messages.append((self.recipients, text))
        return self.step('final')


class Liar:
    def __init__(self, faults=None, times=1, offer=OFFER):
        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128
        self.faults, self.left, self.offer = faults or {}, times, offer
        self.connections, self.messages, self.lines = 0, [], []
        self.lock, self.over = threading.Lock(), threading.Event()
        self.server = Server(('127.0.0.1', 0), Talk)
        self.server.liar = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        # It takes half a second to notice, too long where there are a hundred.
        threading.Thread(target=self.close).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def drop(talk):
    return False


def stall(talk):
    talk.server.liar.over.wait(120)
    return False


def late(talk):
    time.sleep(2)
    return talk.honest(talk.now)


def says(text, go_on=True):
    """These words instead of the honest ones."""
    def fault(talk):
        talk.say(text)
        return go_on
    return fault


def twice(talk):
    talk.honest(talk.now)
    return talk.honest(talk.now)


def first(text):
    """These words, and then the honest ones at once."""
    def fault(talk):
        talk.say(text)
        return talk.honest(talk.now)
    return fault


def endless(line):
    """So much of it as the other side takes."""
    def fault(talk):
        talk.request.settimeout(20)
        for _ in range(20000):
            talk.say(line * 64)
        return False
    return fault
