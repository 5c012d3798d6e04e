#!/usr/bin/python3
"""RFC 9989, paragraph by paragraph: dmarc_cases.py DRIVER"""
import sys

from judge import Case, main, txt
from signer import TEMPLATE, public, rsa_key, sign

OTHER = 'other.example'
LONG = 'a.b.c.d.e.f.g.h.i.j.mail.example.com'  # of section 4.10


def check(what, dmarc, records, author='example.com', sender=OTHER, source=None, zone=(), helo='', **want):
    """SPF passes for `sender`, and nothing else does. `records`: {name below _dmarc: text}; '' is of no type TXT."""
    lines = [
        txt(f'_dmarc.{name}', text) for name, texts in records.items()
        for text in ([texts] if isinstance(texts, str) else texts)
    ]
    passing = sender or helo
    message = source or f'From: joe@{author}\r\n\r\nHello\r\n'.encode()
    return Case(f'dmarc: {what}',
                lines + [txt(passing.encode('idna').decode(), 'v=spf1 +all')] + list(zone),
                message,
                ip='192.0.2.1',
                sender=sender and 'x@' + sender,
                helo=helo,
                dmarc=dmarc,
                **want)


def discovery():
    """Section 4.10.1."""
    yield check('no record', 'none', {})
    yield check('a record', 'fail', {'example.com': 'v=DMARC1; p=reject'}, asked='reject', at='example.com')
    yield check('of the parent',
                'fail', {'example.com': 'v=DMARC1; p=reject'},
                'a.example.com',
                asked='reject',
                at='example.com',
                org='example.com')
    yield check('two levels up',
                'fail', {'example.com': 'v=DMARC1; p=reject'},
                'a.b.example.com',
                asked='reject',
                at='example.com')
    yield check('of its own before the parent',
                'fail', {'example.com': 'v=DMARC1; p=reject', 'a.example.com': 'v=DMARC1; p=none'},
                'a.example.com',
                asked='none',
                at='a.example.com',
                org='example.com')
    yield check('the highest, not the nearest',
                'fail', {'example.com': 'v=DMARC1; p=reject', 'b.example.com': 'v=DMARC1; p=none'},
                'a.b.example.com',
                asked='reject',
                at='example.com',
                org='example.com')
    yield check('the nearest with psd=n',
                'fail', {'example.com': 'v=DMARC1; p=reject', 'b.example.com': 'v=DMARC1; p=quarantine; psd=n'},
                'a.b.example.com',
                asked='quarantine',
                at='b.example.com',
                org='b.example.com')
    yield check('of the PSD',
                'fail', {'com': 'v=DMARC1; p=reject; psd=y'},
                asked='reject',
                at='com',
                org='example.com')
    yield check('PSD: sp',
                'fail', {'com': 'v=DMARC1; p=none; sp=quarantine; psd=y'},
                zone=['example.com A 192.0.2.9'],
                asked='quarantine',
                at='com')
    yield check('PSD: np', 'fail', {'com': 'v=DMARC1; p=none; np=reject; psd=y'}, asked='reject', at='com')
    yield check('not of the PSD if the organization has one',
                'fail', {'com': 'v=DMARC1; p=reject; psd=y', 'example.com': 'v=DMARC1; p=none'},
                'a.example.com',
                asked='none',
                at='example.com',
                org='example.com')
    yield check('of the PSD over a record between',
                'fail', {'com': 'v=DMARC1; p=reject; psd=y', 'b.example.com': 'v=DMARC1; p=none'},
                'a.b.example.com',
                asked='reject',
                at='com',
                org='example.com')
    yield check('the author is a PSD',
                'fail', {'example.com': 'v=DMARC1; p=reject; sp=none; psd=y'},
                asked='reject',
                at='example.com',
                org='example.com')
    yield check('the author is a PSD under another',
                'fail', {'co.uk': 'v=DMARC1; p=reject; psd=y', 'uk': 'v=DMARC1; p=none; psd=y'},
                'co.uk',
                asked='reject',
                at='co.uk')
    yield check('TLD without psd',
                'fail', {'com': 'v=DMARC1; p=reject'},
                'a.example.com',
                asked='reject',
                at='com',
                org='com')
    for name in (LONG, 'g.h.i.j.mail.example.com', 'h.i.j.mail.example.com', 'j.mail.example.com', 'mail.example.com',
                 'example.com', 'com'):
        yield check(f'long name: at {name}', 'fail', {name: 'v=DMARC1; p=reject'}, LONG, asked='reject', at=name)
    for name in ('b.c.d.e.f.g.h.i.j.mail.example.com', 'f.g.h.i.j.mail.example.com',
                 'd.e.f.g.h.i.j.mail.example.com'):
        yield check(f'long name: not at {name}', 'none', {name: 'v=DMARC1; p=reject'}, LONG)
    for author, name, result in (('1.2.3.4.5.6.7.8.com', '2.3.4.5.6.7.8.com', 'none'), ('1.2.3.4.5.6.7.8.com',
                                                                                        '3.4.5.6.7.8.com', 'fail'),
                                 ('1.2.3.4.5.6.7.com', '2.3.4.5.6.7.com', 'fail'), ('1.2.3.4.5.6.com',
                                                                                    '2.3.4.5.6.com', 'fail')):
        yield check(f'{len(author.split("."))} labels, a record at {len(name.split("."))}', result,
                    {name: 'v=DMARC1; p=reject'}, author)
    yield check('CNAME',
                'fail', {},
                zone=['_dmarc.example.com CNAME x.example',
                      txt('x.example', 'v=DMARC1; p=reject')],
                asked='reject')
    yield check('wildcard',
                'fail', {'example.com': 'v=DMARC1; p=none'},
                'a.example.com',
                zone=[txt('*.example.com', 'v=DMARC1; p=reject')],
                asked='reject',
                at='a.example.com')
    for failure in ('servfail', 'timeout'):
        yield check(f'{failure} of its own', 'temperror', {}, zone=[f'_dmarc.example.com TXT !{failure}'])
        yield check(f'{failure} above', 'temperror', {}, 'a.example.com', zone=[f'_dmarc.example.com TXT !{failure}'])
    yield check('case of the author', 'fail', {'example.com': 'v=DMARC1; p=reject'}, 'Example.COM', asked='reject')


