"""Fixtures of the end-to-end tests; see server.py and peers.py for what they give."""
import os
import subprocess

import pytest

from peers import one_at_a_time, short_folder
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
    with short_folder() as path:
        yield path


@pytest.fixture
def make_server(folder):
    servers = []

    def make(conf, **options):
        servers.append(Server(folder / f'server{len(servers)}', conf, **options))
        return servers[-1]
    yield make
    for server in servers:
        server.stop()
