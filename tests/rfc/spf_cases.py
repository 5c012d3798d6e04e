#!/usr/bin/python3
"""RFC 7208, paragraph by paragraph: spf_cases.py DRIVER"""
import sys

from judge import Case, main, txt

D = 'd.example'
IP = '192.0.2.3'
IP6 = '2001:db8::cb01'
NIBBLES6 = '1.0.b.c' + '.0' * 20 + '.8.b.d.0.1.0.0.2'


def check(what, record, spf, *zone, ip=IP, sender='joe@' + D, helo='mail.helo.example', exp=None):
    """`record` of d.example, or None."""
    records = ([txt(D, record)] if record is not None else []) + list(zone)
    want = {} if exp is None else {'exp': exp}
    return Case(f'spf: {what}', records, ip=ip, helo=helo, sender=sender, spf=spf, **want)


def records_and_domains():
    """Sections 3, 4.3 to 4.5."""
    yield check('no name', None, 'none')
    yield check('no TXT', None, 'none', f'{D} A {IP}')
    yield check('other TXT', 'google-site=1', 'none')
    yield check('empty record', 'v=spf1', 'neutral')
    yield check('only the version and a space', 'v=spf1 ', 'neutral')
    yield check('version in capitals', 'V=SPF1 -ALL', 'fail')
    yield check('longer version', 'v=spf10 -all', 'none')
    yield check('version with a dot', 'v=spf1. -all', 'none')
    yield check('blank in front', ' v=spf1 -all', 'none')
    yield check('version and a comma', 'v=spf1, -all', 'none')
    yield check('version 2', 'spf2.0/pra -all', 'none')
    yield check('two records', 'v=spf1 +all', 'permerror', txt(D, 'v=spf1 -all'))
    yield check('two equal records', 'v=spf1 +all', 'permerror', txt(D, 'v=spf1'))
    yield check('a record and others', 'v=spf1 -all', 'fail', txt(D, 'v=spf10 +all'), txt(D, 'spf2.0/pra +all'))
    yield check('strings join without a space', None, 'fail', txt(D, 'v=spf1 ip4:192.0.', '2.4 -a', 'll'))
    yield check('strings join into no version', None, 'none', txt(D, 'v=spf1', '-all'))
    yield check('a record in three strings', None, 'pass', txt(D, 'v=s', 'pf1 ip4:192.0.2.', '3 -all'))
    yield check('a record beyond 512 octets', 'v=spf1 ' + 'ip4:198.51.100.1 ' * 120 + f'ip4:{IP} -all', 'pass')
    yield check('SERVFAIL', None, 'temperror', f'{D} TXT !servfail')
    yield check('timeout', None, 'temperror', f'{D} TXT !timeout')
    yield check('one label', None, 'none', txt('localhost', 'v=spf1 +all'), sender='joe@localhost')
    yield check('an empty label', None, 'none', sender='joe@a..example')
    yield check('long label', None, 'none', sender='joe@' + 'a' * 64 + '.example')
    yield check('label of 63',
                None,
                'pass',
                txt('a' * 63 + '.example', 'v=spf1 +all'),
                sender=f'joe@{"a" * 63}.example')
    yield check('underscore', None, 'pass', txt('_a_b.example', 'v=spf1 +all'), sender='joe@_a_b.example')
    yield check('case of the domain', None, 'pass', txt('d.EXAMPLE', 'v=spf1 +all'), sender='joe@D.Example')
    yield check('dot at the end', None, 'pass', txt(D, 'v=spf1 +all'), sender=f'joe@{D}.')
    yield check('address literal', None, 'none', sender='joe@[192.0.2.3]')
    yield check('CNAME to a record', None, 'pass', f'{D} CNAME r.example', txt('r.example', 'v=spf1 +all'))
    yield check('wildcard', None, 'pass', txt('*.w.example', 'v=spf1 +all'), sender='joe@a.b.w.example')
    yield check('non-ASCII in a record', b'v=spf1 a:\xc3\xa4.example -all', 'permerror')
    yield check('NUL in a record', b'v=spf1 +all\x00', 'permerror')
    yield check('TAB for a space', 'v=spf1\t+all', 'none')
    yield check('TAB between terms', 'v=spf1 +all\tip4:192.0.2.1', 'permerror')
    yield check('U-labels', None, 'pass', txt('xn--bcher-kva.example', 'v=spf1 +all'), sender='joe@bücher.example')


