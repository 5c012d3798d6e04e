#!/usr/bin/python3
"""SPF and DKIM in one thread: ours, libopendkim's and dkimpy's.

    make bench
    tests/bench/trust.py --runs 3 --seconds 1

Medians of processor time; the programs take turns within a run, because machines are noisy: only the
ratios mean something. Messages are text in lines of 72 with blanks together now and then, signed
relaxed/relaxed. libopendkim (libopendkim-dev) and dkimpy (python3-dkim) are left out
where they are missing; Debian's libopendkim has no Ed25519.
"""
import argparse
import base64
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RELEASE = ROOT / 'build/release'
SIZES = {'1 KiB': 1 << 10, '10 KiB': 10 << 10, '1 MiB': 1 << 20}
ZONE = '''\
example.org        TXT v=spf1 a:mail.example.org include:_spf.example.net mx -all
_spf.example.net   TXT v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 ip4:192.0.2.0/24 -all
mail.example.org   A 203.0.113.1
example.org        MX 10 mail.example.org
'''


def cc(folder, name, *libraries):
    binary = folder / name
    subprocess.run(['cc', '-O2', '-std=c17', '-D_GNU_SOURCE', f'-I{ROOT}/src', ROOT / f'tests/bench/{name}.c',
                    '-o', binary, *libraries], check=True)
    return binary


def tools(folder):
    """The programs that are here, and dkimpy."""
    ours = [RELEASE / f'src/{lib}/lib{lib}.a' for lib in ('trust', 'mail', 'base')]
    found = {'nuncio': cc(folder, 'trust_ours', *ours, '-lcrypto', '-lidn2', '-lz', '-ljansson')}
    if pathlib.Path('/usr/include/opendkim/dkim.h').exists():
        found['opendkim'] = cc(folder, 'trust_opendkim', '-lopendkim')
    try:
        import dkim  # noqa: F401
        found['dkimpy'] = None
    except ImportError:
        pass
    return found


def some_message(size):
    head = (b'From: Joe <joe@example.org>\r\nTo: Ann <ann@example.com>\r\nSubject: a test of how fast it is\r\n'
            b'Date: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n'
            b'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n'
            b'Received: from a by b; Fri, 11 Jul 2003 21:00:37 -0700\r\n\r\n')
    lines, size_left, n = [], size - len(head), 0
    while size_left > 0:
        line = (b'line %06d of a text that means nothing but has words in it, as has mail' % n)[:72]
        lines.append(line.replace(b'words', b'wo   rds') if n % 10 == 0 else line)
        size_left -= len(lines[-1]) + 2
        n += 1
    return head + b'\r\n'.join(lines) + b'\r\n'


def make_key(folder, kind):
    options = {'rsa2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], 'ed25519': ['-algorithm', 'ED25519']}
    pem = subprocess.run(['openssl', 'genpkey', *options[kind]], check=True, capture_output=True).stdout
    if kind == 'rsa2048':   # the older form, which dkimpy wants
        pem = subprocess.run(['openssl', 'rsa', '-traditional'], input=pem, check=True, capture_output=True).stdout
    der = subprocess.run(['openssl', 'pkey', '-pubout', '-outform', 'DER'], input=pem, check=True,
                         capture_output=True).stdout
    public = der if kind == 'rsa2048' else der[-32:]
    (folder / f'{kind}.pem').write_bytes(pem)
    (folder / f'{kind}.txt').write_text(f'v=DKIM1; k={kind[:3] if kind == "rsa2048" else kind}; '
                                        f'p={base64.b64encode(public).decode()}')
    return folder / f'{kind}.pem', folder / f'{kind}.txt'


def secret_of(kind, pem):
    if kind == 'rsa2048':
        return pem
    der = base64.b64decode(b''.join(line for line in pem.splitlines() if not line.startswith(b'-')))
    return base64.b64encode(der[-32:])


def sign_with_dkimpy(kind, message, pem):
    import dkim
    algorithm = b'rsa-sha256' if kind == 'rsa2048' else b'ed25519-sha256'
    return dkim.sign(message, b'sel', b'example.org', secret_of(kind, pem), signature_algorithm=algorithm,
                     canonicalize=(b'relaxed', b'relaxed'))


def rate_of_dkimpy(what, kind, message, other, seconds):
    import dkim
    text, extra, n = message.read_bytes(), other.read_bytes(), 0
    start = time.process_time()
    while n == 0 or time.process_time() < start + seconds:
        if what == 'sign':
            sign_with_dkimpy(kind, text, extra)
        elif not dkim.verify(text, dnsfunc=lambda name, timeout=5: extra):
            raise RuntimeError('dkimpy does not verify')
        n += 1
    return n / (time.process_time() - start)


def rate(binary, arguments, seconds):
    done = subprocess.run([str(a) for a in (binary, *arguments, seconds)], check=True, capture_output=True, text=True)
    n, took = done.stdout.split()
    return int(n) / float(took)


def measure(options, programs, what, kind, message, other):
    rates = {name: [] for name in programs if not (name == 'opendkim' and kind == 'ed25519')}
    for _ in range(options.runs):
        for name in rates:
            rates[name].append(rate_of_dkimpy(what, kind, message, other, options.seconds) if name == 'dkimpy'
                               else rate(programs[name], (what, message, other), options.seconds))
    return {name: statistics.median(found) for name, found in rates.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--seconds', type=float, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        programs = tools(folder)
        (folder / 'zone').write_text(ZONE)
        spf = statistics.median(rate(programs['nuncio'], ('spf', folder / 'zone'), options.seconds)
                                for _ in range(options.runs))
        print(f'SPF: {spf:,.0f} checks/s (four terms, an include, answers at hand)\n')
        print('| DKIM | nuncio | opendkim | dkimpy | nuncio / opendkim |\n|---|---|---|---|---|')
        for kind in ('rsa2048', 'ed25519'):
            key, record = make_key(folder, kind)
            for size_name, size in SIZES.items():
                plain = folder / 'plain.eml'
                plain.write_bytes(some_message(size))
                signed = folder / 'signed.eml'
                signed.write_bytes(sign_with_dkimpy(kind, plain.read_bytes(), key.read_bytes()) + plain.read_bytes())
                for what, message, other in (('verify', signed, record), ('sign', plain, key)):
                    found = measure(options, programs, what, kind, message, other)
                    cells = [f'{found[n]:,.0f}/s, {found[n] * size / 1e6:,.0f} MB/s' if n in found else ''
                             for n in ('nuncio', 'opendkim', 'dkimpy')]
                    ratio = f'{found["nuncio"] / found["opendkim"]:.1f}' if 'opendkim' in found else ''
                    print(f'| {what}, {kind}, {size_name} | {" | ".join(cells)} | {ratio} |', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
