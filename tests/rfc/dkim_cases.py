#!/usr/bin/python3
"""RFC 6376 with 8301, 8463 and 8616, paragraph by paragraph: dkim_cases.py DRIVER"""
import re
import sys

from judge import NOW, PLAIN, Case, main, txt
from signer import TEMPLATE, ed25519_key, hashes, public, rsa_key, sign

KEY = 's._domainkey.d.example'
NOT = 'not pass'


def record(tags='v=DKIM1; k=rsa; p=@', key=None):
    return tags.replace('@', public(key or rsa_key()))


def check(what, dkim, message=None, zone=None, now=NOW, **how):
    """A signed message; by default it is PLAIN, and signed as usual."""
    results = dkim if isinstance(dkim, list) else [dkim]
    return Case(f'dkim: {what}',
                zone if zone is not None else [txt(KEY, record())],
                message or sign(PLAIN, **how),
                now=now,
                dkim=results)


def tagged(what, dkim, old, new, **how):
    """Signed as usual, but for some bytes of the field."""
    template = TEMPLATE.replace(old, new, 1)
    assert template != TEMPLATE, old
    return check(what, dkim, template=template, **how)


BODIES = [
    b'', b'\r\n', b'\r\n\r\n\r\n', b' \r\n', b' \t\r\n\r\n', b'a', b'a ', b'a  b\t c \r\n', b'\ta\r\n',
    b' a\t\r\n \r\n\r\n', b'a\r\n\r\n\r\nb\r\n\r\n\r\n', b'\r\n\r\na\r\n', b'a\r\n \r\n', b'a\r\n \r\nb',
    b'a\r\n.\r\n', b'..\r\n', b'a \r\n\t \t', b' ', b'\t', b'a\r\n ', b'a\r\n\r\n ', b'\xc3\xa4\xff\x80 \r\n',
    b'a\x00b\x0c\x0b \r\n', b'a' * 5000, b' ' * 5000 + b'\r\n', b'a' + b' ' * 5000 + b'b\r\n', b'\r\n' * 3000,
    b'\r\n' * 3000 + b'a', b'\r\n ' * 300
]
HEADERS = [
    b'Subject: a\r\n', b'SUBJect:a\r\n', b'Subject \t: a\r\n', b'Subject:\r\n', b'Subject: \t \r\n',
    b'Subject: a\r\n \r\n\tb\r\n', b'Subject:\r\n a\r\n', b'Subject: a\tb  c \t\r\n', b'Subject:\ta\t\r\n',
    b'Subject: a:b: c\r\n', b'Subject: \xc3\xa4\xff\r\n', b'Subject: a\r\n\t\r\n', b'Subject : \r\n \r\n',
    b'Subject: a\r\n' + b' b\r\n' * 300, b'Subject: a=b; v=1;  b=c\r\n'
]