def policies():
    """Section 4.7: p, sp, np, t; 4.10.1 which of them."""
    there = ['a.example.com A 192.0.2.9']
    below = ['x.a.example.com A 192.0.2.9']
    words = ['none', 'quarantine', 'reject']
    for p in words:
        yield check(f'p={p}', 'fail', {'example.com': f'v=DMARC1; p={p}'}, asked=p)
        yield check(f'p={p} sp={p} on another',
                    'fail', {'example.com': f'v=DMARC1; p=none; sp={p}'},
                    'a.example.com',
                    zone=there,
                    asked=p)
    rules = [('p=reject; sp=none', True, 'none'), ('p=reject; sp=none', False, 'none'),
             ('p=reject; np=none', True, 'reject'), ('p=reject; np=none', False, 'none'),
             ('p=none; sp=quarantine; np=reject', True, 'quarantine'),
             ('p=none; sp=quarantine; np=reject', False, 'reject'), ('p=quarantine', False, 'quarantine'),
             ('p=reject; t=y', True, 'quarantine'), ('p=quarantine; t=y', True, 'none'),
             ('p=none; t=y', True, 'none'), ('p=reject; t=n', True, 'reject'),
             ('p=none; sp=reject; t=y', True, 'quarantine'), ('p=none; np=reject; t=y', False, 'quarantine'),
             ('p=reject; t=x', True, 'reject'), ('p=REJECT', True, 'reject'), ('p=reject; sp=None', True, 'none'),
             ('p=reject;T=Y', True, 'quarantine'), ('p=reject; pct=0', True, 'reject')]
    for tags, exists, asked in rules:
        yield check(f'{tags}, {"existing" if exists else "no such"} subdomain',
                    'fail', {'example.com': 'v=DMARC1; ' + tags},
                    'a.example.com',
                    zone=there if exists else (),
                    asked=asked)
    both = {'example.com': 'v=DMARC1; p=none; sp=quarantine; np=reject'}
    yield check('np: an empty non-terminal exists', 'fail', both, 'a.example.com', zone=below, asked='quarantine')
    yield check('np: MX alone exists',
                'fail',
                both,
                'a.example.com',
                zone=['a.example.com MX 0 .'],
                asked='quarantine')
    yield check('np: TXT alone exists',
                'fail',
                both,
                'a.example.com',
                zone=[txt('a.example.com', 'x')],
                asked='quarantine')
    yield check('np: not of the domain itself', 'fail', both, asked='none')
    yield check('sp of a subdomain is not its own',
                'fail', {'a.example.com': 'v=DMARC1; p=none; sp=reject', 'example.com': 'v=DMARC1; p=reject'},
                'a.example.com',
                asked='none')


