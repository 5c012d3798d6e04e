"""The client's side of SASL mechanisms, written from the RFCs for tests that say every byte
themselves: what is sent, not yet in base64, and what must come back."""
import base64
import hashlib
import hmac
import secrets
import unicodedata


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def plain(user, password, authzid=''):
    return f'{authzid}\0{user}\0{password}'.encode()


def cram_md5(challenge, user, password):
    """RFC 2195."""
    return f'{user} ' + hmac.new(password.encode(), challenge, 'md5').hexdigest()


def xoauth2(user, token):
    return f'user={user}\1auth=Bearer {token}\1\1'


def oauthbearer(user, token, more='host=mx.nuncio.test\1port=587\1'):
    """RFC 7628 section 3.1."""
    return f'n,a={user},\1{more}auth=Bearer {token}\1\1'


class Scram:
    """RFC 5802 and 7677. Every part may be replaced by the test, to see it refused.

        first() -> client-first-message; final(server_first) -> client-final-message;
        verify(server_final) checks the server's signature.
    """

    def __init__(self, user, password, gs2='n,,', digest='sha256', nonce=None, binding=b'',
                 first_more='', mandatory=''):
        self.user = user.replace('=', '=3D').replace(',', '=2C')
        self.password = unicodedata.normalize('NFKC', password).encode()
        self.gs2, self.digest, self.binding = gs2, digest, binding
        self.nonce = secrets.token_urlsafe(18) if nonce is None else nonce
        self.bare = f'{mandatory}n={self.user},r={self.nonce}{first_more}'

    def hmac(self, key, text):
        return hmac.new(key, text, self.digest).digest()

    def first(self):
        return self.gs2 + self.bare

    def final(self, server_first, nonce=None, cbind=None, more='', proof=None):
        fields = dict(part.split('=', 1) for part in server_first.split(','))
        assert fields['r'].startswith(self.nonce) and len(fields['r']) > len(self.nonce)
        assert int(fields['i']) >= 4096  # RFC 7677 section 4
        bound = self.gs2.encode() + self.binding if cbind is None else cbind
        without_proof = f'c={b64(bound)},r={nonce or fields["r"]}{more}'
        salted = hashlib.pbkdf2_hmac(self.digest, self.password, unb64(fields['s']),
                                     int(fields['i']))
        client_key = self.hmac(salted, b'Client Key')
        stored = hashlib.new(self.digest, client_key).digest()
        self.auth_message = f'{self.bare},{server_first},{without_proof}'.encode()
        signature = self.hmac(stored, self.auth_message)
        self.server_key = self.hmac(salted, b'Server Key')
        right = bytes(a ^ b for a, b in zip(client_key, signature))
        return f'{without_proof},p={b64(right) if proof is None else proof}'

    def verify(self, server_final):
        assert server_final.split(',')[0] == 'v=' + b64(self.hmac(self.server_key, self.auth_message))