def canonicalization():
    """Section 3.4."""
    for kind in ('simple', 'relaxed'):
        for body in BODIES:
            canon = f'relaxed/{kind}'
            yield check(f'{kind} body {body[:30]!r}',
                        'pass',
                        message=sign(b'From: a@d.example\r\n\r\n' + body,
                                     TEMPLATE.replace(b'relaxed/relaxed', canon.encode()),
                                     canon=canon))
        for field in HEADERS:
            canon = f'{kind}/relaxed'
            yield check(f'{kind} header {field[:30]!r}',
                        'pass',
                        message=sign(field + b'From: a@d.example\r\n\r\n',
                                     TEMPLATE.replace(b'relaxed/relaxed', canon.encode()),
                                     canon=canon,
                                     h='From:SUBJECT'))
    for value, canon in {
            b'': 'simple/simple', b'c=simple; ': 'simple/simple', b'c=relaxed; ': 'relaxed/simple',
            b'c=simple/relaxed; ': 'simple/relaxed', b'c = relaxed\r\n /relaxed ; ': None,
            b'c=relaxed/\trelaxed;': None
    }.items():
        if canon:
            yield tagged(f'{value}', 'pass', b'c=relaxed/relaxed; ', value, canon=canon)
    for value in (b'foo', b'relaxed/foo', b'nofws', b'relaxed/', b'/relaxed', b'relaxed/relaxed/relaxed', b''):
        yield tagged(f'c={value}', NOT, b'c=relaxed/relaxed', b'c=' + value)
    yield check('no empty line', 'pass', sign(b'From: a@d.example\r\n'))
    signed = sign(b'Subject: a b\r\nFrom: a@d.example\r\n\r\na b\r\n', h='from:subject')
    for old, new in ((b'Subject: a b', b'subject :  a\t\r\n b '), (b'\r\n\r\na b\r\n', b'\r\n\r\na \t b \r\n\r\n'),
                     (b'Subject: a b', b'X: y\r\nSubject: a b\r\nX-Y: z'), (b'a@d.example', b' a@d.example\r\n\t')):
        assert old in signed
        yield check(f'changed from {old} to {new}', 'pass', signed.replace(old, new))
    yield check('order of other names does not matter', 'pass',
                signed.replace(b'Subject: a b\r\nFrom: a@d.example\r\n', b'From: a@d.example\r\nSubject: a b\r\n'))
    for old, new in ((b'a b\r\nF', b'ab\r\nF'), (b'\r\n\r\na b', b'\r\n\r\nab'), (b'\r\n\r\na b', b'\r\n\r\n\r\na b'),
                     (b'\r\n\r\na b', b'\r\n\r\n a b'), (b'Subject: a b', b'Subject: A b'), (b'\r\n\r\na b',
                                                                                             b'\r\n\r\na\r\nb')):
        assert old in signed
        yield check(f'broken from {old} to {new}', 'fail', signed.replace(old, new))
    simple = sign(b'Subject: a b\r\nFrom: a@d.example\r\n\r\na b\r\n',
                  TEMPLATE.replace(b'relaxed/relaxed', b'simple/simple'),
                  canon='simple/simple',
                  h='from:subject')
    yield check('simple, empty lines behind', 'pass', simple + b'\r\n\r\n')
    for old, new in ((b'Subject: a', b'subject: a'), (b'a b\r\nFrom', b'a  b\r\nFrom'),
                     (b'a b\r\nFrom', b'a\r\n b\r\nFrom'), (b'\r\n\r\na b', b'\r\n\r\na  b'),
                     (b'a b\r\n', b'a b \r\n'), (b'd=d.example', b'd=D.example'), (b'; bh', b';  bh')):
        assert old in simple
        yield check(f'simple, broken from {old} to {new}', 'fail', simple.replace(old, new))


def fields():
    """Sections 3.5 (h=) and 5.4."""
    twice = b'Received: 1\r\nReceived: 2\r\nReceived: 3\r\nFrom: a@d.example\r\nSubject: s\r\n\r\n'
    for h in ('from', 'From', 'from:subject', 'from:received', 'from:received:received',
              'from:received:received:received', 'received:from:received:subject:received:received', 'from:from',
              'from:subject:subject:from', 'from:x-none', 'x-none:from:x', 'from : subject',
              'from\r\n :\r\n\tsubject ', ' from:\tsubject', 'from:date:date:cc', 'FROM:SuBjEcT',
              'from:' + ':'.join(['x'] * 500)):
        yield check(f'h={h[:40]}', 'pass', sign(twice, h=h))
    signed = sign(twice, h='from:received:received:from:subject:x-none')
    yield check('more fields on top', 'pass', b'Received: 0\r\n' + signed)
    yield check('the top one is not signed', 'pass', signed.replace(b'Received: 1', b'Received: 9'))
    yield check('oversigned', 'fail', b'From: e@evil.example\r\n' + signed)
    yield check('oversigned, below', 'fail', signed.replace(b'Subject: s', b'From: e@evil.example\r\nSubject: s'))
    yield check('one that was absent', 'fail', b'X-None: a\r\n' + signed)
    for old, new in ((b'Received: 3', b'Received: 4'), (b'Received: 2\r\n', b''), (b'Subject: s\r\n', b''),
                     (b'From: a', b'From: b')):
        yield check(f'signed, {old} to {new}', 'fail', signed.replace(old, new))
    for h in ('subject', '', 'from:', ':from', 'from::subject', 'from subject', 'from;subject', 'x-from', 'sender'):
        yield check(f'h={h!r}', NOT, sign(twice, h=h))
    both = sign(sign(PLAIN), h='from:dkim-signature')
    yield check('a signature of a signature', ['pass', 'pass'], both)
    yield check('a signature of a changed one', ['fail', 'fail'],
                re.sub(rb'(.*)\tb=...', rb'\1\tb=AAA', both, flags=re.DOTALL))
    yield check('the newest is at the top', ['pass', 'pass', 'pass'],
                sign(both, h='from:dkim-signature:dkim-signature'))
    yield check('unsigned', [], PLAIN)
    yield check('one good, one bad', ['pass', 'fail'], sign(sign(PLAIN).replace(b'bh=', b'bh=A')))
    yield check('name in lower case', 'pass', template=b'dkim-signature' + TEMPLATE[14:])
    yield check('blank before the colon', 'pass', template=b'DKIM-Signature :' + TEMPLATE[15:])
    yield check('folded before all', 'pass', template=TEMPLATE.replace(b': v', b':\r\n\tv'))
    yield check('below others', 'pass', b'Received: x\r\n' + sign(PLAIN))
    yield check('at the end of the header', 'pass',
                re.sub(rb'(DKIM.*@?\r\n)(From: [^\r]*\r\n)', rb'\2\1', sign(PLAIN), flags=re.DOTALL))


