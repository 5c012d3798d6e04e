"""The dialogues of CRAM-MD5, SCRAM, EXTERNAL and OAuth by hand, right and wrong: expectations from the
RFCs (2195, 5802, 7677, 4422, 7628, 4954), not from the code.
"""
import re

import pytest

from auth_site import (ANN, ANY_REFUSAL, AUTH, CANCELLED, EMPTY, IN, JOE, LOGIN_FIRST, MAIL, NOOP,
                       NOT_BASE64, PASSWORD, TAKEN, UMA, UMLAUTS, UNKNOWN, WRONG, ask, badge,
                       clients_authority, connect, folder, offered, scram_first, server, table)  # noqa: F401
from sasl import Scram, b64, cram_md5, oauthbearer, unb64, xoauth2


# CRAM-MD5 (RFC 2195)

def test_cram_md5(connect):
    client = connect()
    challenge = ask(client, 'AUTH CRAM-MD5')
    assert re.fullmatch(rb'<[^<>@\s]+@[^<>@\s]+>', challenge)
    client.run([(b64(cram_md5(challenge, ANN, PASSWORD)), IN), (f'MAIL FROM:<{ANN}>', TAKEN)])


def test_cram_md5_has_a_new_challenge_each_time(connect):
    challenges = set()
    for _ in range(3):
        client = connect()
        for _ in range(3):
            challenges.add(ask(client, 'AUTH CRAM-MD5'))
            client.run([('*', CANCELLED)])
    assert len(challenges) == 9


CRAMS = {
    'wrong password': (lambda c: cram_md5(c, ANN, 'x'), WRONG),
    'of another challenge': (lambda c: cram_md5(b'<1@x>', ANN, PASSWORD), WRONG),
    'of an account without a secret': (lambda c: cram_md5(c, JOE, PASSWORD), WRONG),
    'of nobody': (lambda c: cram_md5(c, 'who@example.test', PASSWORD), WRONG),
    'no digest': (lambda c: ANN, ANY_REFUSAL),
    'an empty digest': (lambda c: ANN + ' ', ANY_REFUSAL),
    'half a digest': (lambda c: cram_md5(c, ANN, PASSWORD)[:-16], ANY_REFUSAL),
    'more than a digest': (lambda c: cram_md5(c, ANN, PASSWORD) + '00', ANY_REFUSAL),
    'no hex': (lambda c: ANN + ' ' + 'z' * 32, ANY_REFUSAL),
    'no name': (lambda c: cram_md5(c, '', PASSWORD), ANY_REFUSAL),
    'NUL behind': (lambda c: cram_md5(c, ANN, PASSWORD) + '\0', ANY_REFUSAL),
    'nothing': (lambda c: '', ANY_REFUSAL),
}


@pytest.mark.parametrize('response, expected', CRAMS.values(), ids=CRAMS)
def test_cram_md5_refused(connect, response, expected):
    client = connect()
    challenge = ask(client, 'AUTH CRAM-MD5')
    client.run([(b64(response(challenge)), expected), (MAIL[0], LOGIN_FIRST)])


def test_cram_md5_takes_no_initial_response(connect):
    """RFC 4954 section 4: the server begins."""
    connect().run([('AUTH CRAM-MD5 ' + b64(ANN + ' ' + '0' * 32), r'501 5\.7\.0 '), NOOP, AUTH])


# SCRAM (RFC 5802, RFC 7677)

@pytest.mark.parametrize('later', [False, True], ids=['initial response', 'later'])
@pytest.mark.parametrize('user, password', [(JOE, PASSWORD), (UMA, UMLAUTS), (JOE.upper(), PASSWORD)])
def test_scram(connect, user, password, later):
    client, scram = connect(), Scram(user, password)
    scram.verify(ask(client, b64(scram.final(scram_first(client, scram, later=later)))).decode())
    client.run([('', IN), (f'MAIL FROM:<{user}>', TAKEN)])


