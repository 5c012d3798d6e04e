"""Other people's DKIM: dkimpy, Mail::DKIM and libopendkim, each as verify() and sign().

verify(message, record, now) says whether the first signature passes, and a word about it; record is
what every question for a key is answered with. sign(message, keys, kind, canon) gives the field.
"""
import base64
import ctypes
import ctypes.util
import pathlib
import subprocess
import types

HERE = pathlib.Path(__file__).resolve().parent
DOMAIN, SELECTOR = b'example.org', b'sel'


class Absent(Exception):
    """The program is not on this machine."""


class Pipe:
    """A program that answers one request after the other."""

    def __init__(self, argv):
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, head, *parts):
        self.process.stdin.write(head.encode() + b'\n' + b''.join(parts))
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f'it died of: {head}')
        return int(line)

    def lines(self, n):
        return [self.process.stdout.readline().decode('latin-1').strip() for _ in range(n)]

    def bytes(self, n):
        return self.process.stdout.read(n)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Nuncio:
    name = 'nuncio'

    def __init__(self, tool):
        self.pipe = Pipe([tool])

    def verify(self, message, record, now):
        found = self.pipe.lines(self.pipe.ask(f'V {now} {len(record)} {len(message)}', record, message))
        if not found:
            return False, 'none'
        return found[0].split()[0] == 'pass', found[0]

    def sign(self, message, keys, kind, canon):
        pem = keys[kind].pem
        n = self.pipe.ask(f'S {kind} 1600000000 example.org sel {len(pem)} {len(message)}', pem, message)
        return self.pipe.bytes(n)

    def sign_digest(self, pem, digest):
        return self.pipe.bytes(self.pipe.ask(f'D {len(pem)} {len(digest)}', pem, digest))

    def record(self, pem):
        return self.pipe.bytes(self.pipe.ask(f'P {len(pem)} 0', pem))


class Dkimpy:
    name = 'dkimpy'

    def __init__(self):
        try:
            import dkim
        except ImportError as error:
            raise Absent('python3-dkim') from error
        self.dkim = dkim

    def verify(self, message, record, now):
        # Its clock is time.time(), looked up in its own module.
        self.dkim.time = types.SimpleNamespace(time=lambda: now)
        try:
            passed = bool(self.dkim.DKIM(message).verify(dnsfunc=lambda name, timeout=5: record))
            return passed, 'pass' if passed else 'fail'
        except Exception as error:   # it raises what Python raises when a field is strange
            return False, f'{type(error).__name__}: {error}'

    def sign(self, message, keys, kind, canon):
        key, algorithm = keys[kind].pem, b'rsa-sha256'
        if kind == 'ed25519':
            key, algorithm = base64.b64encode(keys[kind].seed), b'ed25519-sha256'
        return self.dkim.sign(message, SELECTOR, DOMAIN, key, signature_algorithm=algorithm,
                              canonicalize=tuple(c.encode() for c in canon))


class MailDkim:
    name = 'Mail::DKIM'

    def __init__(self):
        if subprocess.run(['perl', '-MMail::DKIM::Verifier', '-e', '1'], capture_output=True).returncode:
            raise Absent('libmail-dkim-perl')
        self.pipe = Pipe(['perl', HERE / 'mail_dkim.pl'])

    def verify(self, message, record, now):
        found = self.pipe.lines(self.pipe.ask(f'V 0 {len(record)} {len(message)}', record, message))
        return (found[0].startswith('pass'), found[0]) if found else (False, 'none')

    def sign(self, message, keys, kind, canon):
        if kind != 'rsa':
            return b''
        pem = keys[kind].pem
        return self.pipe.bytes(self.pipe.ask(f'S rsa-sha256 {"/".join(canon)} {len(pem)} {len(message)}', pem, message))


class OpenDkim:
    """libopendkim without the milter around it; its constants are those of <opendkim/dkim.h>."""
    name = 'opendkim'
    PASSED, BODY_MATCHES, FIXED_TIME, CANON = 0x04, 0, 8, {'simple': 0, 'relaxed': 1}

    def __init__(self):
        try:
            self.lib = lib = ctypes.CDLL('libopendkim.so.11')
        except OSError as error:
            raise Absent('libopendkim11') from error
        pointer = ctypes.c_void_p
        for name in ('dkim_init', 'dkim_verify', 'dkim_sign'):
            getattr(lib, name).restype = pointer
        lib.dkim_sig_geterrorstr.restype = ctypes.c_char_p
        self.handle = pointer(lib.dkim_init(None, None))
        self.record = b''

        @ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, pointer, ctypes.c_size_t)
        def look_up(dkim, signature, to, size):
            ctypes.memmove(to, self.record[:size - 1] + b'\0', min(len(self.record), size - 1) + 1)
            return 0
        self.look_up = look_up
        lib.dkim_set_key_lookup(self.handle, look_up)

    def fix_time(self, now):
        when = ctypes.c_uint64(now)
        self.lib.dkim_options(self.handle, 1, self.FIXED_TIME, ctypes.byref(when), ctypes.c_size_t(8))

    def run(self, dkim, message):
        self.lib.dkim_chunk(dkim, message, ctypes.c_size_t(len(message)))
        self.lib.dkim_chunk(dkim, None, ctypes.c_size_t(0))
        return self.lib.dkim_eom(dkim, None)

    def verify(self, message, record, now):
        status = ctypes.c_int()
        self.record = record
        self.fix_time(now)
        dkim = ctypes.c_void_p(self.lib.dkim_verify(self.handle, b'id', None, ctypes.byref(status)))
        code = self.run(dkim, message)
        signatures, n = ctypes.POINTER(ctypes.c_void_p)(), ctypes.c_int()
        self.lib.dkim_getsiglist(dkim, ctypes.byref(signatures), ctypes.byref(n))
        if n.value == 0:
            result = False, f'no signature, {code}'
        else:
            first = ctypes.c_void_p(signatures[0])
            flags, body = self.lib.dkim_sig_getflags(first), self.lib.dkim_sig_getbh(first)
            error = self.lib.dkim_sig_geterror(first)
            text = self.lib.dkim_sig_geterrorstr(error) or b''
            result = (bool(flags & self.PASSED) and body == self.BODY_MATCHES and error == 0,
                      f'{code} {error} {text.decode()}')
        self.lib.dkim_free(dkim)
        return result

    def sign(self, message, keys, kind, canon):
        if kind != 'rsa':
            return b''
        status = ctypes.c_int()
        self.fix_time(1600000000)
        dkim = ctypes.c_void_p(self.lib.dkim_sign(
            self.handle, b'id', None, keys[kind].pem, SELECTOR, DOMAIN, self.CANON[canon[0]], self.CANON[canon[1]],
            1, ctypes.c_ssize_t(-1), ctypes.byref(status)))
        code = self.run(dkim, message)
        field, size = ctypes.c_char_p(), ctypes.c_size_t()
        self.lib.dkim_getsighdr_d(dkim, ctypes.c_size_t(16), ctypes.byref(field), ctypes.byref(size))
        text = ctypes.string_at(field, size.value) if code == 0 else b''
        self.lib.dkim_free(dkim)
        return b'DKIM-Signature: ' + text.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n') + b'\r\n' if text else b''


def all_present():
    """Those that are here, and the packages of those that are not."""
    present, missing = [], []
    for peer in (Dkimpy, MailDkim, OpenDkim):
        try:
            present.append(peer())
        except Absent as absent:
            missing.append(str(absent))
    return present, missing