def lengths():
    """Section 3.5, l=."""
    template = TEMPLATE.replace(b' h=', b' l=@L; h=')
    body = b'From: a@d.example\r\n\r\nHello  \r\nWorld\r\n\r\n'  # 14 octets when relaxed
    for length in (0, 1, 5, 6, 7, 13, 14):
        signed = sign(body, template.replace(b'@L', b'%d' % length), length=length)
        yield check(f'l={length}', 'pass', signed)
        yield check(f'l={length}, more', 'pass', signed + b'footer\r\n')
    for length in (b'15', b'1000', b'4294967296', b'18446744073709551630', b'9' * 76, b'-1', b'x', b'', b'0x5',
                   b'1 4', b'14.0', b'+14', b'9' * 77):
        yield check(f'l={length}', NOT, sign(body, template.replace(b'@L', length)))
    yield check('l=0014', 'pass', sign(body, template.replace(b'@L', b'0014')))
    yield check('l= 14 ', 'pass', sign(body, template.replace(b'@L', b' 14\r\n ')))
    yield check('l=0 of no body', 'pass', sign(b'From: a@d.example\r\n\r\n', template.replace(b'@L', b'0')))
    yield check(
        'l=2 of an empty simple body', 'pass',
        sign(b'From: a@d.example\r\n\r\n',
             template.replace(b'@L', b'2').replace(b'relaxed/relaxed', b'relaxed/simple'),
             canon='relaxed/simple'))
    yield check('less body than l=', NOT, sign(body, template.replace(b'@L', b'14')).replace(b'World\r\n', b''))


