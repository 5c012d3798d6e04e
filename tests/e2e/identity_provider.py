"""An identity provider that knows one token, and whose it is.

    with serve(token, account) as port: ...

POST to /token gives that token for the refresh token "refresh-1" (RFC 6749 section 6), or what
provider.answers has for it; provider.asked has what was asked there.
"""
import contextlib
import http.server
import json
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    """Token introspection (RFC 7662)."""
    token = account = None
    asked = answers = None

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode())
        if self.path == '/token':
            self.give_token(form)
        else:
            self.introspect(form)

    def give_token(self, form):
        self.asked.append(form)
        status, answer = 400, {'error': 'invalid_grant', 'error_description': 'revoked'}
        if form.get('refresh_token') == ['refresh-1']:
            status, answer = 200, {'access_token': self.token, 'expires_in': 3600}
        if self.answers:
            status, answer = self.answers.pop(0)
        self.reply(status, answer)

    def introspect(self, form):
        known = form.get('token') == [self.token]
        self.reply(200, {'active': known, **({'username': self.account} if known else {})})

    def reply(self, status, answer):
        answer = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve(token, account):
    with provide(token, account) as provider:
        yield provider.port


@contextlib.contextmanager
def provide(token, account):
    """The same, with what it is asked and answers: .port, .asked, .answers."""
    handler = type('OneToken', (Handler,), {'token': token, 'account': account, 'asked': [],
                                            'answers': []})
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        handler.port = server.server_address[1]
        yield handler
    finally:
        server.shutdown()
        server.server_close()