def identities():
    """Sections 2.3, 2.4 and 4.3."""
    helo = txt('mail.helo.example', 'v=spf1 exists:%{l}.%{o}.l.example -all')
    yield check('null sender: HELO',
                None,
                'pass',
                helo,
                'postmaster.mail.helo.example.l.example A 127.0.0.2',
                sender='')
    yield check('HELO literal', None, 'none', sender='', helo='[192.0.2.3]')
    yield check('HELO address', None, 'none', sender='', helo='192.0.2.3')
    yield check('HELO of one label', None, 'none', sender='', helo='mail')
    yield check('empty local part: postmaster',
                'v=spf1 exists:%{l}.l.example -all',
                'pass',
                'postmaster.l.example A 127.0.0.2',
                sender='@' + D)
    yield check('no @: a domain',
                'v=spf1 exists:%{l}.l.example -all',
                'pass',
                'postmaster.l.example A 127.0.0.2',
                sender=D)
    yield check('quoted local part with @', 'v=spf1 +all', 'pass', sender=f'"a@b.example"@{D}')
    yield check('null sender, no record for HELO', None, 'none', txt(D, 'v=spf1 -all'), sender='')
    yield check('mapped address is IPv4', f'v=spf1 ip4:{IP} -all', 'pass', ip='::ffff:192.0.2.3')
    yield check('mapped address is not IPv6', 'v=spf1 ip6:::ffff:192.0.2.3 -all', 'fail', ip='::ffff:192.0.2.3')


BAD_TERMS = '''
    all: all:d.example all/8 -all=1 +-all ++all ~~all a: a:/24 a/ a/33 a/024 a/00 a//129 a//0128 a/24/64 a/24// a///64 a/24//64x a:%
    a:d a:1.2.3.4 a:d.example/-1 a:d.example:25 a:d.example//
    mx: mx:/24 mx/33 mx//129 mx:1.2.3.4 ptr: ptr/24 ptr:d exists exists: exists:d.example/24 exists:d
    include include: include:d include:d.example/24
    ip4 ip4: ip4:1.2.3 ip4:1.2.3.4.5 ip4:1.2.3.256 ip4:1.2.3.4/ ip4:1.2.3.4/33 ip4:1.2.3.4/032 ip4:1.2.3.4//24 ip4:::1 ip4:%{i}
    ip4:1.2.3.4:25 ip6 ip6: ip6:1.2.3.4 ip6:::1/129 ip6:::1/ ip6:::1//64 ip6:1:2 ip6:::g ip6:1::2::3 ip6:1:2:3:4:5:6:7:8:9
    ip6:::1%eth0 ip6:fe80::1/0128 ip6:[::1] ipv4:1.2.3.4 ipv6:::1 ip:1.2.3.4 mx-all -foo foo foo:bar ?redirect=d.example
    redirect: redirect redirect= redirect=d redirect=d.example/24 redirect=%{c}.example exp= exp=d exp= exp:d.example
    a:%{x}.example a:%{d0}.example a:%{d}%.example a:%{d.example a:%d}.example a:%{}.example a:%{dr2}.example a:%{d2r2}.example
    a:%{d|}.example a:%{d@}.example a:%{d-r}.example a:%{c}.example a:%{r}.example a:%{t}.example a:%{d}. exists:%{l*}.example exists:%(l).example
    include:%{p}%{ exists:%{ir}.%{v}._spf.%{d2}% a:%{-}.example 1foo=bar -foo=bar foo_bar .a=b =x = -=x a:b=c
    a:exa\x7fmple.example a:d.example, ; , -all; -all,'''.split()