def tags():
    """Sections 3.2, 3.3, 3.5, 6.1.1."""
    for new in (b'v=2', b'v=0', b'v=', b'v=1.0', b'v=01', b'v=1 2', b'v=DKIM1', b'V=1', b'x-v=1', b'v=1; v=1'):
        yield tagged(f'{new}', NOT, b'v=1', new)
    yield tagged('no v=', NOT, b'v=1; ', b'')
    for new in (b'rsa-sha512', b'rsa', b'', b'sha256', b'rsa-sha256-x', b'ed25519-sha1', b'dsa-sha256', b'rsa-md5',
                b'ed25519-sha256'):
        yield tagged(f'a={new}', NOT, b'rsa-sha256', new)
    for tag in (b'a=rsa-sha256; ', b'd=d.example;', b's=s; ', b'h=@H; ', b'bh=@BH;'):
        yield tagged(f'no {tag}', NOT, tag, b'')
        yield tagged(f'{tag} twice', NOT, tag, tag + tag)
        yield tagged(f'{tag} empty', NOT, tag, tag.partition(b'=')[0] + b'=;')
    yield tagged('no b=', NOT, b';\r\n\tb=@B', b'')
    yield tagged('b= empty', NOT, b'b=@B', b'b=')
    yield tagged('b= twice', NOT, b'b=@B', b'b=@B; b=@B')
    yield tagged('rsa-sha1 (RFC 8301)', 'policy', b'rsa-sha256', b'rsa-sha1', hashed=hashes.SHA1)
    for new in (b'v=1;;', b'v=1; ; ', b'v=1; foo; ', b'v=1; =x; ', b'v=1; 1a=x;', b'v=1; a-b=c;',
                b'v=1; foo=a\x01b; ', b'; v=1;'):
        yield tagged(f'bad tag list {new}', NOT, b'v=1;', new)
    for new in (b'v=1; foo=bar;', b'v = 1 ;', b'v\r\n =\r\n 1\r\n ;', b'v=1;foo=;', b'v=1; a_1=x=y==;',
                b'v=1; foo=a b\r\n\tc ;', b'v=1; z=From:a@b=20|To:c;', b'v=1; V=2;',
                b'v=1; foo=!"#$%&\'()*+,-./:<>?@[\\]^_`{|}~;', b'v=1; B=x; BH=y;'):
        yield tagged(f'good tag list {new}', 'pass', b'v=1;', new)
    for end in (b';', b'; ', b';\r\n ', b'; foo=bar', b';\r\n\t foo=bar;'):
        yield check(f'{end} at the end', 'pass', template=TEMPLATE + end)
    yield check('blank and ; at the end', 'pass', template=TEMPLATE + b' ;', empty_b=TEMPLATE + b';')
    yield check(';; at the end', NOT, template=TEMPLATE + b';;')
    yield check('v= at the end', 'pass', template=TEMPLATE.replace(b'v=1; ', b'') + b'; v=1')


def values_of_b():
    """Section 3.7: b= loses its value with all white space around it."""
    def fold(b):
        return b'\r\n\t'.join(b[i:i + 20] for i in range(0, len(b), 20))

    for canon in ('relaxed/relaxed', 'simple/simple'):
        base = TEMPLATE.replace(b'relaxed/relaxed', canon.encode())
        how = {'canon': canon}
        yield check(f'{canon} folded b=', 'pass', sign(PLAIN, base, write_b=fold, **how))
        yield check(f'{canon} folded bh=', 'pass', sign(PLAIN, base, write_bh=fold, **how))
        yield check(f'{canon} b= with blanks at the end', 'pass', sign(PLAIN,
                                                                       base,
                                                                       write_b=lambda b: b + b'  ',
                                                                       **how))
        yield check(f'{canon} b= with blanks around', 'pass',
                    sign(PLAIN, base, write_b=lambda b: b' \r\n ' + fold(b) + b'\r\n ', **how))
        middle = base.replace(b';\r\n\tb=@B', b'').replace(b'd=d', b'b=@B; d=d')
        yield check(f'{canon} b= in the middle', 'pass', sign(PLAIN, middle, **how))
        yield check(f'{canon} folded b= in the middle', 'pass', sign(PLAIN, middle, write_b=fold, **how))
        yield check(f'{canon} blanks before ; go too', 'pass', sign(PLAIN,
                                                                    middle,
                                                                    write_b=lambda b: b + b' \t',
                                                                    **how))
        yield check(f'{canon} b = ', 'pass',
                    sign(PLAIN, base.replace(b'\tb=', b'\tb\t = '), empty_b=base.replace(b'\tb=', b'\tb\t ='), **how))
        first = b'DKIM-Signature:b=@B;' + base.replace(b';\r\n\tb=@B', b'')[15:]
        yield check(f'{canon} b= first', 'pass', sign(PLAIN, first, **how))
        tricky = base.replace(b'v=1; ', b'v=1; zb=b=x; xb=1; ')
        yield check(f'{canon} other tags that end in b', 'pass', sign(PLAIN, tricky, **how))
        yield check(f'{canon} a second signature on top', ['pass', 'pass'], sign(sign(PLAIN, base, **how), base,
                                                                                 **how))
    for bad in (lambda b: b[:-4], lambda b: b + b'AAAA', lambda b: b'!' + b, lambda b: b.replace(b[5:6], b'*'),
                lambda b: b'', lambda b: b[::-1], lambda b: b'A' + b[1:] if b[:1] != b'A' else b'B' + b[1:]):
        yield check(f'damaged b={bad(b"AbCdEfGhIj==")}', NOT, sign(PLAIN, write_b=bad))
    for bad in (lambda b: b[:-4], lambda b: b'', lambda b: b'AAAA' + b[4:], lambda b: b'!' + b,
                lambda b: b + b'AAAA'):
        yield check(f'damaged bh={bad(b"AbCdEfGhIj==")}', NOT, sign(PLAIN, write_bh=bad))