FIRSTS = {
    'own name as authzid': dict(gs2=f'n,a={JOE},'),
    'extensions that are optional': dict(first_more=',x=frob,y=knob'),
    'a long nonce': dict(nonce='n' * 800),
    'a short nonce': dict(nonce='n'),
}


@pytest.mark.parametrize('how', FIRSTS.values(), ids=FIRSTS)
def test_scram_variants(connect, how):
    client, scram = connect(), Scram(JOE, PASSWORD, **how)
    scram.verify(ask(client, b64(scram.final(scram_first(client, scram)))).decode())
    client.run([('', IN), MAIL])


def test_scram_extensions_in_the_last_message(connect):
    client, scram = connect(), Scram(JOE, PASSWORD)
    ask(client, b64(scram.final(scram_first(client, scram), more=',x=frob')))
    client.run([('', IN)])


BAD_FIRSTS = {
    'a binding that was not chosen': Scram(JOE, '', gs2='p=tls-exporter,,').first(),
    'authzid of somebody else': Scram(JOE, PASSWORD, gs2=f'n,a={ANN},').first(),
    'an extension that is mandatory': Scram(JOE, PASSWORD, mandatory='m=x,').first(),
    'no gs2 header': 'n=joe@example.test,r=abc',
    'half a gs2 header': 'n,n=joe@example.test,r=abc',
    'another flag': 'z,,n=joe@example.test,r=abc',
    'no name': 'n,,r=abc',
    'an empty name': 'n,,n=,r=abc',
    'no nonce': 'n,,n=joe@example.test',
    'an empty nonce': 'n,,n=joe@example.test,r=',
    'nonce before name': 'n,,r=abc,n=joe@example.test',
    'a wrong escape in the name': 'n,,n=joe=2F,r=abc',
    'an open escape in the name': 'n,,n=joe=,r=abc',
    'a NUL': 'n,,n=joe\0@example.test,r=abc',
    'no UTF-8': b'n,,n=\xff\xfe,r=abc',
    'a nonce with a control': 'n,,n=joe@example.test,r=a\1c',
    'nothing': '',
    'commas': ',,,,,,',
    'a final message': 'c=biws,r=abc,p=AAAA',
}


@pytest.mark.parametrize('first', BAD_FIRSTS.values(), ids=BAD_FIRSTS)
def test_scram_first_refused(connect, first):
    """At once, or after the rest of the exchange; without a login in the end."""
    client = connect()
    reply = client.say(f'AUTH SCRAM-SHA-256 {b64(first) or "="}', r'(334|501 5\.[57]\.\d|535 5\.7\.8) ')
    if reply.startswith('334'):
        nonce = dict(part.split('=', 1) for part in unb64(reply[4:]).decode().split(','))['r']
        client.run([(b64(f'c=biws,r={nonce},p={b64(b"p" * 32)}'), ANY_REFUSAL)])
    client.run([NOOP, (MAIL[0], LOGIN_FIRST), AUTH])


def bad_final(**how):
    return lambda scram, first: scram.final(first, **how)


BAD_FINALS = {
    'wrong proof': (bad_final(proof=b64(b'p' * 32)), WRONG),
    'short proof': (bad_final(proof=b64(b'p' * 16)), ANY_REFUSAL),
    'long proof': (bad_final(proof=b64(b'p' * 64)), ANY_REFUSAL),
    'empty proof': (bad_final(proof=''), ANY_REFUSAL),
    'proof that is no base64': (bad_final(proof='!!!!'), ANY_REFUSAL),
    'nonce of the client alone': (lambda scram, first: scram.final(first, nonce=scram.nonce), ANY_REFUSAL),
    'another nonce': (bad_final(nonce='abcdef'), ANY_REFUSAL),
    'changed gs2 header': (bad_final(cbind=b'y,,'), ANY_REFUSAL),
    'another binding': (bad_final(cbind=b'n,,xyz'), ANY_REFUSAL),
    'no gs2 header': (bad_final(cbind=b''), ANY_REFUSAL),
    'no proof': (lambda scram, first: scram.final(first).rsplit(',p=', 1)[0], ANY_REFUSAL),
    'no binding': (lambda scram, first: scram.final(first).split(',', 1)[1], ANY_REFUSAL),
    'more behind the proof': (lambda scram, first: scram.final(first) + ',x=y', ANY_REFUSAL),
    'a NUL behind': (lambda scram, first: scram.final(first) + '\0', ANY_REFUSAL),
    'the first message again': (lambda scram, first: scram.first(), ANY_REFUSAL),
    'nothing': (lambda scram, first: '', ANY_REFUSAL),
}