def records():
    """Sections 4.7 and 4.8."""
    reject, none = {'dmarc': 'fail', 'asked': 'reject'}, {'dmarc': 'none'}
    lax = {'dmarc': 'fail', 'asked': 'none'}
    rua = '; rua=mailto:d@example.com'
    for text, want in {
            'v=DMARC1;p=reject': reject, 'v=DMARC1; p=reject;': reject, 'v=DMARC1 ; p = reject ; ': reject,
            'v = DMARC1; p=reject': reject, 'V=DMARC1; P=reject': reject, 'v=DMARC1;\tp=reject': reject,
            'v=DMARC1; foo=bar; p=reject': reject, 'v=DMARC1; rua=x; p=reject': reject,
            'v=DMARC1; p=reject; foo': reject, 'v=DMARC1; p=reject; =': reject,
            'v=DMARC1; p=reject; adkim=x; aspf=y; fo=z; psd=q; t=q': reject,
            'v=DMARC1; p=reject; rua=ftp:x; ruf=!': reject, 'v=DMARC1; p=reject; pct=abc; rf=x; ri=y': reject,
            'v=DMARC1; p=reject; v=DMARC2': reject, 'v=DMARC1; rua=mailto:a@b.c; p=reject': reject,
            'v=DMARC1; p=reject ': reject, 'v=DMARC1; p=reject; ;': reject, 'v=DMARC2; p=reject': none,
            'v=dmarc1; p=reject': none, 'p=reject; v=DMARC1': none, 'p=reject': none, 'v=DMARC1x; p=reject': none,
            'v=DMARC; p=reject': none, 'v=DMARC10; p=reject': none, 'v="DMARC1"; p=reject': none, 'v=spf1 -all': none,
            '': none, 'DMARC1; p=reject': none, 'xv=DMARC1; p=reject': none, 'v=DMARC1 p=reject': none,
            'v=DMARC1, p=reject': none, '; v=DMARC1; p=reject': none, 'v=DMARC1' + rua: lax,
            'v=DMARC1; p=bad' + rua: lax, 'v=DMARC1; p=' + rua: lax, 'v=DMARC1; p=reject; sp=bad' + rua: lax,
            'v=DMARC1; p=reject; np=bad' + rua: lax, 'v=DMARC1; p=rejected' + rua: lax,
            'v=DMARC1; p=bad; rua=mailto:a@b.c,ftp:x': lax, 'v=DMARC1; p=bad; rua=https://example.com/': lax,
            'v=DMARC1; p=bad; rua=x,mailto:a@b.c!10m': lax, 'v=DMARC1; p="reject"' + rua: lax,
            'v=DMARC1; p=reject x' + rua: lax
    }.items():
        yield check(f'record {text!r}', records={'example.com': text}, **want)
    for text in ('v=DMARC1', 'v=DMARC1;', 'v=DMARC1; p=bad', 'v=DMARC1; p=', 'v=DMARC1; p=reject; sp=bad',
                 'v=DMARC1; p=reject; np=bad', 'v=DMARC1; p=bad; rua=', 'v=DMARC1; p=bad; rua=example.com',
                 'v=DMARC1; p=bad; ruf=mailto:a@b.c', 'v=DMARC1; p=bad; rua=,', 'v=DMARC1; sp=reject'):
        yield check(f'record {text!r}: no DMARC processing', 'permerror', {'example.com': text}, asked='none')
    yield check('two records: none', 'none', {'example.com': ['v=DMARC1; p=reject', 'v=DMARC1; p=none']})
    yield check('two equal records: none', 'none', {'example.com': ['v=DMARC1; p=reject', 'v=DMARC1; p=reject ']})
    yield check('two records, one above',
                'fail',
                {'a.example.com': ['v=DMARC1; p=none', 'v=DMARC1; p=none;'], 'example.com': 'v=DMARC1; p=reject'},
                'a.example.com',
                asked='reject',
                at='example.com')
    yield check('a record and other TXT',
                'fail', {'example.com': ['v=DMARC1; p=reject', 'v=spf1 -all', 'v=DMARC2; p=none', '']},
                asked='reject')
    yield check('strings are joined',
                'fail', {},
                zone=[txt('_dmarc.example.com', 'v=DMA', 'RC1; p=rej', 'ect')],
                asked='reject')
    yield check('long', 'fail', {'example.com': 'v=DMARC1; ' + 'x=y; ' * 500 + 'p=reject'}, asked='reject')