# What looks wrong and is right.
GOOD_TERMS = '''
    a:_x.example a:d.example. a:%{d} a:%{D} a:%{d200}.example a:%{d}.example. mx:%{d2r.}.x.example exists:%{l+-,/_=}.example
    exists:%%.example exists:%_.example exists:%-.example a:a-b.x--y.example a:1.2.3.x4 a:d.e-x a:%{o}/24 a:%{o}//64 a:%{o}/24//64
    a/0 a//0 a/32//128 mx/0 ip4:0.0.0.0/32 ip4:1.2.3.4/1 ip6:::/128 ip6:::1 ip6:2001:db8::/32 ip6:1:2:3:4:5:6:1.2.3.4
    IP4:1.2.3.4 Ip6:::1 PTR:x.example +a ?a ~a -a foo=bar foo= Foo-b_a.r=%{d}x foo=1:2/3 a1=x x=%%%_%- exp=%{d} exp=e.example
    unknown=a:b/c=d ra=me rp=100 rr=all foo=%{c}%{r}%{t} a:x!y.example ip4:1.2.3.4 exists:~.example exists:"x".example a:.example a:d..example
    a=d.example mx=x ptr=x include=i.example ip4=1.2.3.4'''.split()


def syntax():
    """Sections 4.6, 5, 6 and 12: an error anywhere is permerror, whatever has matched before."""
    for term in BAD_TERMS:
        yield check(f'bad term {term!r} behind a match', f'v=spf1 +all {term.encode().decode("unicode_escape")}',
                    'permerror')
    for term in GOOD_TERMS:
        yield check(f'good term {term!r} behind a match', f'v=spf1 ip4:{IP} {term}', 'pass')
    for value in ('%', '%x', '%{', '%{d', '%{x}', '%{d0}', '%{d)', 'a\x80'):
        yield check(f'unknown modifier of {value!r}', f'v=spf1 +all foo={value}', 'permerror')
    yield check('spaces between and behind', 'v=spf1   ip4:1.1.1.1    -all   ', 'fail')
    yield check('redirect twice', 'v=spf1 redirect=r.example redirect=r.example', 'permerror',
                txt('r.example', 'v=spf1 +all'))
    yield check('exp twice', 'v=spf1 +all exp=e.example exp=e.example', 'permerror')
    yield check('exp and EXP', 'v=spf1 +all exp=e.example EXP=e.example', 'permerror')
    yield check('unknown modifier twice', 'v=spf1 +all foo=e.example foo=e.example', 'pass')
    yield check('modifiers in front', 'v=spf1 exp=e.example foo=bar +all', 'pass')
    for sign, result in {'': 'pass', '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral'}.items():
        yield check(f'qualifier {sign!r}', f'v=spf1 {sign}aLL', result)
        yield check(f'qualifier {sign!r} of ip4', f'v=spf1 {sign}ip4:{IP} {"+" if result == "fail" else "-"}all',
                    result)


