"""A mail server that speaks TLS well, badly or not at all, for what the relay does with it.

    pair = authority.issue('mx', ['mx.far.test'])
    with TlsSink(tls_context(pair)) as sink: ...
    sink.messages[0].tls      'TLSv1.3', or None when it came in the clear
    sink.sessions             one for each connection, as far as it came
"""
import dataclasses
import socketserver
import ssl
import threading
import time

VERSIONS = {'1.0': ssl.TLSVersion.TLSv1, '1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}


def tls_context(pair, version=None):
    """The server's side with this pair; `version`: this one alone ('1.0', '1.2', '1.3')."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    if version == '1.0':
        context.set_ciphers('DEFAULT@SECLEVEL=0')
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


@dataclasses.dataclass
class Session:
    tls: str = None      # 'TLSv1.3'; None: in the clear
    resumed: bool = False
    sni: str = None
    starttls: bool = False  # it was said
    messages: int = 0


@dataclasses.dataclass
class Message:
    mail: str
    recipients: list
    text: bytes
    tls: str


class Handler(socketserver.StreamRequestHandler):
    def reply(self, *lines):
        self.wfile.write(''.join(line + '\r\n' for line in lines).encode())
        self.wfile.flush()

    def handle(self):
        self.session = Session()
        self.server.sink.sessions.append(self.session)
        try:
            if self.server.sink.implicit:
                self.shake_hands()
            self.reply('220 sink.test ESMTP')
            self.converse(self.server.sink)
        except (OSError, ValueError):
            pass  # what clients do to servers is the test's to judge

    def shake_hands(self):
        secure = self.server.sink.context.wrap_socket(self.request, server_side=True)
        self.request = self.connection = secure
        self.rfile, self.wfile = secure.makefile('rb'), secure.makefile('wb')
        self.session.tls, self.session.resumed = secure.version(), secure.session_reused
        self.session.sni = self.server.sink.names.pop(id(secure), None)

    def start_tls(self, sink):
        """False: the connection is over."""
        self.session.starttls = True
        if sink.mode == 'refuse':
            self.reply('454 4.7.0 TLS not available')
        elif sink.mode == 'garbage':
            self.reply('220 go')
            self.wfile.write(b'this is not TLS at all, is it?\r\n' * 20)
        elif sink.mode == 'inject':
            self.reply('220 go', '250 2.0.0 injected')
            time.sleep(0.2)
            self.shake_hands()
        elif sink.mode == 'close':
            self.reply('220 go')
            return False
        else:
            self.reply('220 go')
            self.shake_hands()
        return sink.mode != 'garbage'

    def say_hello(self, sink):
        lines = ['sink.test', *sink.extensions]
        if sink.mode != 'strip' and not self.session.tls:
            lines.append('STARTTLS')
        if self.session.tls:
            lines += sink.under_tls
        self.reply(*(f'250-{line}' for line in lines[:-1]), f'250 {lines[-1]}')

    def converse(self, sink):
        mail, recipients = None, []
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb.startswith(b'EHLO'):
                self.say_hello(sink)
            elif verb == b'STARTTLS':
                if not self.start_tls(sink):
                    return
            elif verb.startswith(b'MAIL'):
                mail, recipients = line.decode().strip(), []
                self.reply('250 2.1.0 ok')
            elif verb.startswith(b'RCPT'):
                recipients.append(line.decode().strip())
                self.reply('250 2.1.5 ok')
            elif verb == b'DATA':
                self.reply('354 go on')
                text = b''
                while (line := self.rfile.readline()) not in (b'.\r\n', b''):
                    text += line
                if not line:
                    return
                sink.messages.append(Message(mail, recipients, text, self.session.tls))
                self.session.messages += 1
                self.reply('250 2.0.0 taken')
            elif verb == b'QUIT':
                self.reply('221 2.0.0 bye')
                return
            else:
                self.reply('250 2.0.0 ok')


class TlsSink:
    """mode: None, or how it goes wrong: 'strip' (STARTTLS is not offered), 'refuse' (454 to it),
    'close', 'garbage' (instead of a handshake), 'inject' (a reply in the clear behind 220)."""

    def __init__(self, context=None, mode=None, implicit=False, under_tls=(), host='127.0.0.1', port=0,
                 extensions=('PIPELINING', '8BITMIME', 'SIZE')):
        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128
        self.context, self.mode, self.implicit = context, mode, implicit
        self.extensions, self.under_tls = extensions, under_tls
        self.messages, self.sessions, self.names = [], [], {}
        if context:
            context.sni_callback = lambda secure, name, _: self.names.update({id(secure): name})
        self.server = Server((host, port), Handler)
        self.server.sink = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