def alignment():
    """Sections 4.4 and 4.10.2."""
    plain = {'example.com': 'v=DMARC1; p=reject'}
    strict = {'example.com': 'v=DMARC1; p=reject; aspf=s; adkim=s'}
    for author, sender, found, result in (
        ('example.com', 'example.com', plain, 'pass'), ('example.com', 'EXAMPLE.com', plain, 'pass'),
        ('news.example.com', 'foo.example.com', plain, 'pass'), ('news.example.com', 'foo.example.net', plain,
                                                                 'fail'),
        ('example.com', 'a.b.example.com', plain,
         'pass'), ('a.b.example.com', 'example.com', plain,
                   'pass'), ('example.com', 'xexample.com', plain,
                             'fail'), ('xexample.com', 'example.com', plain,
                                       'none'), ('example.com', 'com', plain,
                                                 'fail'), ('example.com', 'example.com', strict,
                                                           'pass'), ('example.com', 'Example.Com', strict, 'pass'),
        ('example.com', 'a.example.com', strict,
         'fail'), ('a.example.com', 'example.com', strict,
                   'fail'), ('a.example.com', 'a.example.com', strict,
                             'pass'), ('example.com', 'a.example.com', {'example.com': 'v=DMARC1; p=none; aspf=S'},
                                       'fail'), ('example.com', 'a.example.com',
                                                 {'example.com': 'v=DMARC1; p=none; adkim=s'}, 'pass'),
        ('example.com', 'a.example.com', {'example.com': 'v=DMARC1; p=none; aspf=strict'},
         'pass'), ('a.example.com', 'a.example.com', {'a.example.com': 'v=DMARC1; p=reject'},
                   'pass'), ('a.example.com', 'b.example.com', {'a.example.com': 'v=DMARC1; p=reject'},
                             'fail'), ('a.example.com', 'b.a.example.com', {'a.example.com': 'v=DMARC1; p=reject'},
                                       'pass'), ('a.example.com', 'example.com',
                                                 {'a.example.com': 'v=DMARC1; p=reject'}, 'fail'),
        ('a.example.com', 'b.example.com',
         {'a.example.com': 'v=DMARC1; p=reject; psd=n', 'example.com': 'v=DMARC1; p=none'
          }, 'fail'), ('a.example.com', 'b.example.com',
                       {'b.example.com': 'v=DMARC1; p=reject; psd=n', 'example.com': 'v=DMARC1; p=none'}, 'fail'),
        ('a.example.com', 'b.example.com', {'b.example.com': 'v=DMARC1; p=reject', 'example.com': 'v=DMARC1; p=none'},
         'pass'), ('a.example.com', 'b.a.example.com',
                   {'a.example.com': 'v=DMARC1; p=reject; psd=n', 'example.com': 'v=DMARC1; p=none'},
                   'pass'), ('a.co.uk', 'b.co.uk', {'co.uk': 'v=DMARC1; p=reject; psd=y'},
                             'fail'), ('x.a.co.uk', 'y.a.co.uk', {'co.uk': 'v=DMARC1; p=reject; psd=y'},
                                       'pass'), ('a.co.uk', 'co.uk', {'co.uk': 'v=DMARC1; p=reject; psd=y'}, 'fail'),
        ('co.uk', 'co.uk', {'co.uk': 'v=DMARC1; p=reject; psd=y'},
         'pass'), ('co.uk', 'a.co.uk', {'co.uk': 'v=DMARC1; p=reject; psd=y'}, 'fail'), ('a.co.uk', 'b.co.uk', {
             'co.uk': 'v=DMARC1; p=reject; psd=y', 'a.co.uk': 'v=DMARC1; p=none', 'b.co.uk': 'v=DMARC1; p=none'
         }, 'fail'), ('a.co.uk', 'b.co.uk', {'co.uk': 'v=DMARC1; p=reject'},
                      'pass'), ('a.co.uk', 'b.co.uk', {'co.uk': 'v=DMARC1; p=reject; psd=u'},
                                'pass'), (LONG, 'x.y.z.h.i.j.mail.example.com', plain,
                                          'pass'), (LONG, LONG, {LONG: 'v=DMARC1; p=reject'}, 'pass'),
        ('bücher.example', 'xn--bcher-kva.example', {'xn--bcher-kva.example': 'v=DMARC1; p=reject; aspf=s'},
         'pass'), ('xn--bcher-kva.example', 'bücher.example', {'xn--bcher-kva.example': 'v=DMARC1; p=reject'},
                   'pass'), ('a.bücher.example', 'BÜCHER.example', {'xn--bcher-kva.example': 'v=DMARC1; p=reject'},
                             'pass')):
        yield check(f'{author} and {sender} by {found}', result, found, author, sender)
    yield check('null sender: HELO', 'pass', plain, sender='', helo='mail.example.com')
    yield check('null sender: another HELO', 'fail', plain, sender='', helo='mail.example.net')
    yield check('HELO does not help a sender',
                'fail',
                plain,
                helo='example.com',
                zone=[txt('example.com', 'v=spf1 +all')])
    for result in ('-', '~', '?'):
        yield Case(f'dmarc: SPF {result}all',
                   [txt('_dmarc.example.com', plain['example.com']),
                    txt('example.com', f'v=spf1 {result}all')],
                   b'From: a@example.com\r\n\r\n',
                   ip='192.0.2.1',
                   sender='a@example.com',
                   dmarc='fail')
    for sender, result in {'a.example.com': 'temperror', 'a.example.net': 'fail'}.items():
        yield Case(f'dmarc: SPF of {sender} cannot be had',
                   [txt('_dmarc.example.com', plain['example.com']), f'{sender} TXT !servfail'],
                   b'From: a@example.com\r\n\r\n',
                   ip='192.0.2.1',
                   sender='a@' + sender,
                   dmarc=result)


