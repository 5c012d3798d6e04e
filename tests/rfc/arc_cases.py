#!/usr/bin/python3
"""RFC 8617, sections 4 and 5, paragraph by paragraph: arc_cases.py DRIVER"""
import base64
import re
import sys

from judge import NOW, Case, main, txt
from signer import canonical_field, ed25519_key, hashes, public, rsa_key, sign, sign_bytes, split, take_b

MESSAGE = b'From: Joe <joe@example.com>\r\nTo: list@example.org\r\nSubject: a  test\r\n\r\nHello  there\r\n\r\n'
AAR = b'ARC-Authentication-Results: i=@I; mx@I.example; spf=pass smtp.mailfrom=joe@example.com'
AMS = b'ARC-Message-Signature: i=@I; a=rsa-sha256; c=relaxed/relaxed; d=d@I.example; s=s;\r\n\th=from:to:subject; bh=@BH; b=@B'
SEAL = b'ARC-Seal: i=@I; a=rsa-sha256; cv=@CV; d=d@I.example; s=s; b=@B'
KINDS = [b'arc-authentication-results', b'arc-message-signature', b'arc-seal']


def add_set(message,
            instance,
            aar=AAR,
            ams=AMS,
            seal=SEAL,
            canon='relaxed/relaxed',
            h='from:to:subject',
            key=None,
            seal_key=None,
            cv=None,
            scope='all',
            write_b=None,
            hashed=hashes.SHA256,
            empty_seal=None):
    """The message with one more set. `aar`, `ams`, `seal` are templates, and may be None."""
    def fill(text):
        number = b'%d' % instance
        return text and text.replace(b'@I', number).replace(b'@CV', cv or (b'none' if instance == 1 else b'pass'))

    aar, ams, seal, empty_seal = fill(aar), fill(ams), fill(seal), fill(empty_seal)
    if ams:
        field = sign(message, ams, key, canon, h, write_b=write_b)
        ams = field[:-len(message) - 2]
    earlier = [pair for pair in split(message)[0] if pair[0] in KINDS] if scope == 'all' else []
    earlier.sort(key=lambda pair: (int(re.search(rb'i\s*=\s*(\d+)', pair[1]).group(1)), KINDS.index(pair[0])))
    data = b''.join(canonical_field(field, 'relaxed') for _, field in earlier)
    data += b''.join(canonical_field(field + b'\r\n', 'relaxed') for field in (aar, ams) if field)
    if seal:
        data += canonical_field(take_b(empty_seal or seal) + b'\r\n', 'relaxed').removesuffix(b'\r\n')
        b = base64.b64encode(sign_bytes(seal_key or rsa_key(), data, hashed))
        seal = take_b(seal, write_b(b) if write_b else b)
    return b''.join(field + b'\r\n' for field in (seal, ams, aar) if field) + message


def chain(count, message=MESSAGE, **how):
    for i in range(1, count + 1):
        message = add_set(message, i, **how)
    return message


def check(what, arc, message, records=None, now=NOW):
    zone = [txt(f's._domainkey.d{i}.example', 'v=DKIM1; p=' + public(rsa_key())) for i in range(1, 52)]
    return Case(f'arc: {what}', zone if records is None else records, message, now=now, arc=arc)


def changed(old, new, **how):
    def replace(template):
        assert old in template
        return template.replace(old, new, 1)

    return {name: replace(template) for name, template in how.items()}