def address_mechanisms():
    """Sections 5.3, 5.4, 5.6."""
    yield check('first match wins', f'v=spf1 -ip4:{IP} +all', 'fail')
    yield check('no match: neutral', 'v=spf1 ip4:1.2.3.4', 'neutral')
    yield check('ip4 network', 'v=spf1 ip4:192.0.2.255/24 -all', 'pass')
    yield check('ip4 /31', 'v=spf1 ip4:192.0.2.2/31 -all', 'pass')
    yield check('ip4 /0 is no IPv6', 'v=spf1 ip4:0.0.0.0/0 -all', 'fail', ip=IP6)
    yield check('ip6 /0 is no IPv4', 'v=spf1 ip6:::/0 -all', 'fail')
    yield check('ip6 network', 'v=spf1 ip6:2001:DB8::/33 -all', 'pass', ip=IP6)
    yield check('ip6 odd prefix', 'v=spf1 ip6:2001:db8::c000/114 -all', 'pass', ip=IP6)
    yield check('ip6 odd prefix, other', 'v=spf1 ip6:2001:db8::cb03/127 -all', 'fail', ip=IP6)
    yield check('a', 'v=spf1 a -all', 'pass', f'{D} A {IP}')
    yield check('a of two', 'v=spf1 a -all', 'pass', f'{D} A 192.0.2.9', f'{D} A {IP}')
    yield check('a/24//64, IPv4', 'v=spf1 a/24//64 -all', 'pass', f'{D} A 192.0.2.77')
    yield check('a/24//64, IPv6', 'v=spf1 a/24//64 -all', 'pass', f'{D} AAAA 2001:db8::1', ip=IP6)
    yield check('a//64 for IPv4 is /32', 'v=spf1 a//64 -all', 'fail', f'{D} A 192.0.2.77')
    yield check('a/24 for IPv6 is /128', 'v=spf1 a/24 -all', 'fail', f'{D} AAAA 2001:db8::1', ip=IP6)
    yield check('a over CNAME', 'v=spf1 a:c.example -all', 'pass', 'c.example CNAME t.example', f't.example A {IP}')
    yield check('a with SERVFAIL', 'v=spf1 a:c.example +all', 'temperror', 'c.example A !servfail')
    yield check('a of AAAA only', 'v=spf1 a -all', 'fail', f'{D} AAAA {IP6}')
    yield check('a/0 without an address', 'v=spf1 a:c.example/0 -all', 'fail')
    yield check('mx', 'v=spf1 mx -all', 'pass', f'{D} MX 10 m.example', f'm.example A {IP}')
    yield check('mx without MX is not a', 'v=spf1 mx -all', 'fail', f'{D} A {IP}')
    yield check('mx/24//64',
                'v=spf1 mx:m.example/24//64 -all',
                'pass',
                'm.example MX 0 n.example',
                'n.example AAAA 2001:db8::9',
                ip=IP6)
    yield check('null MX', 'v=spf1 mx -all', 'fail', f'{D} MX 0 .')
    for count, result in ((10, 'pass'), (11, 'permerror')):
        names = [f'{D} MX {i} m{i}.example'
                 for i in range(count)] + [f'm{i}.example A 192.0.2.{i + 100}' for i in range(count)]
        yield check(f'mx with {count} hosts', 'v=spf1 mx/24 -all' if count == 10 else 'v=spf1 mx -all', result,
                    *names)
    yield check('mx with SERVFAIL of MX', 'v=spf1 mx +all', 'temperror', f'{D} MX !servfail')
    yield check('mx with SERVFAIL of a host', 'v=spf1 mx +all', 'temperror', f'{D} MX 0 m.example',
                'm.example A !timeout')


def names_of_clients():
    """Section 5.5 and %{p}."""
    pointer = f'{IP} PTR mx.{D}'
    yield check('ptr', 'v=spf1 ptr -all', 'pass', pointer, f'mx.{D} A {IP}')
    yield check('ptr of IPv6', 'v=spf1 ptr -all', 'pass', f'{IP6} PTR mx.{D}', f'mx.{D} AAAA {IP6}', ip=IP6)
    yield check('ptr not validated', 'v=spf1 ptr -all', 'fail', pointer, f'mx.{D} A 192.0.2.4')
    yield check('ptr of another domain', 'v=spf1 ptr -all', 'fail', f'{IP} PTR mxd.example', f'mxd.example A {IP}')
    yield check('ptr with a like end', 'v=spf1 ptr -all', 'fail', f'{IP} PTR x{D}', f'x{D} A {IP}')
    yield check('ptr: the domain itself', f'v=spf1 ptr:{D.upper()} -all', 'pass', f'{IP} PTR {D}', f'{D} A {IP}')
    yield check('ptr SERVFAIL: no match', 'v=spf1 ptr -all', 'fail', f'{IP} PTR !servfail')
    yield check('ptr with SERVFAIL of a name: skipped', 'v=spf1 ptr -all', 'pass', f'{IP} PTR a.{D}', pointer,
                f'a.{D} A !servfail', f'mx.{D} A {IP}')
    many = [f'{IP} PTR h{i}.other.example' for i in range(10)] + [f'h{i}.other.example A {IP}' for i in range(10)]
    yield check('ptr: ten names are looked at', 'v=spf1 ptr:h9.other.example -all', 'pass', *many)
    yield check('ptr: the eleventh is not', 'v=spf1 ptr -all', 'fail', *many, pointer, f'mx.{D} A {IP}')
    yield check('%{p}', 'v=spf1 exists:%{p}.x.example -all', 'pass', pointer, f'mx.{D} A {IP}',
                f'mx.{D}.x.example A 127.0.0.2')
    yield check('%{p} of none: unknown', 'v=spf1 exists:%{p}.x.example -all', 'pass', 'unknown.x.example A 127.0.0.2')
    yield check('%{p} with SERVFAIL: unknown', 'v=spf1 exists:%{p}.x.example -all', 'pass', f'{IP} PTR !servfail',
                'unknown.x.example A 127.0.0.2')
    yield check('%{p} prefers the domain', 'v=spf1 exists:%{p}.x.example -all', 'pass', f'{IP} PTR a.other.example',
                f'{IP} PTR a.{D}', f'{IP} PTR {D}', f'a.other.example A {IP}', f'a.{D} A {IP}', f'{D} A {IP}',
                f'{D}.x.example A 127.0.0.2')
    yield check('%{p} prefers subdomains', 'v=spf1 exists:%{p}.x.example -all', 'pass', f'{IP} PTR a.other.example',
                f'{IP} PTR a.{D}', f'a.other.example A {IP}', f'a.{D} A {IP}', f'a.{D}.x.example A 127.0.0.2')