def times():
    """Section 3.5, t= and x=."""
    def with_tags(text):
        return TEMPLATE.replace(b' h=', b' ' + text + b'; h=')

    for text, result in {
            b't=%d' % (NOW - 5): 'pass',
            b't=%d' % (NOW - 5) + b'; x=%d' % (NOW + 1): 'pass',
            b'x=%d' % (NOW + 1): 'pass',
            b'x=%d' % (NOW - 3600): NOT, b'x=%d' % NOW: 'pass',
            b'x=%d' % (NOW - 1): 'policy',
            b'x=0': NOT,
            b't=%d; x=%d' % (NOW, NOW - 1): NOT,
            b't=%d; x=%d' % (NOW + 100, NOW + 50): NOT, b't=x': NOT, b'x=x': NOT, b't=': NOT, b'x=': NOT,
            b't=-1': NOT, b't=1.5': NOT, b't=0': 'pass', b'x=999999999999': 'pass',
            b'x=99999999999999999999999': 'pass', b't=1; x=1': NOT, b'q=dns/txt': 'pass', b'q=dns/txt:foo': 'pass',
            b'q=foo/bar : dns/txt': 'pass', b'q=foo': NOT, b'q=dns': NOT
    }.items():
        yield check(f'{text}', result, template=with_tags(text))


def names():
    """Sections 3.5 (d=, i=, s=), 3.10, and RFC 8616."""
    def with_domain(new, owner=KEY, tags='v=DKIM1; p=@'):
        return {'template': TEMPLATE.replace(b'd=d.example', new), 'zone': [txt(owner, record(tags))]}

    for new in (b'd=D.Example', b'd= d.example ', b'd=d.example; i=@d.example', b'd=d.example; i=@D.EXAMPLE',
                b'd=d.example; i=joe@d.example', b'd=d.example; i=@sub.d.example',
                b'd=d.example; i=joe@a.b.d.example', b'd=d.example; i=joe=20s=3B@d.example',
                b'd=d.example; i="joe s"@d.example', b'd=d.example; i=joe@x\r\n .d.example',
                b'd=d.example; i= @d.example ', b'd=d.example; i=joe+x/y@d.example',
                b'd=d.example; i=joe=40x@d.example'):
        yield check(f'{new}', 'pass', **with_domain(new))
    for new in (b'd=d.example; i=@e.example', b'd=d.example; i=@xd.example', b'd=d.example; i=@example',
                b'd=d.example; i=d.example', b'd=d.example; i=', b'd=d.example; i=joe@',
                b'd=d.example; i=@d.example@e.example', b'd=example; i=@d.example', b'd=d..example', b'd=.example',
                b'd=d.example@', b'd=@d.example', b'd=d.exa mple', b'd=d.example; i=joe@d.example.'):
        yield check(f'{new}', NOT, **with_domain(new))
    strict = 'v=DKIM1; t=s; p=@'
    yield check('t=s', 'pass', **with_domain(b'd=d.example; i=a@D.example', tags=strict))
    yield check('t=s without i=', 'pass', **with_domain(b'd=d.example', tags=strict))
    for flags in ('s', 'y:s', 's : y', ' y :s', 'x:s:z'):
        yield check(f't={flags} and i= of a subdomain', NOT,
                    **with_domain(b'd=d.example; i=@sub.d.example', tags=f'v=DKIM1; t={flags}; p=@'))
    for flags in ('y', 'S', 'ss', 'x', ''):
        yield check(f't={flags} and i= of a subdomain', 'pass',
                    **with_domain(b'd=d.example; i=@sub.d.example', tags=f'v=DKIM1; t={flags}; p=@'))
    for s, owner in ((b'a.b.c', 'a.b.c'), (b'S', 's'), (b'2026-11', '2026-11'), (b'k_1', 'k_1'), (b'a1', 'a1'),
                     (b'1', '1')):
        yield check(f's={s}', 'pass', sign(PLAIN, TEMPLATE.replace(b's=s', b's=' + s)),
                    [txt(f'{owner}._domainkey.d.example', record())])
    for s in (b'', b'.', b'a..b', b'.s', b'a' * 64, b's._domainkey.d.example', b's s', b'.'.join([b'a' * 60] * 5)):
        yield tagged(f's={s[:20]}', NOT, b's=s', b's=' + s)
    for new in ('d=bücher.example', 'd=xn--bcher-kva.example', 'd=bücher.example; i=@xn--bcher-kva.example',
                'd=xn--bcher-kva.example; i=joe@bücher.example', 'd=BÜCHER.example',
                'd=bücher.example; i=jö@bücher.example'):
        yield check(f'{new}', 'pass', **with_domain(new.encode(), 's._domainkey.xn--bcher-kva.example'))
    yield check('s=schlüssel',
                'pass',
                template=TEMPLATE.replace(b's=s', 's=schlüssel'.encode()),
                zone=[
                    txt(
                        'xn--schlssel-95a._domainkey.d.example'.replace('xn--schlssel-95a',
                                                                        'schlüssel'.encode('idna').decode()),
                        record())
                ])