def chains():
    yield check('no chain', 'none', MESSAGE)
    for count in (1, 2, 3, 10, 50):
        yield check(f'{count} sets', 'pass', chain(count))
    yield check('51 sets', 'fail', chain(51))
    for canon in ('simple/simple', 'simple/relaxed', 'relaxed/simple'):
        yield check(f'AMS of {canon}', 'pass',
                    chain(2, canon=canon, **changed(b'relaxed/relaxed', canon.encode(), ams=AMS)))
    yield check('AMS without c=', 'pass',
                chain(1, canon='simple/simple', **changed(b'c=relaxed/relaxed; ', b'', ams=AMS)))

    def fold(b):
        return b'\r\n  '.join(b[i:i + 30] for i in range(0, len(b), 30)) + b' '

    yield check('folded b=', 'pass', chain(3, write_b=fold))
    one, two = chain(1), chain(2)
    fields = [field for _, field in split(two)[0]]
    for order in ([0, 1, 2], [2, 1, 0], [5, 4, 3, 2, 1, 0], [3, 4, 5, 0, 1, 2], [1, 3, 0, 5, 2, 4]):
        moved = [fields[i] for i in order] + [field for i, field in enumerate(fields) if i not in order]
        yield check(f'the order of the fields does not matter {order}', 'pass',
                    b''.join(moved) + b'\r\n' + split(two)[1])
    yield check('fields in between', 'pass', b'Received: a\r\n' + add_set(b'Received: b\r\n' + one, 2))
    for i in range(3):
        lines = [field for _, field in split(one)[0]]
        yield check(f'without field {i}', 'fail', b''.join(lines[:i] + lines[i + 1:]) + b'\r\nHello  there\r\n\r\n')
        yield check(f'field {i} twice', 'fail', lines[i] + one)
        yield check(f'of two, without field {i}', 'fail',
                    b''.join(fields[:i] + fields[i + 1:]) + b'\r\nHello  there\r\n\r\n')
        yield check(f'of two, without field {i + 3}', 'fail',
                    b''.join(fields[:i + 3] + fields[i + 4:]) + b'\r\nHello  there\r\n\r\n')
    yield check('i=2 alone', 'fail', add_set(MESSAGE, 2))
    yield check('a gap', 'fail', add_set(one, 3))
    yield check('i=1 twice', 'fail', add_set(one, 1))
    for i in (b'0', b'51', b'100', b'-1', b'', b'x', b'1.0', b'1 0', b'999999999999999999999'):
        yield check(
            f'i={i}', 'fail',
            chain(1, **changed(b'@I', i, aar=AAR, ams=AMS, seal=SEAL)) if i.isdigit() and len(i) < 4 else one.replace(
                b'i=1;', b'i=' + i + b';'))
    for first, second in ((b'none', b'pass'), (b'pass', b'pass'), (b'none', b'none'), (b'fail', b'pass'),
                          (b'none', b'fail'), (b'x', b'pass'), (b'none', b'')):
        good = (first, second) == (b'none', b'pass')
        yield check(f'cv={first} and {second}', 'pass' if good else 'fail',
                    add_set(add_set(MESSAGE, 1, cv=first), 2, seal=SEAL.replace(b'@CV', second)))
    yield check('cv=fail with a scope of one', 'fail', add_set(one, 2, cv=b'fail', scope='one'))
    for old, new in ((b'Subject: a', b'Subject: b'), (b'Hello', b'Hallo'), (b'From: Joe', b'From: Jim')):
        yield check(f'changed {new}', 'fail', two.replace(old, new))
        yield check(f'changed before the second: {new}', 'pass', add_set(one.replace(old, new), 2))
    yield check('a field that is not signed', 'pass', b'X-Foo: a\r\n' + two)
    yield check('AAR changed', 'fail', two.replace(b'mx1.example', b'mx3.example'))
    yield check('AAR with other blanks', 'pass', two.replace(b'; mx1', b';\r\n   mx1'))
    yield check('the older AMS changed', 'fail',
                re.sub(rb'(Message-Signature: i=1;.*?bh=)....', rb'\1AAAA', two, flags=re.DOTALL))
    yield check('the older seal changed', 'fail', re.sub(rb'(Seal: i=1;.*?b=)....', rb'\1AAAA', two, flags=re.DOTALL))