def other_records():
    """Sections 5.2, 6.1."""
    for inner, outer in {
            '+all': 'pass', '-all': 'softfail', '~all': 'softfail', '?all': 'softfail', '': 'softfail',
            'foo': 'permerror', 'a:f.example': 'temperror', 'redirect=none.example': 'permerror'
    }.items():
        yield check(f'include of {inner!r}', 'v=spf1 include:i.example ~all', outer,
                    txt('i.example', 'v=spf1 ' + inner), 'f.example A !servfail')
    yield check('-include of pass', 'v=spf1 -include:i.example +all', 'fail', txt('i.example', 'v=spf1 +all'))
    yield check('?include of fail', 'v=spf1 ?include:i.example +all', 'pass', txt('i.example', 'v=spf1 -all'))
    yield check('include of none', 'v=spf1 include:i.example +all', 'permerror')
    yield check('include of other TXT', 'v=spf1 include:i.example +all', 'permerror', txt('i.example', 'x'))
    yield check('include of two', 'v=spf1 include:i.example +all', 'permerror', txt('i.example', 'v=spf1 +all'),
                txt('i.example', 'v=spf1 -all'))
    yield check('include with SERVFAIL', 'v=spf1 include:i.example +all', 'temperror', 'i.example TXT !servfail')
    yield check('include of itself', f'v=spf1 include:{D} +all', 'permerror')
    yield check('%{d} of include', 'v=spf1 include:i.example -all', 'pass',
                txt('i.example', 'v=spf1 exists:%{d}.%{o}.x.example -all'), f'i.example.{D}.x.example A 127.0.0.2')
    yield check('match before a bad include', 'v=spf1 +all include:none.example', 'pass')
    yield check('redirect', 'v=spf1 redirect=r.example', 'softfail', txt('r.example', 'v=spf1 ~all'))
    yield check('redirect stands anywhere', 'v=spf1 redirect=r.example ip4:1.2.3.4', 'pass',
                txt('r.example', 'v=spf1 +all'))
    yield check('redirect behind a match', f'v=spf1 redirect=none.example ip4:{IP}', 'pass')
    yield check('redirect and all', 'v=spf1 redirect=r.example ?all', 'neutral', txt('r.example', 'v=spf1 +all'))
    yield check('redirect to none', 'v=spf1 redirect=none.example', 'permerror')
    yield check('redirect to SERVFAIL', 'v=spf1 redirect=f.example', 'temperror', 'f.example TXT !servfail')
    yield check('redirect with macros', 'v=spf1 redirect=%{l}._spf.%{d}', 'pass', txt('joe._spf.' + D, 'v=spf1 +all'))
    yield check('redirect to no match: neutral', 'v=spf1 redirect=r.example', 'neutral', txt('r.example', 'v=spf1'))
    yield check('redirect in a loop', f'v=spf1 redirect={D}', 'permerror')
    yield check('redirect of include', 'v=spf1 include:i.example -all', 'pass',
                txt('i.example', 'v=spf1 redirect=r.example'), txt('r.example', 'v=spf1 a:%{d} -all'),
                f'r.example A {IP}')


