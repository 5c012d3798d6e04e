"""Signs messages as RFC 6376 has it, out of templates that may be as odd as they like."""
import base64
import functools
import hashlib
import re
import sys

try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
except ImportError:
    sys.exit(77)


@functools.lru_cache
def rsa_key(bits=1024, exponent=65537):
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


@functools.lru_cache
def ed25519_key():
    return ed25519.Ed25519PrivateKey.generate()


def public(key, spki=True):
    """p=, as RFC 8463 and the examples of RFC 6376 have it."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        raw = key.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo if spki else serialization.PublicFormat.PKCS1)
    return base64.b64encode(raw).decode()


def sign_bytes(key, data, algorithm=hashes.SHA256):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(hashlib.sha256(data).digest())
    return key.sign(data, padding.PKCS1v15(), algorithm())


def split(message):
    """[(name, field with its CRLF)], body."""
    head, empty, body = (b'\r\n' + message).partition(b'\r\n\r\n')
    head = head.removeprefix(b'\r\n') + b'\r\n' if head != b'\r\n' or not empty else b''
    fields = re.findall(rb'[^ \t\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*', head)
    return [(field.partition(b':')[0].strip(b' \t').lower(), field) for field in fields], body


def canonical_field(field, how):
    """Section 3.4.1 and 3.4.2."""
    if how == 'simple':
        return field
    name, _, value = field.partition(b':')
    value = re.sub(rb'[ \t]+', b' ', value.replace(b'\r\n', b''))
    return name.strip(b' \t').lower() + b':' + value.strip(b' ') + b'\r\n'


def canonical_body(body, how):
    """Section 3.4.3 and 3.4.4."""
    lines = body.split(b'\r\n')
    if how == 'relaxed':
        lines = [re.sub(rb'[ \t]+', b' ', line).removesuffix(b' ') for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return b'' if how == 'relaxed' else b'\r\n'
    return b'\r\n'.join(lines) + b'\r\n'


def pick(fields, names):
    """Section 5.4.2: each name takes the lowest that is left."""
    left = list(fields)
    for name in names:
        for at in range(len(left) - 1, -1, -1):
            if left[at][0] == name:
                yield left.pop(at)[1]
                break


def take_b(template, instead=b''):
    return re.sub(rb'@B(?!H)', lambda _: instead, template)


TEMPLATE = b'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d.example;\r\n\ts=s; h=@H; bh=@BH;\r\n\tb=@B'


def sign(message,
         template=TEMPLATE,
         key=None,
         canon='relaxed/relaxed',
         h='from',
         length=None,
         write_b=None,
         hashed=hashes.SHA256,
         empty_b=None,
         write_bh=None):
    """The message with a signature field in front: @H, @BH and @B of the template are filled in.

    `empty_b`: the template with the value of b= and all white space around it taken away, where
    that is not just @B. `write_b` and `write_bh`: spell the values.
    """
    key = key or rsa_key()
    of_header, of_body = canon.split('/')
    fields, body = split(message)
    body = canonical_body(body, of_body)[:length]
    bh = base64.b64encode(hashlib.new(hashed.name, body).digest())

    def fill(text):
        return text.replace(b'@H', h.encode()).replace(b'@BH', write_bh(bh) if write_bh else bh)

    data = b''.join(
        canonical_field(field, of_header)
        for field in pick(fields, [n.strip().lower().encode() for n in h.split(':')]))
    data += canonical_field(fill(take_b(empty_b or template)) + b'\r\n', of_header).removesuffix(b'\r\n')
    b = base64.b64encode(sign_bytes(key, data, hashed))
    return fill(take_b(template, write_b(b) if write_b else b)) + b'\r\n' + message