def key_records():
    """Sections 3.6.1, 3.6.2, 6.1.2."""
    p = public(rsa_key())
    spaced = ' '.join(p[i:i + 30] for i in range(0, len(p), 30))
    for tags in ('p=@', 'v=DKIM1; p=@', 'v=DKIM1;p=@', 'v=DKIM1; p=@;', ' v=DKIM1 ; k = rsa ; p = @ ; ', 'k=rsa; p=@',
                 'v=DKIM1; h=sha256; p=@', 'v=DKIM1; h=sha1:sha256; p=@', 'v=DKIM1; h= sha256 : foo; p=@',
                 'v=DKIM1; s=*; p=@', 'v=DKIM1; s=email; p=@', 'v=DKIM1; s=other:email; p=@',
                 'v=DKIM1; s= other : * ; p=@', 'v=DKIM1; n=some=20notes, and more; p=@', 'v=DKIM1; t=y; p=@',
                 'v=DKIM1; t=; p=@', 'v=DKIM1; foo=bar; p=@', 'v=DKIM1; g=*; p=@', 'v=DKIM1; p=' + spaced,
                 'v=DKIM1; p= ' + spaced + ' ; t=z', 'p=@; k=rsa; n=', 'v=DKIM1; V=x; p=@', 'v=DKIM1; n=; p=@'):
        yield check(f'key {tags[:40]!r}', 'pass', zone=[txt(KEY, record(tags))])
    for tags in ('', 'v=DKIM1', 'v=DKIM1; p=', 'v=DKIM1; p=;', 'p=', 'v=DKIM1; k=rsa;', 'p=@; v=DKIM1',
                 'k=rsa; v=DKIM1; p=@', 'v=DKIM2; p=@', 'v=dkim1; p=@', 'v=; p=@', 'v=DKIM1; k=foo; p=@',
                 'v=DKIM1; k=ed25519; p=@', 'v=DKIM1; k=; p=@', 'v=DKIM1; h=sha1; p=@', 'v=DKIM1; h=foo; p=@',
                 'v=DKIM1; h=; p=@', 'v=DKIM1; s=other; p=@', 'v=DKIM1; s=tlsrpt; p=@', 'v=DKIM1; s=emails; p=@',
                 'v=DKIM1; p=@; p=@', 'v=DKIM1; k=rsa; k=rsa; p=@', 'v=DKIM1; p=AAAA', 'v=DKIM1; p=!!!!',
                 'v=DKIM1; p=@!', 'v=DKIM1, p=@', 'v=DKIM1 p=@', 'v=DKIM1;; p=@', 'v=DKIM1; x; p=@', 'hello',
                 'v=spf1 -all', '@', 'v=DKIM1; P=@'):
        yield check(f'key {tags[:40]!r}', NOT, zone=[txt(KEY, record(tags))])
    yield check('revoked', 'permerror', zone=[txt(KEY, 'v=DKIM1; p=')])
    yield check('no key', 'permerror', zone=[])
    yield check('no TXT', 'permerror', zone=[f'{KEY} A 192.0.2.1'])
    yield check('SERVFAIL', 'temperror', zone=[f'{KEY} TXT !servfail'])
    yield check('timeout', 'temperror', zone=[f'{KEY} TXT !timeout'])
    whole = record()
    yield check('key in strings', 'pass', zone=[txt(KEY, whole[:9], whole[9:50], whole[50:51], whole[51:])])
    yield check('key over CNAME', 'pass', zone=[f'{KEY} CNAME k.other.example', txt('k.other.example', whole)])
    yield check('key of a wildcard', 'pass', zone=[txt('*._domainkey.d.example', whole)])
    yield check('TXT of other kinds beside', 'pass', zone=[txt(KEY, 'v=spf1 -all'), txt(KEY, whole)])
    yield check('another key', 'fail', zone=[txt(KEY, record(key=rsa_key(1032)))])