def limits():
    """Section 4.6.4."""
    hosts = [f'h{i}.example A 192.0.2.{i + 50}' for i in range(12)]
    yield check('ten look-ups', 'v=spf1 ' + ' '.join(f'a:h{i}.example' for i in range(10)) + ' +all', 'pass', *hosts)
    yield check('eleven look-ups', 'v=spf1 ' + ' '.join(f'a:h{i}.example' for i in range(11)) + ' +all', 'permerror',
                *hosts)
    yield check('a match before the eleventh',
                'v=spf1 ' + ' '.join(f'a:h{i}.example' for i in range(9)) + f' a:h9.example ip4:{IP} mx', 'pass',
                *hosts)
    yield check('redirect is the eleventh',
                'v=spf1 ' + ' '.join(f'a:h{i}.example' for i in range(10)) + ' redirect=r.example', 'permerror',
                *hosts, txt('r.example', 'v=spf1 +all'))
    inner = txt('i.example', 'v=spf1 ' + ' '.join(f'a:h{i}.example' for i in range(5)))
    yield check('those of include count',
                f'v=spf1 include:i.example a:h5.example a:h6.example a:h7.example a:h8.example +all', 'pass', *hosts,
                inner)
    yield check('those of two includes count', f'v=spf1 include:i.example include:i.example +all', 'permerror',
                *hosts, inner)
    yield check('exp, all and ip4 do not count',
                'v=spf1 ' + ' '.join(f'a:h{i}.example' for i in range(10)) + ' ip4:1.1.1.1 -all exp=e.example',
                'fail',
                *hosts,
                txt('e.example', 'No'),
                exp='No')
    yield check('two void look-ups', 'v=spf1 a:n1.example a:n2.example +all', 'pass')
    yield check('three void look-ups', 'v=spf1 a:n1.example a:n2.example a:n3.example +all', 'permerror')
    yield check('void: names without such records', 'v=spf1 a:n1.example mx:n1.example exists:n1.example +all',
                'permerror', txt('n1.example', 'x'))
    yield check('void exists', 'v=spf1 exists:n1.example exists:n2.example exists:n3.example +all', 'permerror')


MACROS = '''
    %{s} strong-bad@email.example.com
    %{o} email.example.com
    %{d} email.example.com
    %{d4} email.example.com
    %{d3} email.example.com
    %{d2} example.com
    %{d1} com
    %{dr} com.example.email
    %{d2r} example.email
    %{l} strong-bad
    %{l-} strong.bad
    %{lr} strong-bad
    %{lr-} bad.strong
    %{l1r-} strong
    %{ir}.%{v}._spf.%{d2} 3.2.0.192.in-addr._spf.example.com
    %{lr-}.lp._spf.%{d2} bad.strong.lp._spf.example.com
    %{lr-}.lp.%{ir}.%{v}._spf.%{d2} bad.strong.lp.3.2.0.192.in-addr._spf.example.com
    %{ir}.%{v}.%{l1r-}.lp._spf.%{d2} 3.2.0.192.in-addr.strong.lp._spf.example.com
    %{d2}.trusted-domains.example.net example.com.trusted-domains.example.net
    %{i} 192.0.2.3
    %{i1} 3
    %{i2r} 0.192
    %{h} Mail.helo.example
    %{H2r} helo.Mail
    %{h-} Mail.helo.example
    %{d100r} com.example.email
    %{dr.} com.example.email
    %{D2R} example.email
    %{s3-.} bad@email.example.com
    %{v} in-addr
    %{V}r in-addrr
    a%%b.x a%b.x
    %{l1-}%{o1}x badcomx'''