def signatures():
    """Section 4.4.1."""
    keys = [
        txt(f's._domainkey.{name}', 'p=' + public(rsa_key()))
        for name in ('example.com', 'a.example.com', 'example.net', 'evil.example')
    ]
    plain = [txt('_dmarc.example.com', 'v=DMARC1; p=reject')]
    strict = [txt('_dmarc.example.com', 'v=DMARC1; p=reject; adkim=s')]
    message = b'From: Joe <joe@example.com>\r\n\r\nHello\r\n'

    def by(name, source=message):
        return sign(source, TEMPLATE.replace(b'd.example', name))

    for what, source, zone, result in (('its own', by(b'example.com'), plain,
                                        'pass'), ('of a subdomain', by(b'a.example.com'), plain,
                                                  'pass'), ('of another', by(b'example.net'), plain, 'fail'),
                                       ('strict, its own', by(b'Example.com'), strict,
                                        'pass'), ('strict, of a subdomain', by(b'a.example.com'), strict, 'fail'),
                                       ('two, one aligned', by(b'evil.example', by(b'example.com')), plain, 'pass'),
                                       ('two, aligned on top', by(b'example.com', by(b'evil.example')), plain,
                                        'pass'), ('changed', by(b'example.com') + b'more\r\n', plain,
                                                  'fail'), ('changed, and another fits',
                                                            by(b'evil.example',
                                                               by(b'example.com').replace(b'Joe',
                                                                                          b'Jim')), plain, 'fail'),
                                       ('i= does not count',
                                        sign(message,
                                             TEMPLATE.replace(b'd=d.example',
                                                              b'd=example.com; i=@a.example.com')), strict, 'pass')):
        yield Case(f'dmarc: signature {what}', keys + zone, source, dmarc=result)
    yield Case('dmarc: signature with its key not to be had',
               plain + ['s._domainkey.example.com TXT !servfail'],
               by(b'example.com'),
               dmarc='temperror')
    yield Case('dmarc: signature of another with its key not to be had',
               plain + ['s._domainkey.other.test TXT !servfail'],
               by(b'other.test'),
               dmarc='fail')