def keys():
    """RFC 8301 and RFC 8463."""
    for bits, result in {
            1024: 'pass', 1025: 'pass', 1536: 'pass', 2048: 'pass', 3072: 'pass', 512: 'policy', 768: 'policy',
            1023: NOT
    }.items():
        try:
            key = rsa_key(bits)
        except ValueError:  # newer libraries make no weak keys
            continue
        yield check(f'RSA of {bits}', result, sign(PLAIN, key=key), [txt(KEY, record(key=key))])
    key = rsa_key(1024, 3)
    yield check('exponent 3', 'pass', sign(PLAIN, key=key), [txt(KEY, record(key=key))])
    yield check('RSAPublicKey', 'pass', zone=[txt(KEY, 'v=DKIM1; p=' + public(rsa_key(), spki=False))])
    key = ed25519_key()
    eddsa = TEMPLATE.replace(b'rsa-sha256', b'ed25519-sha256')
    zone = [txt(KEY, record('v=DKIM1; k=ed25519; p=@', key))]
    yield check('Ed25519', 'pass', sign(PLAIN, eddsa, key), zone)
    yield check('Ed25519, simple', 'pass',
                sign(PLAIN, eddsa.replace(b'relaxed/relaxed', b'simple/simple'), key, canon='simple/simple'), zone)
    yield check('Ed25519, changed', 'fail', sign(PLAIN, eddsa, key).replace(b'joe', b'jim'), zone)
    yield check('Ed25519 with a key for RSA', NOT, sign(PLAIN, eddsa, key), [txt(KEY, record())])
    yield check('Ed25519 without k=', NOT, sign(PLAIN, eddsa, key), [txt(KEY, record('v=DKIM1; p=@', key))])
    yield check('Ed25519 of 31 octets', NOT, sign(PLAIN, eddsa, key),
                [txt(KEY, 'v=DKIM1; k=ed25519; p=' + 'A' * 40 + 'AA==')])
    yield check('Ed25519 with too long b=', NOT, sign(PLAIN, eddsa, key, write_b=lambda b: b[:-2] + b'AAAA'), zone)
    both = sign(sign(PLAIN, eddsa.replace(b's=s', b's=e'), key))
    yield check('both', ['pass', 'pass'], both,
                [txt(KEY, record()),
                 txt('e._domainkey.d.example', record('v=DKIM1; k=ed25519; p=@', key))])
    yield check('both, one key unknown', ['pass', 'permerror'], both, [txt(KEY, record())])


def make_cases():
    return [
        case for group in (canonicalization, fields, lengths, tags, values_of_b, times, names, key_records, keys)
        for case in group()
    ]


if __name__ == '__main__':
    sys.exit(main(make_cases, 300))
