#!/usr/bin/python3
"""Chains that dkimpy made, mutated, judged by it and by us: dkimpy.py DRIVER [--long]

What must differ, and why, is in `explained`. Without python3-dkim, or in a build of some
targets only, the test is skipped (exit 77).
"""
import base64
import pathlib
import random
import re
import subprocess
import sys

import arc

try:
    import dkim
except ImportError:
    sys.exit(77)

BODIES = b'Hello,\r\n\r\nsee you  there \r\n', b'', b'\r\n\r\n', b'no end of line'


def make_key():
    key = subprocess.run(['openssl', 'genrsa', '-traditional', '1024'], capture_output=True, check=True).stdout
    public = subprocess.run(['openssl', 'rsa', '-pubout', '-outform', 'DER'], input=key, capture_output=True,
                            check=True).stdout
    return key, 'v=DKIM1; k=rsa; p=' + base64.b64encode(public).decode()


def make_chain(rng, key, sets):
    """A message that went through so many hops; some of them changed it."""
    message = (b'From: Joe <joe@example.com>\r\nTo: list@example.org\r\nSubject: a  test\r\n'
               b'Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n' + rng.choice(BODIES))
    for i in range(1, sets + 1):
        server = b'mx%d.example' % i
        message = (b'Authentication-Results: ' + server + b';\r\n spf=pass smtp.mailfrom=joe@example.com'
                   + (b'; arc=pass' if i > 1 else b'') + b'\r\n' + message)
        if rng.random() < 0.3:
            message = message.replace(b'Subject: ', b'Subject: [list] ', 1)
        fields = dkim.arc_sign(message, b's', b'seal%d.example' % i, key, server,
                               include_headers=[b'from', b'to', b'subject', b'date'])
        message = b''.join(fields) + message
    return message


ARC_FIELD = re.compile(rb'^ARC-[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*', re.MULTILINE)


def pick_field(rng, message):
    return rng.choice(list(ARC_FIELD.finditer(message)))


def replace(message, match, text):
    return message[:match.start()] + text + message[match.end():]


def drop_field(rng, message):
    return replace(message, pick_field(rng, message), b'')


def double_field(rng, message):
    match = pick_field(rng, message)
    return replace(message, match, match.group() * 2)


def move_field(rng, message):
    """Order among the fields of ARC means nothing."""
    match = pick_field(rng, message)
    return match.group() + replace(message, match, b'')


def change_byte(rng, message):
    match = pick_field(rng, message)
    at = rng.randrange(match.start() + 30, match.end() - 2)
    new = rng.choice(b'abcXYZ0129=;:+/ ')
    return message if message[at] in b'\r\n' else message[:at] + bytes([new]) + message[at + 1:]


def change_tag(rng, message):
    old, new = rng.choice([(b'cv=pass', b'cv=none'), (b'cv=none', b'cv=pass'), (b'cv=pass', b'cv=fail'),
                           (b'i=1', b'i=2'), (b'i=1', b'i=0'), (b'i=1', b'i=01'), (b'i=2', b'i=3'),
                           (b'a=rsa-sha256', b'a=rsa-sha1'), (b'd=seal1', b'd=seal2'), (b's=s', b's=other'),
                           (b'mx1.example', b'mx9.example'), (b' bh=', b' xx='), (b'; b=', b'; h=from; b=')])
    match = pick_field(rng, message)
    return replace(message, match, match.group().replace(old, new, 1))


def fold(rng, message):
    match = pick_field(rng, message)
    return replace(message, match, match.group().replace(b'; ', b';\r\n\t  ', 1))


def change_message(rng, message):
    return rng.choice([lambda m: m.replace(b'Subject:', b'Subject: x', 1), lambda m: m + b'footer\r\n',
                       lambda m: m.replace(b'To:', b'X-To:', 1), lambda m: b'From: me@example.net\r\n' + m,
                       lambda m: m.replace(b'Message-ID', b'X-Message-ID', 1), lambda m: m + b'\r\n\r\n',
                       lambda m: m.replace(b'a  test', b'a test', 1)])(message)


MUTATIONS = [drop_field, double_field, move_field, change_byte, change_byte, change_tag, change_tag, fold, change_message]


def theirs(message, records):
    def ask(name, timeout=5):
        return records.get(name.decode().rstrip('.').lower(), '').encode() or None
    try:
        status, _, reason = dkim.arc_verify(message, dnsfunc=ask)
    except Exception as problem:  # it raises whatever it stumbles over
        return f'fail ({problem})'
    return {b'none': 'none', b'pass': 'pass', b'fail': 'fail', None: 'fail'}[status] + f' ({reason})'


def is_out_of_order(fields):
    order = [b'ARC-Seal', b'ARC-Message-Signature', b'ARC-Authentication-Results']
    places = [(-int(number), order.index(field.split(b':')[0])) for field in fields
              for number in re.findall(rb'^[^:]*:\s*i=(\d+)', field)]
    return places != sorted(places)


def is_from_added(message):
    return len(re.findall(rb'^From:', message.partition(b'\r\n\r\n')[0], re.MULTILINE)) > 1


def explained(message, ours, their):
    """Where dkimpy is another opinion than RFC 8617; each with its paragraph."""
    fields = [match.group() for match in ARC_FIELD.finditer(message)]
    text = b''.join(fields)
    if ours == 'pass':
        # Section 5.1.1: seals cover fields in the order of their instances, wherever they stand; it
        # takes them as they stand, and looks for " i=N;" in this spelling. RFC 6376 section 5.4.2:
        # the lowest From is the one that was signed; it refuses a second one (section 8.15).
        return is_out_of_order(fields) or b'i=01' in text or is_from_added(message)
    # Section 4.2.1: a position has one or two digits, is the tag i= (not the end of another word),
    # and fields without one belong to no chain (step 3 of section 5.2); it passes over such fields.
    if any(not re.match(rb'ARC-[A-Za-z-]+:\s*i=([1-9]|[1-4][0-9]|50);', field) for field in fields):
        return True
    # RFC 6376 section 3.2: an invalid tag list, of a seal or older signature that it does not read.
    # Section 4.1.3: no h= in a seal. 5.2 step 3.C: cv= of every seal.
    return 'h=' in their or b'h=from; b=' in text


def main():
    rng = random.Random(8617)
    key, record = make_key()
    records = {f's._domainkey.seal{i}.example': record for i in range(1, 6)}
    chains = [make_chain(rng, key, sets) for sets in (1, 2, 3, 5) for _ in range(4)]
    messages = list(chains)
    for _ in range(5000 if '--long' in sys.argv else 200):
        message = rng.choice(chains)
        for _ in range(rng.choice((1, 1, 1, 2))):
            if ARC_FIELD.search(message):
                message = rng.choice(MUTATIONS)(rng, message)
        messages.append(message)
    count = {}
    failed = 0
    for message, found in zip(messages, arc.judge(sys.argv[1], records, messages), strict=True):
        ours, their = found[0], theirs(message, records)
        count[ours] = count.get(ours, 0) + 1
        if ours == their.split(' ')[0] or explained(message, ours, their):
            continue
        failed += 1
        if failed <= 3:
            print(f'--- we: {found}; dkimpy: {their}\n{message.decode("latin-1")}')
    print(f'{len(messages)} messages: {count}; {failed} differences')
    return 1 if failed or count.get('pass', 0) < 30 else 0


if __name__ == '__main__':
    sys.exit(main() if pathlib.Path(sys.argv[1]).exists() else 77)