def authors():
    """Section 5.3.1, 4.2, 11.5."""
    zone = {
        'example.com': 'v=DMARC1; p=reject', 'example.net': 'v=DMARC1; p=quarantine',
        'xn--bcher-kva.example': 'v=DMARC1; p=reject'
    }
    for value in (b'joe@example.com', b'<joe@example.com>', b'Joe <joe@example.com>', b'"Joe (x)" <joe@example.com>',
                  b'(c) joe (d) @ (e) example.com (f)', b'"a@example.net" <joe@example.com>',
                  b'a@example.net <joe@example.com>', b'"<a@example.net>" <joe@example.com>',
                  b'(a@example.net) joe@example.com', b'=?utf-8?q?a=40example.net?= <joe@example.com>',
                  b'=?utf-8?b?YUBleGFtcGxlLm5ldA==?=\r\n <joe@example.com>', b'Joe\r\n\t<joe@example.com>\r\n ',
                  b'"a@example.net"@example.com', b'"joe\\" <a@example.net>"  <joe@example.com>',
                  b'joe@example.com, jim@example.com', b'joe@example.com, <jim@Example.COM>',
                  b'Group: joe@example.com, jim@example.com;', b'joe@example . com',
                  b'<@example.net,@example.org:joe@example.com>', b'Joe Q. Public <joe@example.com>',
                  b'joe@EXAMPLE.COM', b'\xc3\xa4 <\xc3\xa4@example.com>', b'joe@example.com,',
                  b'joe (\\) a@example.net) @example.com', b'((a@example.net)) joe@example.com',
                  b'"Joe\r\n x" <joe@example.com>', b'Joe <joe@example.com> (a@example.net)', b'joe@example.com.'):
        yield check(f'From: {value}',
                    'fail',
                    zone,
                    source=b'From: ' + value + b'\r\n\r\n',
                    asked='reject',
                    author='example.com')
        if value != b'a@example.net <joe@example.com>':  # no grammar has it: both are judged
            yield check(f'From: {value}, aligned',
                        'pass',
                        zone,
                        sender='example.com',
                        source=b'From: ' + value + b'\r\n\r\n')
    for value in (b'j@b\xc3\xbccher.example', b'j@xn--bcher-kva.example', b'<j@B\xc3\x9cCHER.example>',
                  b'j@XN--BCHER-KVA.example'):
        yield check(f'From: {value}',
                    'fail',
                    zone,
                    source=b'From: ' + value + b'\r\n\r\n',
                    asked='reject',
                    author='xn--bcher-kva.example')
    for source in (b'', b'Subject: x\r\n\r\n', b'From:\r\n\r\n', b'From: Joe\r\n\r\n', b'From: undisclosed:;\r\n\r\n',
                   b'From: <>\r\n\r\n', b'Sender: joe@example.com\r\n\r\n', b'X-From: joe@example.com\r\n\r\n',
                   b'Subject: x\r\n From: joe@example.com\r\n\r\n',
                   b'Subject: x\r\n\r\nFrom: joe@example.com\r\n\r\n'):
        yield check(f'no author in {source}', 'permerror', zone, source=source or b'\r\n')
    for source in (b'From: joe@example.com, jim@example.net\r\n\r\n',
                   b'From: jim@example.net, joe@example.com\r\n\r\n',
                   b'From: Group: jim@example.net, joe@example.com;\r\n\r\n',
                   b'From: jim@example.net\r\nFrom: joe@example.com\r\n\r\n',
                   b'From: joe@example.com\r\nSubject: x\r\nfrom : jim@example.net\r\n\r\n'):
        yield check(f'two authors: {source}', 'fail', zone, source=source, asked='reject')
        yield check(f'two authors, one aligned: {source}',
                    'fail',
                    zone,
                    sender='example.com',
                    source=source,
                    asked='quarantine')
    for label in ('-a', 'a-', 'a!b', '$', '_', "a'b", 'a.-.b', '{}|~'):
        yield check(f'not a host name: {label}', 'fail', zone, f'{label}.example.com', asked='reject')
        yield check(f'not a host name, aligned: {label}', 'pass', zone, f'{label}.example.com', sender='example.com')
    for name in (b'FROM:', b'from:', b'From :', b'From\t:', b'From:\r\n '):
        yield check(f'{name}', 'fail', zone, source=name + b' joe@example.com\r\n\r\n', asked='reject')


def make_cases():
    return [case for group in (discovery, policies, records, alignment, signatures, authors) for case in group()]


if __name__ == '__main__':
    sys.exit(main(make_cases, 250))
