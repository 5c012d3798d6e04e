"""A client on a raw socket, for tests that say every byte themselves.

A conversation is a list of steps; a step is what is said and the replies that must follow, each a
pattern. Text is said with a CRLF behind it, bytes as they are. CLOSED stands for the end of the
session. The client checks the form of every reply by itself: CRLF, 512 octets (a SASL challenge may
be longer), one code throughout, and an enhanced code of the same class wherever RFC 2034 wants one,
nowhere else.

    with Client(('127.0.0.1', port)) as client:
        client.run([('EHLO client.test', '250'), ('STARTTLS', '220')])
        client.start_tls(client_context())

TLS runs over memory buffers (class Tls), so that a test decides what goes into which record, and
which bytes into which segment.
"""
import re
import socket
import ssl
import time

CLOSED = object()


class Plain:
    """A connected socket, read by lines."""

    def __init__(self, sock):
        self.socket, self.buffer = sock, b''

    def sendall(self, data):
        self.socket.sendall(data)

    def read(self):
        return self.socket.recv(65536)

    def readline(self):
        while b'\n' not in self.buffer:
            data = self.read()
            if not data:
                break
            self.buffer += data
        line, newline, self.buffer = self.buffer.partition(b'\n')
        return line + newline

    def settimeout(self, seconds):
        self.socket.settimeout(seconds)

    def close(self):
        self.socket.close()


class Tls(Plain):
    """TLS over a connected socket, under the same calls."""

    def __init__(self, sock, context, name=None, session=None):
        super().__init__(sock)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name,
                                       session=session)

    def client_hello(self):
        """The first flight, which the caller has to send himself."""
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return self.outgoing.read()

    def handshake(self):
        self.until_done(self.object.do_handshake)

    def until_done(self, step):
        while True:
            try:
                value = step()
                self.flush()
                return value
            except ssl.SSLWantReadError:
                self.flush()
                self.feed()

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.socket.sendall(data)

    def feed(self):
        data = self.socket.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def encrypt(self, data):
        """The records for some text, to be sent by the caller."""
        self.object.write(data)
        return self.outgoing.read()

    def sendall(self, data):
        """One record for as much as fits into one."""
        self.until_done(lambda: self.object.write(data) if data else None)

    def read(self):
        """What came, b'' at a proper end; an end without close_notify raises SSLEOFError."""
        try:
            return self.until_done(lambda: self.object.read(65536))
        except ssl.SSLZeroReturnError:
            return b''

    def close_notify(self):
        """Says that nothing more will come; does not wait for the answer."""
        try:
            self.object.unwrap()
        except ssl.SSLError:
            pass
        self.flush()


def client_context(ca=None, **settings):
    """What a client would use. ca: a file, else nothing is verified. settings: attributes of
    ssl.SSLContext such as maximum_version, or ciphers, alpn, certificate=(chain, key)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        context.load_verify_locations(ca)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if 'ciphers' in settings:
        context.set_ciphers(settings.pop('ciphers'))
    if 'alpn' in settings:
        context.set_alpn_protocols(settings.pop('alpn'))
    if 'certificate' in settings:
        context.load_cert_chain(*settings.pop('certificate'))
    for name, value in settings.items():
        setattr(context, name, value)
    return context


class Client:
    """address: of a unix socket, or (host, port). source: the client's own IP address. first: is
    said at once. tls: a context, for implicit TLS behind `first`."""

    def __init__(self, address, source=None, first=b'', tls=None, name=None, session=None):
        if isinstance(address, str):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(address)
        else:
            sock = socket.create_connection(address, source_address=source and (source, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(20)
        self.socket = Plain(sock)
        self.socket.sendall(first)
        if tls:
            self.start_tls(tls, name, session)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def tls(self):
        """The ssl.SSLObject of a session under TLS."""
        return self.socket.object

    def start_tls(self, context, name=None, session=None):
        """The handshake. Not a byte may have come behind the reply to STARTTLS."""
        assert not self.socket.buffer, self.socket.buffer
        wrapped = Tls(self.socket.socket, context, name, session)
        wrapped.handshake()
        self.socket = wrapped

    def line(self):
        try:
            return self.socket.readline()
        except ConnectionResetError:
            return b''

    def reply(self):
        """One reply, its lines joined, or CLOSED."""
        lines = []
        while not lines or lines[-1][3:4] == '-':
            line = self.line()
            if not line:
                assert not lines, f'the session ended inside a reply: {lines}'
                return CLOSED
            assert re.fullmatch(rb'[2-5][0-5]\d[ -][\t -~]*\r\n', line), line
            assert len(line) <= 512 or line.startswith(b'334 '), line
            lines.append(line.decode()[:-2])
            assert lines[-1][:3] == lines[0][:3], lines
        return lines[0] + ''.join('\n' + line[4:] for line in lines[1:])

    def say(self, said, *expected):
        raw = said if isinstance(said, bytes) else said.encode() + b'\r\n'
        try:
            self.socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            assert expected[-1] is CLOSED, f'{raw[:80]}: the session ended early'
        reply = None
        for pattern in expected:
            reply = self.reply()
            if pattern is CLOSED or reply is CLOSED:
                assert pattern is reply, f'{raw[:80]}: {reply!r} is not {pattern!r}'
                break
            assert re.match(pattern, reply), f'{raw[:80]}: {reply!r} is not {pattern!r}'
            self.check_enhanced(raw, reply)
        return reply

    @staticmethod
    def check_enhanced(raw, reply):
        """RFC 2034 section 3: on every 2xx, 4xx and 5xx but the greeting and the hellos."""
        hello = re.match(rb'(?i)(ehlo|helo|lhlo|xclient)\b', raw)
        if not hello and reply[0] in '245' and not reply.startswith('220'):
            for line in reply[4:].split('\n'):
                assert re.match(rf'{reply[0]}\.\d{{1,3}}\.\d{{1,3}} ', line), (raw[:80], reply)
        if reply[0] == '3' and not reply.startswith('334'):
            assert not re.match(r'\d\.\d', reply[4:]), reply

    def run(self, steps):
        for said, *expected in steps:
            self.say(said, *expected)

    def extensions(self, hello='EHLO client.test'):
        """EHLO, and what is offered: keyword to its words."""
        lines = self.say(hello, '250').split('\n')[1:]
        return {line.split()[0].upper(): line.split()[1:] for line in lines}


def wait_for_mechanism(port, mechanism, seconds=20):
    """Until a listener with implicit TLS offers it: accounts that come while the server runs decide."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with Client(('127.0.0.1', port), tls=client_context()) as client:
            client.reply()
            if mechanism in client.extensions().get('AUTH', []):
                return
        time.sleep(0.1)
    raise TimeoutError(f'{mechanism} is not offered')
