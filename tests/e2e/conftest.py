"""Fixtures of the end-to-end tests; see server.py and peers.py for what they give."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from peers import one_at_a_time
from server import ROOT, Server


@pytest.fixture(scope='session', autouse=True)
def users():
    """Started by root, the roles run as system users: these are made and stay, as `make install`
    would leave them."""
    if os.getuid() == 0:
        with one_at_a_time():
            subprocess.run([ROOT / 'scripts/make-users'], check=True)


@pytest.fixture
def folder():
    """A short path that every user may enter: unix sockets need the one, dropped privileges the
    other."""
    path = pathlib.Path(tempfile.mkdtemp(prefix='nuncio-', dir='/var/tmp'))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_server(folder):
    servers = []

    def make(conf, **options):
        servers.append(Server(folder / f'server{len(servers)}', conf, **options))
        return servers[-1]
    yield make
    for server in servers:
        server.stop()