@pytest.mark.parametrize('final, expected', BAD_FINALS.values(), ids=BAD_FINALS)
def test_scram_final_refused(connect, final, expected):
    client, scram = connect(), Scram(JOE, PASSWORD)
    first = scram_first(client, scram)
    client.run([(b64(final(scram, first)), expected), NOOP, (MAIL[0], LOGIN_FIRST), AUTH])


@pytest.mark.parametrize('user, password', [(JOE, 'x'), ('who@example.test', PASSWORD),
                                            ('nopass@example.test', PASSWORD)])
def test_scram_wrong_credentials(connect, user, password):
    client, scram = connect(), Scram(user, password)
    client.run([(b64(scram.final(scram_first(client, scram))), WRONG), (MAIL[0], LOGIN_FIRST)])


def test_scram_cancelled(connect):
    client, scram = connect(), Scram(JOE, PASSWORD)
    client.run([('AUTH SCRAM-SHA-256', EMPTY), ('*', CANCELLED)])
    scram_first(client, scram)
    client.run([('*', CANCELLED), NOOP])
    ask(client, b64(scram.final(scram_first(client, scram))))
    client.run([('*', CANCELLED), (MAIL[0], LOGIN_FIRST), AUTH])


def test_scram_does_not_take_the_final_message_twice(connect):
    """Nor that of another session."""
    first_client, scram = connect(), Scram(JOE, PASSWORD)
    final = scram.final(scram_first(first_client, scram))
    ask(first_client, b64(final))
    first_client.run([('', IN)])
    second = connect()
    scram_first(second, scram)
    second.run([(b64(final), ANY_REFUSAL), (MAIL[0], LOGIN_FIRST)])


def salt_of(connect, user, mechanism='SCRAM-SHA-256'):
    client, scram = connect(), Scram(user, '')
    fields = dict(part.split('=', 1) for part in scram_first(client, scram, mechanism).split(','))
    client.run([('*', CANCELLED)])
    return fields['s'], fields['i']


def test_scram_salts_tell_nothing(connect):
    """An unknown user has one too, always the same, like those of users that exist."""
    joe, who, her = (salt_of(connect, user) for user in (JOE, 'who@example.test', 'her@example.test'))
    assert who == salt_of(connect, 'who@example.test') == salt_of(connect, 'WHO@example.test')
    assert joe == salt_of(connect, JOE)
    assert len({joe[0], who[0], her[0]}) == 3
    assert joe[1] == who[1] == her[1] and len(unb64(joe[0])) == len(unb64(who[0]))


def test_scram_nonces_are_new(connect):
    nonces = {scram_first(connect(), Scram(JOE, '', nonce='same')) for _ in range(4)}
    assert len(nonces) == 4


PLUS = 'SCRAM-SHA-256-PLUS'


def test_y_where_a_binding_is_offered(connect):
    """The client could bind and believes that the server cannot: somebody has changed what it was
    told (RFC 5802 section 6)."""
    client, scram = connect('bound'), Scram(JOE, PASSWORD, gs2='y,,')
    reply = client.say(f'AUTH SCRAM-SHA-256 {b64(scram.first())}', r'(334|501 5\.[57]\.\d|535 5\.7\.8) ')
    if reply.startswith('334'):
        client.run([(b64(scram.final(unb64(reply[4:]).decode())), ANY_REFUSAL)])
    client.run([(MAIL[0], LOGIN_FIRST), AUTH])