def tags():
    """Sections 4.1.2 and 4.1.3."""
    for name, template in (('ams', AMS), ('seal', SEAL)):
        for old, new, arc in ((b'rsa-sha256', b'rsa-sha1', 'fail'), (b'rsa-sha256', b'rsa-sha512', 'fail'),
                              (b'rsa-sha256', b'ed25519-sha256', 'fail'), (b'a=rsa-sha256; ', b'', 'fail'),
                              (b'd=d@I.example; ', b'', 'fail'), (b's=s;', b'', 'fail'),
                              (b's=s;', b's=s; s=s;', 'fail'), (b's=s;', b's=s; foo=bar;', 'pass'),
                              (b's=s;', b's=s; t=1499999999;', 'pass'), (b's=s;', b's=s; t=x;', 'fail'),
                              (b's=s;', b's = s ;', 'pass'), (b's=s;', b's=S;', 'pass'), (b'd=d', b'd=D', 'pass'),
                              (b's=s;', b's=t;', 'fail'), (b'd=d@I', b'd=e@I', 'fail'), (b's=s;', b's=s;;', 'fail'),
                              (b's=s;', b's=s; foo;',
                               'fail'), (b': i', b':i', 'pass'), (b': i', b':\r\n\ti', 'pass'), (b'i=@I', b'i = @I ',
                                                                                                 'pass')):
            yield check(f'{name} {old} to {new}', arc, chain(2, **changed(old, new, **{name: template})))
    for new, arc in ((b'v=1; c=', 'pass'), (b'v=2; c=', 'pass'), (b'q=dns/txt; c=', 'pass'), (b'x=1; c=', 'fail'),
                     (b'l=5; c=', 'fail'), (b'c=x; x=', 'fail')):
        yield check(f'AMS with {new}', arc, chain(1, **changed(b'c=', new, ams=AMS)))
    yield check('AMS without bh=', 'fail', chain(1, **changed(b' bh=@BH;', b'', ams=AMS)))
    yield check('AMS without h=', 'fail', chain(1, **changed(b'h=from:to:subject; ', b'', ams=AMS)))
    yield check(
        'AMS of From, oversigned', 'pass',
        chain(1, h='from:from:to:subject:x', **changed(b'from:to:subject', b'from:from:to:subject:x', ams=AMS)))
    yield check('seal with h=', 'fail', chain(1, **changed(b's=s;', b's=s; h=from;', seal=SEAL)))
    yield check('older seal with h=', 'fail', add_set(chain(1, **changed(b's=s;', b's=s; h=from;', seal=SEAL)), 2))
    yield check('seal without cv=', 'fail', chain(1, **changed(b'cv=@CV; ', b'', seal=SEAL)))
    yield check('seal with b= in the middle', 'pass',
                chain(2, seal=b'ARC-Seal: i=@I; b=@B; a=rsa-sha256; cv=@CV; d=d@I.example; s=s'))
    yield check('seal that ends with ;', 'pass', chain(2, seal=SEAL + b';'))
    yield check('AMS that ends with ;', 'pass', chain(2, ams=AMS + b';'))
    yield check(
        'names in lower case', 'pass',
        chain(2,
              aar=AAR.lower().replace(b'@i', b'@I'),
              ams=b'arc-message-signature' + AMS[21:],
              seal=b'arc-seal' + SEAL[8:]))
    yield check('AAR with a comment', 'pass', chain(1, **changed(b'i=@I;', b'i=@I (c) ;', aar=AAR)))
    yield check('AAR with a comment in front', 'pass', chain(1, **changed(b' i=@I;', b' (c) i=@I;', aar=AAR)))
    yield check('AAR in UTF-8', 'pass', chain(1, **changed(b'joe@', 'jö@'.encode(), aar=AAR)))
    yield check('AAR of none', 'pass', chain(1, aar=b'ARC-Authentication-Results: i=@I; mx.example; none'))
    yield check('U-labels', 'pass',
                chain(1, **changed(b'd=d@I.example', 'd=bücher.example'.encode(), ams=AMS, seal=SEAL)),
                [txt('s._domainkey.xn--bcher-kva.example', 'p=' + public(rsa_key()))])
    yield check(
        'AMS that signs a signature', 'pass',
        chain(1,
              sign(MESSAGE),
              h='from:to:subject:dkim-signature',
              **changed(b'from:to:subject', b'from:to:subject:dkim-signature', ams=AMS)))


def keys():
    message = chain(1)
    owner = 's._domainkey.d1.example'
    good = 'v=DKIM1; k=rsa; p=' + public(rsa_key())
    for what, record, arc in (('good', good, 'pass'), ('revoked', 'v=DKIM1; p=', 'fail'), ('none', None, 'fail'),
                              ('another', 'p=' + public(rsa_key(1032)),
                               'fail'), ('sha1 only', 'h=sha1; p=' + public(rsa_key()),
                                         'fail'), ('k=ed25519', 'k=ed25519; p=' + public(rsa_key()),
                                                   'fail'), ('t=s', 't=s; p=' + public(rsa_key()), 'pass')):
        yield check(f'key: {what}', arc, message, [txt(owner, record)] if record else [])
    yield check('key with SERVFAIL', 'temperror', message, [f'{owner} TXT !servfail'])
    key = ed25519_key()
    yield check('Ed25519', 'pass', chain(1, key=key, seal_key=key, **changed(b'rsa', b'ed25519', ams=AMS, seal=SEAL)),
                [txt(owner, 'v=DKIM1; k=ed25519; p=' + public(key))])


def make_cases():
    return [case for group in (chains, tags, keys) for case in group()]


if __name__ == '__main__':
    sys.exit(main(make_cases, 100))
