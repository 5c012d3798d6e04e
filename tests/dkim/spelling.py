"""Messages, and DKIM-Signature fields in any spelling the grammar allows and some that it does not.

The canonicalisations here are written a second time, after RFC 6376 section 3.4, so that a signature
made here and verified by us is an agreement of two readings. Nothing is random but what comes out of
the `rng` that is handed in.
"""
import base64
import hashlib
import re

FWS = [b'', b'', b'', b' ', b'\t', b'\r\n ', b' \r\n\t', b'  ']


def relax(text):
    return re.sub(rb'[ \t]+', b' ', text)


def canon_field(raw, relaxed):
    if not relaxed:
        return raw
    name, value = raw.split(b':', 1)
    return name.strip(b' \t').lower() + b':' + relax(value.replace(b'\r\n', b'')).strip(b' ') + b'\r\n'


def canon_body(body, relaxed):
    lines = body.split(b'\r\n')
    if relaxed:
        lines = [relax(line).rstrip(b' ') for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return b'' if relaxed else b'\r\n'
    return b'\r\n'.join(lines) + b'\r\n'


def select(fields, names):
    """Of each name the lowest field that is not taken yet (section 5.4.2)."""
    left = list(fields)
    for name in names:
        for i in range(len(left) - 1, -1, -1):
            if left[i].split(b':', 1)[0].strip(b' \t').lower() == name.lower():
                yield left.pop(i)
                break


class Message:
    def __init__(self, fields, body):
        self.fields, self.body = fields, body   # fields raw, with their line ends

    def text(self, above=b''):
        return above + b''.join(self.fields) + b'\r\n' + self.body


WORDS = [b'one', b'two ', b'  three', b'\tfour\t', b'f\xc3\xbcnf', b'six  six', b'a' * 200, b'=', b';', b'.', b'From ']


def some_text(rng, ends):
    return b''.join(rng.choice(WORDS) + rng.choice(ends) for _ in range(rng.randrange(8)))


def some_message(rng):
    fields = []
    for name in [b'From'] + rng.choices([b'To', b'Cc', b'Subject', b'Date', b'X-Other', b'Received', b'subject',
                                         b'Message-ID', b'Reply-To'], k=rng.randrange(7)):
        value = b'a@example.org' if name == b'From' else some_text(rng, [b'', b' ', b'\r\n ', b'\r\n\t'])
        # A folded line of nothing but blanks is obsolete, and read in two ways.
        value = re.sub(rb'\r\n([ \t]*(?=\r\n|$))', b' ', value).rstrip(b' \t') or b'x'
        gap = rng.choice([b':', b': ', b':  ', b':\r\n '])
        fields.append(name + gap + value + rng.choice([b'', b'', b' ', b'\t']) + b'\r\n')
    rng.shuffle(fields)
    body = some_text(rng, [b'', b'\r\n', b'\r\n', b' \r\n', b'\r\n\r\n'])
    end = rng.choice([b'\r\n', b'\r\n\r\n', b'x\r\n', b' \r\n']) if body else rng.choice([b'', b'\r\n', b'x\r\n'])
    return Message(fields, body + end)


FAULTS = [
    ('v', b'2'), ('v', None), ('a', b'rsa-sha3'), ('a', None), ('bh', None), ('bh', b'AAAA'), ('d', None), ('s', None),
    ('h', None), ('h', b'to'), ('i', b'a@example.com'), ('i', b'a@notexample.org'), ('x', b'1500000000'),
    ('l', b'x'), ('q', b'dns'), ('c', b'relaxed/nothing'), ('c', b'relaxed/'), ('t', b'-1'), ('a', b'rsa-sha1'),
    ('dup', b''), ('noeq', b''), ('badname', b''), ('emptytag', b''), ('d', b''), ('s', b''), ('h', b''), ('v', b''),
]


class Signature:
    """Tags in an order, blanks and all; `fault` is the name of what is wrong with it, or None."""

    def __init__(self, rng, message, kind, faulty=False):
        self.kind, self.message, self.fault = kind, message, None
        self.header, self.body = rng.choice(['simple', 'relaxed']), rng.choice(['simple', 'relaxed'])
        self.names = [b'from'] + [f.split(b':')[0] for f in message.fields if rng.random() < 0.6]
        self.names += rng.choices([b'From', b'to', b'SUBJECT', b'missing'], k=rng.randrange(3))
        canonical = canon_body(message.body, self.body == 'relaxed')
        self.length = rng.choice([None] * 6 + [0, len(canonical), len(canonical) // 2])
        hashed = canonical if self.length is None else canonical[:self.length]
        tags = {b'v': b'1', b'a': {'rsa': b'rsa-sha256', 'ed25519': b'ed25519-sha256'}[kind], b'd': b'example.org',
                b's': b'sel', b'h': rng.choice(FWS) .join([b'', b'']) + self.list_of_names(rng), b'b': b'@B@',
                b'bh': base64.b64encode(hashlib.sha256(hashed).digest())}
        if (self.header, self.body) != ('simple', 'simple') or rng.random() < 0.5:
            tags[b'c'] = f'{self.header}/{self.body}'.encode()
            if self.body == 'simple' and rng.random() < 0.3:
                tags[b'c'] = self.header.encode()
        if self.length is not None:
            tags[b'l'] = b'%d' % self.length
        for name, value in ((b't', b'1500000000'), (b'x', b'2500000000'), (b'q', b'dns/txt'),
                            (b'i', rng.choice([b'@example.org', b'joe@sub.example.org', b'joe=20x@Example.ORG'])),
                            (b'zz', b'unknown=x'), (b'z', b'From:joe|To:x')):
            if rng.random() < 0.25:
                tags[name] = value
        self.tags = list(tags.items())
        rng.shuffle(self.tags)
        self.faults(rng) if faulty else None
        self.raw = self.spell(rng)

    def list_of_names(self, rng):
        gaps = rng.choice([[b''], [b'', b' '], FWS])
        return b''.join((rng.choice(gaps) + b':' + rng.choice(gaps) if i else b'') + n for i, n in enumerate(self.names))

    def faults(self, rng):
        name, value = rng.choice(FAULTS)
        self.fault = f'{name}={value.decode() if value is not None else "missing"}' if value or len(name) < 3 else name
        key = name.encode()
        if name == 'dup':
            self.tags.append(rng.choice([t for t in self.tags if t[0] != b'b']))
        elif name in ('noeq', 'badname', 'emptytag'):
            self.tags.insert(rng.randrange(len(self.tags)), (name.encode(), None))
        else:
            self.tags = [t for t in self.tags if t[0] != key]
            if value is not None:
                self.tags.append((key, value))

    def spell(self, rng):
        def gap():
            return rng.choice(FWS)
        odd = {b'noeq': b'tag', b'badname': b'a-b=c', b'emptytag': b' '}
        # One in eight is for us alone: dkimpy and opendkim look for " b=" in so many bytes, and
        # dkimpy takes blanks off the end of the field, which simple keeps (section 3.4.1).
        self.wild = rng.random() < 0.12
        specs = [odd[n] if v is None
                 else b' b=' + rng.choice([b'', b'\r\n\t ']) + v if n == b'b' and not self.wild
                 else gap() + n + gap() + b'=' + gap() + v + gap() for n, v in self.tags]
        if not self.wild:
            specs[-1] = specs[-1].rstrip(b' \t\r\n')
        end = rng.choice([b'', b';'])
        return rng.choice([b'DKIM-Signature: ', b'DKIM-Signature:', b'dkim-signature:\r\n ']) + b';'.join(specs) + end + b'\r\n'

    def field(self, sign_digest):
        """The whole field, signed. In the hashed one b= is empty, blanks around it and all."""
        empty = re.sub(rb'[ \t\r\n]*@B@[ \t\r\n]*?(?=;|\r\n$)', b'', self.raw)
        relaxed = self.header == 'relaxed'
        text = b''.join(canon_field(f, relaxed) for f in select(self.message.fields, self.names))
        text += canon_field(empty, relaxed)[:-2]
        signed = base64.b64encode(sign_digest(hashlib.sha256(text).digest()))
        return self.raw.replace(b'@B@', signed)


def tamper(rng, text, protected):
    """`text` with one thing changed behind its first `protected` bytes; and what."""
    at = rng.randrange(protected, len(text)) if len(text) > protected else protected
    kind = rng.choice(['byte', 'blank', 'tail', 'above', 'copy', 'case', 'drop'])
    rest = text[protected:]
    if kind == 'byte':
        return text[:at] + bytes([rng.choice(b'xyz')]) + text[at + 1:], kind
    if kind == 'blank':
        return text[:protected] + re.sub(rb'(?<=[^ \t\r\n:]) (?=[^ \t\r\n])', b'  ', rest, count=1), kind
    if kind == 'tail':
        return text + rng.choice([b'\r\n', b'\r\n\r\n', b'x\r\n', b' \r\n']), kind
    if kind == 'above':
        return rng.choice([b'X-Added: 1\r\n', b'From: b@example.org\r\n', b'Subject: more\r\n']) + text, kind
    if kind == 'copy':
        first = rest.split(b'\r\n', 1)[0] + b'\r\n'
        return text[:protected] + first + rest, kind
    if kind == 'case':
        return text[:protected] + rest.replace(b'From:', b'FROM:', 1), kind
    return text[:protected] + rest[rest.find(b'\n') + 1:], kind
