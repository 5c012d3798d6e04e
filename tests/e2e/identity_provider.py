"""An identity provider that knows one token, and whose it is.

    with serve(token, account) as port: ...
"""
import contextlib
import http.server
import json
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    """Token introspection (RFC 7662)."""
    token = account = None

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode())
        known = form.get('token') == [self.token]
        answer = json.dumps({'active': known, **({'username': self.account} if known else {})}).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve(token, account):
    handler = type('OneToken', (Handler,), {'token': token, 'account': account})
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