def macros():
    """Section 7, with the examples of 7.4. exp= tells what an expansion came to."""
    sender = 'strong-bad@email.example.com'

    def expand(macro, want, ip=IP, sender=sender, **more):
        domain = sender.rpartition('@')[2]
        zone = [txt(domain, 'v=spf1 -all exp=e.example'), txt('e.example', f'<{macro}>')]
        return Case(f'spf: {macro} of {sender}',
                    zone,
                    ip=ip,
                    helo='Mail.helo.example',
                    sender=sender,
                    spf='fail',
                    exp=f'<{want}>',
                    **more)

    for line in MACROS.strip().splitlines():
        yield expand(*line.split())
    yield expand('%{ir}.%{v}._spf.%{d2}', NIBBLES6.upper() + '.ip6._spf.example.com', ip=IP6)
    yield expand('%{i}', '.'.join(reversed(NIBBLES6.upper().split('.'))), ip=IP6)
    yield expand('%{c}', IP6, ip=IP6)
    yield expand('%{c} %{r} %{t}', f'{IP} mx.receiver.example 1500000000')
    yield expand('%{C}', '2001%3Adb8%3A%3Acb01', ip=IP6)
    yield expand('%_%-%%', ' %20%')
    yield expand('%{S}', 'jack%26jill%3Dup%40e.example.com', sender='jack&jill=up@e.example.com')
    yield expand('%{L}', "~jack-_.1", sender="~jack-_.1@e.example.com")
    yield expand('%{l+}', 'jack.list', sender='jack+list@e.example.com')
    yield expand('%{l1r+}', 'jack', sender='jack+list@e.example.com')
    yield expand('%{lr+-=_/,.}', 'g.f.e.d.c.b.a', sender='a+b-c=d_e/f,g@e.example.com')
    zone = [f'{NIBBLES6}.ip6.x.example A 127.0.0.2']
    yield check('exists with nibbles asks for A', 'v=spf1 exists:%{ir}.%{v}.x.example -all', 'pass', *zone, ip=IP6)
    yield check('exists does not ask for AAAA', 'v=spf1 exists:x.example -all', 'fail', 'x.example AAAA ::1', ip=IP6)
    yield check('exists: any address', 'v=spf1 exists:x.example -all', 'pass', 'x.example A 10.0.0.1')
    yield check('exists with SERVFAIL', 'v=spf1 exists:x.example +all', 'temperror', 'x.example A !servfail')
    label = 'a' * 50
    yield check('an expansion of over 253 loses labels on its left',
                'v=spf1 exists:%{l}.x.example -all',
                'pass',
                '.'.join([label] * 4) + '.x.example A 127.0.0.2',
                sender='.'.join([label] * 5) + '@' + D)
    yield check('an expansion with a long label matches nothing',
                'v=spf1 exists:%{l}.x.example -all',
                'fail',
                sender='a' * 64 + '@' + D)
    yield check('an expansion with an empty label matches nothing',
                'v=spf1 exists:%{l}.x.example -all',
                'fail',
                sender='"a..b"@' + D)


def explanations():
    """Section 6.2."""
    e = 'v=spf1 -all exp=e.example'
    yield check('exp', e, 'fail', txt('e.example', 'No, ', '%{i}!'), exp=f'No, {IP}!')
    yield check('exp without a record', e, 'fail', exp='')
    yield check('exp with SERVFAIL', e, 'fail', 'e.example TXT !servfail', exp='')
    yield check('exp with two records', e, 'fail', txt('e.example', 'a'), txt('e.example', 'b'), exp='')
    yield check('exp with bad macros', e, 'fail', txt('e.example', '%{x}'), exp='')
    yield check('exp that is not ASCII', e, 'fail', txt('e.example', b'caf\xc3\xa9'), exp='')
    yield check('exp of include is not used',
                'v=spf1 -include:i.example exp=e.example',
                'fail',
                txt('i.example', 'v=spf1 +all exp=f.example'),
                txt('e.example', 'outer'),
                txt('f.example', 'inner'),
                exp='outer')
    yield check('exp of a failing include is not used',
                'v=spf1 include:i.example -all',
                'fail',
                txt('i.example', 'v=spf1 -all exp=f.example'),
                txt('f.example', 'inner'),
                exp='')
    yield check('exp of redirect is used',
                'v=spf1 redirect=r.example exp=e.example',
                'fail',
                txt('r.example', 'v=spf1 -all exp=f.example'),
                txt('e.example', 'first'),
                txt('f.example', 'second'),
                exp='second')
    yield check('exp of the first is not used behind redirect',
                'v=spf1 redirect=r.example exp=e.example',
                'fail',
                txt('r.example', 'v=spf1 -all'),
                txt('e.example', 'first'),
                exp='')
    yield check('exp of softfail', 'v=spf1 ~all exp=e.example', 'softfail', txt('e.example', 'a'), exp='')
    yield check('exp with %{d}, %{s} and spaces',
                e,
                'fail',
                txt('e.example', '%{s} may not; see http://%{d}/?%{S} '),
                exp=f'joe@{D} may not; see http://{D}/?joe%40{D}')


def make_cases():
    return [
        case for group in (records_and_domains, identities, syntax, address_mechanisms, names_of_clients,
                           other_records, limits, macros, explanations) for case in group()
    ]


if __name__ == '__main__':
    sys.exit(main(make_cases, 300))