@pytest.mark.parametrize('scram', [
    Scram(JOE, PASSWORD, gs2='p=tls-exporter,,', binding=b'x' * 32),
    Scram(JOE, PASSWORD, gs2='p=tls-exporter,,', binding=b''),
    Scram(JOE, PASSWORD, gs2='p=tls-unique,,', binding=b'x' * 12),
    Scram(JOE, PASSWORD, gs2='p=tls-server-end-point,,', binding=b'x' * 32),
    Scram(JOE, PASSWORD, gs2='p=frob,,', binding=b'x'),
    Scram(JOE, PASSWORD, gs2='n,,'),
    Scram(JOE, PASSWORD, gs2='y,,'),
], ids=lambda scram: f'{scram.gs2}{len(scram.binding)}')
@pytest.mark.parametrize('port', ['submission', 'bound'])
def test_plus_without_the_right_binding(connect, port, scram):
    """Who stands in the middle has another TLS session, and so another value."""
    client = connect(port)
    reply = client.say(f'AUTH {PLUS} {b64(scram.first())}', r'(334|501 5\.[57]\.\d|535 5\.7\.8) ')
    if reply.startswith('334'):
        client.run([(b64(scram.final(unb64(reply[4:]).decode())), ANY_REFUSAL)])
    client.run([NOOP, (MAIL[0], LOGIN_FIRST), AUTH])


def test_plus_is_nothing_without_tls(connect):
    connect('clear').run([(f'AUTH {PLUS}', UNKNOWN), NOOP, AUTH])


@pytest.mark.parametrize('port', ['clear', 'submission'])
def test_y_where_no_binding_is_offered(connect, port):
    """A client that could bind says so, and is right."""
    client, scram = connect(port), Scram(JOE, PASSWORD, gs2='y,,')
    scram.verify(ask(client, b64(scram.final(scram_first(client, scram)))).decode())
    client.run([('', IN)])


def test_sha_1_is_of_those_who_ask_for_it(connect):
    """No account here has a verifier for it, so that even then it is not offered; or it works."""
    client = connect('few')
    if 'SCRAM-SHA-1' in offered(client):
        scram = Scram(JOE, PASSWORD, digest='sha1')
        ask(client, b64(scram.final(scram_first(client, scram, 'SCRAM-SHA-1'))))
        client.run([('', IN)])
    else:
        client.run([('AUTH SCRAM-SHA-1', UNKNOWN)])


def test_a_mechanism_that_this_listener_does_not_offer(connect):
    connect('few').run([('AUTH LOGIN', UNKNOWN), ('AUTH SCRAM-SHA-256', UNKNOWN), ('AUTH CRAM-MD5', UNKNOWN),
                        AUTH])


# EXTERNAL (RFC 4422 appendix A)

EXTERNALS = {
    'nobody in particular': [('AUTH EXTERNAL =', IN), MAIL],
    'the long way': [('AUTH EXTERNAL', EMPTY), ('', IN), MAIL],
    'himself': [('AUTH EXTERNAL ' + b64(JOE), IN), MAIL],
    'himself, later': [('AUTH EXTERNAL', EMPTY), (b64(JOE), IN)],
    'himself in capitals': [('AUTH EXTERNAL ' + b64(JOE.upper()), IN)],
    'somebody else': [('AUTH EXTERNAL ' + b64(ANN), WRONG), (MAIL[0], LOGIN_FIRST)],
    'NUL': [('AUTH EXTERNAL ' + b64(JOE + '\0'), ANY_REFUSAL)],
    'bad base64': [('AUTH EXTERNAL !', NOT_BASE64)],
    'cancelled': [('AUTH EXTERNAL', EMPTY), ('*', CANCELLED), NOOP, ('AUTH EXTERNAL =', IN)],
    'a password instead': [AUTH],
}


@table(EXTERNALS)
def test_external(connect, badge, steps):
    connect('badge', tls={'certificate': badge(JOE)}).run(steps)


