"""Fixtures of the end-to-end tests; see server.py and peers.py for what they give."""
import os
import subprocess

import pytest

from peers import one_at_a_time, short_folder
from server import ROOT, Server


def pytest_collection_modifyitems(items):
    """For xdist's loadgroup: tests that share a server of their file stay together, the others go
    one by one to whoever is free, so that no long file is left for one at the end."""
    for item in items:
        definitions = item._fixtureinfo.name2fixturedefs.values()
        if any(one[-1].scope in ('class', 'module') for one in definitions):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


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


def servers_in(folder):
    servers = []

    def make(conf, **options):
        servers.append(Server(folder / f'server{len(servers)}', conf, **options))
        return servers[-1]
    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def make_server(folder):
    yield from servers_in(folder)


@pytest.fixture(scope='module')
def make_shared_server(users):
    """For several tests of a file, which leave it as they found it."""
    with short_folder() as path:
        yield from servers_in(path)