def test_external_with_a_certificate_of_nobody_here(connect, badge):
    connect('badge', tls={'certificate': badge('who@example.test')}).run(
        [('AUTH EXTERNAL =', WRONG), NOOP, AUTH])


def test_external_with_two_addresses(connect, badge):
    """Which account is meant, the client must say; it may be either."""
    both = {'certificate': badge(JOE, UMA)}
    for user in (JOE, UMA):
        connect('badge', tls=both).run([('AUTH EXTERNAL ' + b64(user), IN), (f'MAIL FROM:<{user}>', TAKEN)])
    connect('badge', tls=both).run([('AUTH EXTERNAL ' + b64(ANN), WRONG)])


def test_external_on_a_listener_that_asks_for_no_certificate(connect, badge):
    connect('submission', tls={'certificate': badge(JOE)}).run(
        [('AUTH EXTERNAL =', r'(504 5\.5\.4|535 5\.7\.8) '), (MAIL[0], LOGIN_FIRST)])


# OAuth (RFC 7628), the server of the tokens being down

LATER = r'(454 4\.7\.0|334) '
TOKENS = {
    'XOAUTH2': xoauth2(JOE, 'token'),
    'OAUTHBEARER': oauthbearer(JOE, 'token'),
}


@pytest.mark.parametrize('mechanism', TOKENS)
@pytest.mark.parametrize('later', [False, True], ids=['initial response', 'later'])
def test_a_token_that_nobody_can_judge(connect, mechanism, later):
    """Neither yes nor no: 454, at once or after the word that ends a failed exchange."""
    client, token = connect(), b64(TOKENS[mechanism])
    if later:
        client.run([(f'AUTH {mechanism}', EMPTY)])
    reply = client.say(token if later else f'AUTH {mechanism} {token}', LATER)
    if reply.startswith('334'):
        client.run([('AQ==' if mechanism == 'OAUTHBEARER' else '', r'454 4\.7\.0 ')])
    client.run([NOOP, (MAIL[0], LOGIN_FIRST), AUTH])


BAD_TOKENS = {
    'OAUTHBEARER': ['', 'x', 'n,,', 'n,,\1\1', 'n,,\1host=x\1\1', 'n,,\1auth=\1\1', 'n,,\1auth=Basic eDp5\1\1',
                    f'n,a={JOE},\1auth=Bearer\1\1', f'n,a={JOE},\1auth=Bearer a b\1\1',
                    f'n,a={JOE},\1auth=Bearer t\1', f'a={JOE}\1auth=Bearer t\1\1', '\1', '\0', b'\xff\1\1',
                    f'p=x,a={JOE},\1auth=Bearer t\1\1', f'n,a={JOE},\1auth=Bearer t\r\nX: y\1\1'],
    'XOAUTH2': ['', 'x', '\1\1', f'user={JOE}\1\1', 'auth=Bearer t\1\1', f'user={JOE}\1auth=Basic t\1\1',
                f'user={JOE}\1auth=Bearer \1\1', f'user={JOE}\1auth=Bearer t', '\0\1', b'\xff\1\1',
                f'user={JOE}\1auth=Bearer t\r\nX: y\1\1'],
}


@pytest.mark.parametrize('mechanism, token', [(name, token) for name in BAD_TOKENS for token in BAD_TOKENS[name]],
                         ids=repr)
def test_what_is_no_token(connect, mechanism, token):
    client = connect()
    reply = client.say(f'AUTH {mechanism} {b64(token) or "="}', r'(334|501 5\.[57]\.\d|535 5\.7\.8|454 4\.7\.0) ')
    if reply.startswith('334'):
        assert unb64(reply[4:]).startswith(b'{')  # RFC 7628 section 3.2.2
        client.run([('AQ==', r'(501 5\.[57]\.\d|535 5\.7\.8|454 4\.7\.0) ')])
    client.run([NOOP, (MAIL[0], LOGIN_FIRST)])
